package redis_test

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/redis/rueidis"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/presence"
	"github.com/go-webpubsub/webpubsub/redis"
)

func TestCluster(t *testing.T) {
	t.Parallel()
	c := startCluster(t)
	client := c.client(t)
	require.Equal(t, rueidis.ClientModeCluster, client.Mode())
	require.Len(t, client.Nodes(), 3)

	// What moves the clock moves that of everything: one after the other.
	testDeduplicationStore(t, client, c.client(t))
	testPresenceStore(t, client, c.client(t))
	testHistory(t, client)
	s := deduplicationStore(t, client)
	for i := range 100 {
		require.NoError(t, s.Finish(t.Context(), fmt.Sprint("spread", i), "a", nil, time.Hour))
	}
	for address, node := range client.Nodes() {
		n, err := do(t, node, "DBSIZE").AsInt64()
		require.NoError(t, err)
		assert.Greater(t, n, int64(10), "events are on all servers: %s", address)
	}
	testResharding(t, c, client)
}

// testResharding moves a slot while it is in use: its keys are first asked for at the new
// server, and then found there.
func testResharding(t *testing.T, c *cluster, client rueidis.Client) {
	const key = "webpubsub:event:moves"
	s := deduplicationStore(t, client)
	answers := func(key string) func() bool {
		return func() bool {
			state, answer, err := s.Begin(t.Context(), key, "b", time.Minute)
			require.NoError(t, err)
			require.Equal(t, webpubsub.ClaimDone, state)
			return string(answer) == "answer"
		}
	}
	require.NoError(t, s.Finish(t.Context(), "moves", "a", []byte("answer"), time.Hour))
	slot, err := do(t, client, "CLUSTER", "KEYSLOT", key).AsInt64()
	require.NoError(t, err)
	number := strconv.FormatInt(slot, 10)
	from := c.nodes[slot*3/slots]
	to := c.nodes[(slot*3/slots+1)%3]
	id := func(n *node) string { return must(do(t, n.admin(t), "CLUSTER", "MYID").ToString()) }

	do(t, to.admin(t), "CLUSTER", "SETSLOT", number, "IMPORTING", id(from))
	do(t, from.admin(t), "CLUSTER", "SETSLOT", number, "MIGRATING", id(to))
	assert.True(t, answers("moves")(), "the key has not moved")
	do(t, from.admin(t), "MIGRATE", "127.0.0.1", to.port, key, "0", "5000")
	assert.True(t, answers("moves")(), "ASK")
	for _, n := range c.nodes {
		do(t, n.admin(t), "CLUSTER", "SETSLOT", number, "NODE", id(to))
	}
	assert.True(t, answers("moves")(), "MOVED")
	exists, err := do(t, to.admin(t), "EXISTS", key).AsInt64()
	require.NoError(t, err)
	assert.EqualValues(t, 1, exists)
}

// A client of one server finds the others, and keeps working if that server is the one
// that stops: events of the others' slots are handled.
func TestClusterWithoutOneServer(t *testing.T) {
	t.Parallel()
	c := startCluster(t, "--cluster-require-full-coverage", "no")
	client := c.client(t)
	patient, hasty := deduplicationStore(t, client), storesWith(t, redis.Config{Client: client, Timeout: time.Second}).events
	p := presenceStore(t, client)
	require.NoError(t, p.Apply(t.Context(), "chat", presence.Event{Kind: webpubsub.EventKindConnected, Member: presence.Member{ConnectionID: "c"}}, time.Minute, time.Minute))
	c.nodes[0].kill()
	failed, served := 0, 0
	for i := range 30 {
		if served > 0 && failed > 0 {
			break
		}
		key := fmt.Sprint("event", i)
		slot := must(do(t, c.nodes[1].admin(t), "CLUSTER", "KEYSLOT", "webpubsub:event:"+key).AsInt64())
		if slot < slots/3 {
			_, _, err := hasty.Begin(t.Context(), key, "a", time.Minute)
			require.Error(t, err)
			failed++
			continue
		}
		_, _, err := patient.Begin(t.Context(), key, "a", time.Minute)
		require.NoError(t, err)
		served++
	}
	assert.Positive(t, failed)
	assert.Positive(t, served)
}
