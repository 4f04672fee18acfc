package redis_test

import (
	"context"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/rueidis"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/deduptest"
	"github.com/go-webpubsub/webpubsub/redis"
)

func deduplicationStore(tb testing.TB, client rueidis.Client) *redis.DeduplicationStore {
	tb.Helper()
	s, err := redis.NewDeduplicationStore(redis.Config{Client: client, Timeout: time.Minute})
	require.NoError(tb, err)
	return s
}

// slow is a store whose times are a hundred times as long, so that a busy machine does not
// let a claim expire between two calls.
type slow struct{ webpubsub.DeduplicationStore }

const slowdown = 100

func (s slow) Begin(ctx context.Context, key, claim string, lease time.Duration) (webpubsub.ClaimState, []byte, error) {
	return s.DeduplicationStore.Begin(ctx, key, claim, slowdown*lease)
}

func (s slow) Finish(ctx context.Context, key, claim string, answer []byte, ttl time.Duration) error {
	return s.DeduplicationStore.Finish(ctx, key, claim, answer, slowdown*ttl)
}

func (s slow) Abandon(ctx context.Context, key, claim string, ttl time.Duration) error {
	return s.DeduplicationStore.Abandon(ctx, key, claim, slowdown*ttl)
}

func testDeduplicationStore(t *testing.T, clients ...rueidis.Client) {
	t.Helper()
	var stores []webpubsub.DeduplicationStore
	for _, c := range clients {
		stores = append(stores, slow{deduplicationStore(t, c)})
	}
	wait := func(d time.Duration) { advance(t, clients[0], slowdown*d) }
	require.NoError(t, deduptest.TestStore(t.Context(), wait, stores...))
}

func TestDeduplicationStore(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	testDeduplicationStore(t, s.client(t))
	testDeduplicationStore(t, s.client(t), s.client(t), s.client(t))
}

func TestDeduplicationStoreOnMiniredis(t *testing.T) {
	t.Parallel()
	m := miniredis.RunT(t)
	s := deduplicationStore(t, newClient(t, "redis://"+m.Addr()))
	require.NoError(t, deduptest.TestStore(t.Context(), m.FastForward, s, s))
}

// Keys expire by themselves, by the clock of the server.
func TestEventsExpire(t *testing.T) {
	t.Parallel()
	client := startServer(t).client(t)
	s := deduplicationStore(t, client)
	const key = "webpubsub:event:k"
	left := func() int64 {
		n, err := do(t, client, "PTTL", key).AsInt64()
		require.NoError(t, err)
		return n
	}
	within := func(limit time.Duration) {
		t.Helper()
		assert.Greater(t, left(), limit.Milliseconds()/2)
		assert.LessOrEqual(t, left(), limit.Milliseconds())
	}
	_, _, err := s.Begin(t.Context(), "k", "a", 10*time.Minute)
	require.NoError(t, err)
	within(10 * time.Minute)
	require.NoError(t, s.Abandon(t.Context(), "k", "a", time.Hour))
	within(time.Hour)
	_, _, err = s.Begin(t.Context(), "k", "a", 10*time.Minute)
	require.NoError(t, err)
	require.NoError(t, s.Finish(t.Context(), "k", "a", []byte("answer"), 2*time.Hour))
	within(2 * time.Hour)

	_, _, err = s.Begin(t.Context(), "short", "a", time.Nanosecond) // at least a millisecond
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		state, _, err := s.Begin(t.Context(), "short", "b", time.Hour)
		return err == nil && state == webpubsub.ClaimGranted
	}, time.Minute, time.Millisecond)
}

// Values of another application are neither taken for an answer nor replaced.
func TestForeignValues(t *testing.T) {
	t.Parallel()
	client := startServer(t).client(t)
	s := deduplicationStore(t, client)
	do(t, client, "SET", "webpubsub:event:string", "a value")
	do(t, client, "RPUSH", "webpubsub:event:list", "a value")
	for _, key := range []string{"string", "list"} {
		_, _, err := s.Begin(t.Context(), key, "a", time.Minute)
		require.Error(t, err, key)
	}
	require.ErrorIs(t, s.Finish(t.Context(), "string", "a", nil, time.Minute), webpubsub.ErrClaimLost)
	require.ErrorIs(t, s.Abandon(t.Context(), "string", "a", time.Minute), webpubsub.ErrClaimLost)
	require.Error(t, s.Finish(t.Context(), "list", "a", nil, time.Minute))
	require.Error(t, s.Abandon(t.Context(), "list", "a", time.Minute))
	assert.Equal(t, "a value", must(do(t, client, "GET", "webpubsub:event:string").ToString()))
}

// Stores with different prefixes do not meet.
func TestPrefix(t *testing.T) {
	t.Parallel()
	client := startServer(t).client(t)
	for _, prefix := range []string{"", "one", "two:" + redis.DefaultPrefix} {
		s, err := redis.NewDeduplicationStore(redis.Config{Client: client, Prefix: prefix, Timeout: time.Minute})
		require.NoError(t, err)
		state, _, err := s.Begin(t.Context(), "k", "a"+prefix[:min(3, len(prefix))], time.Minute)
		require.NoError(t, err)
		assert.Equal(t, webpubsub.ClaimGranted, state)
	}
	keys, err := do(t, client, "KEYS", "*").AsStrSlice()
	require.NoError(t, err)
	assert.ElementsMatch(t, []string{"webpubsub:event:k", "one:event:k", "two:webpubsub:event:k"}, keys)
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
