package redis_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/presence"
)

// TestPresenceAgainstMemory makes the same random calls of a store in Redis and one in
// memory, and compares all that they return.
func TestPresenceAgainstMemory(t *testing.T) {
	t.Parallel()
	client := startServer(t).client(t)
	onRedis := newStores(t, client).presence
	now := time.Now()
	inMemory, err := presence.NewMemoryStore(&presence.MemoryStoreOptions{Now: func() time.Time { return now }})
	require.NoError(t, err)
	for seed := range uint64(6) {
		m := &comparison{t: t, hub: fmt.Sprint("hub", seed), random: rand.New(rand.NewPCG(seed, 1)), stores: [2]presence.Store{onRedis, inMemory}}
		for range 400 {
			if m.random.IntN(12) == 0 {
				d := time.Duration(1+m.random.IntN(40)) * time.Minute
				now = now.Add(d)
				advance(t, client, d)
			} else {
				m.call()
			}
			m.compare()
			if t.Failed() {
				return
			}
		}
	}
}

// comparison makes calls of two stores.
type comparison struct {
	t         *testing.T
	hub       string
	random    *rand.Rand
	stores    [2]presence.Store
	revisions [2]int64 // before a listing by the service
}

var names = []string{"g", "h", "i"}

func (m *comparison) oneOf(values ...string) string { return values[m.random.IntN(len(values))] }

func (m *comparison) member() presence.Member {
	return presence.Member{ConnectionID: m.oneOf("a", "b", "c"), SessionID: m.oneOf("", "", "1", "2"), UserID: m.oneOf("", "ann", "ann", "bob")}
}

// call makes a random call of both stores. Leases and TTLs do not end at the minutes by
// which the clock moves: the clocks differ by the time that the test takes.
func (m *comparison) call() {
	ctx := m.t.Context()
	lease := time.Duration(m.random.IntN(60))*time.Minute + 30*time.Second
	ttl := time.Duration(m.random.IntN(60))*time.Minute + 30*time.Second
	group := m.oneOf(names...)
	switch n := m.random.IntN(10); {
	case n == 0:
		for i, store := range m.stores {
			snapshot, err := store.Members(ctx, m.hub, group, 0)
			require.NoError(m.t, err)
			m.revisions[i] = snapshot.Revision
		}
	case n == 1:
		m.end(m.member(), lease, ttl)
	case n < 4:
		add, drop, renew := m.members(), m.members(), m.members()
		for i, store := range m.stores {
			r := presence.Repair{Group: group, Revision: m.revisions[i], Add: add, Drop: drop, Renew: renew}
			require.NoError(m.t, store.Repair(ctx, m.hub, r, lease, ttl))
		}
	default:
		kinds := []webpubsub.EventKind{webpubsub.EventKindConnected, webpubsub.EventKindGroupJoined, webpubsub.EventKindGroupJoined, webpubsub.EventKindGroupLeft, webpubsub.EventKindGroupLeft, webpubsub.EventKindDisconnected}
		ev := presence.Event{Kind: kinds[m.random.IntN(len(kinds))], Member: m.member(), Group: group, Order: 1 + m.random.Int64N(20)}
		for _, store := range m.stores {
			require.NoError(m.t, store.Apply(ctx, m.hub, ev, lease, ttl))
		}
	}
}

// end ends a member if its lease is as the stores say.
func (m *comparison) end(member presence.Member, lease, ttl time.Duration) {
	for _, store := range m.stores {
		leases, err := store.Leases(m.t.Context(), m.hub, 24*time.Hour, 100)
		require.NoError(m.t, err)
		leases = slices.DeleteFunc(leases, func(l presence.Lease) bool {
			return l.Member.ConnectionID != member.ConnectionID || l.Member.SessionID != member.SessionID
		})
		require.NoError(m.t, store.Repair(m.t.Context(), m.hub, presence.Repair{End: leases}, lease, ttl))
	}
}

func (m *comparison) members() []presence.Member {
	var members []presence.Member
	for range m.random.IntN(3) {
		members = append(members, m.member())
	}
	return members
}

// compare compares all that the stores return.
func (m *comparison) compare() {
	ctx := m.t.Context()
	var seen [2][]string
	for i, store := range m.stores {
		see := func(what string, values []string, err error) {
			require.NoError(m.t, err)
			slices.Sort(values)
			seen[i] = append(seen[i], fmt.Sprintf("%s: %q", what, values))
		}
		for _, group := range names {
			snapshot, err := store.Members(ctx, m.hub, group, 0)
			see("Members of "+group, texts(snapshot.Members), err)
		}
		for _, id := range []string{"a", "b", "c"} {
			groups, err := store.Groups(ctx, m.hub, id)
			see("Groups of "+id, groups, err)
		}
		for _, user := range []string{"ann", "bob"} {
			members, err := store.Connections(ctx, m.hub, user)
			see("Connections of "+user, texts(members), err)
		}
		groups, err := store.GroupNames(ctx, m.hub, "", 10)
		see("GroupNames", groups, err)
		leases, err := store.Leases(ctx, m.hub, 24*time.Hour, 100)
		var members []presence.Member
		for _, l := range leases {
			members = append(members, l.Member)
		}
		see("Leases", texts(members), err)
	}
	assert.Equal(m.t, seen[1], seen[0], "in memory, and on Redis")
}

func texts(members []presence.Member) []string {
	var out []string
	for _, m := range members {
		out = append(out, fmt.Sprint(m))
	}
	return out
}
