package redis_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/rueidis"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/presence"
	"github.com/go-webpubsub/webpubsub/presence/presencetest"
	"github.com/go-webpubsub/webpubsub/redis"
)

func presenceStore(tb testing.TB, client rueidis.Client) *redis.PresenceStore {
	tb.Helper()
	s, err := redis.NewPresenceStore(redis.Config{Client: client, Timeout: time.Minute})
	require.NoError(tb, err)
	return s
}

// slowPresence is a store whose times are a hundred times as long, so that a busy machine
// does not let a lease end between two calls.
type slowPresence struct{ presence.Store }

func (s slowPresence) Apply(ctx context.Context, hub string, ev presence.Event, lease, ttl time.Duration) error {
	return s.Store.Apply(ctx, hub, ev, slowdown*lease, slowdown*ttl)
}

func (s slowPresence) Leases(ctx context.Context, hub string, within time.Duration, limit int) ([]presence.Lease, error) {
	return s.Store.Leases(ctx, hub, slowdown*within, limit)
}

func (s slowPresence) Repair(ctx context.Context, hub string, r presence.Repair, lease, ttl time.Duration) error {
	return s.Store.Repair(ctx, hub, r, slowdown*lease, slowdown*ttl)
}

func (s slowPresence) Lead(ctx context.Context, hub, holder string, lease time.Duration) (bool, error) {
	return s.Store.Lead(ctx, hub, holder, slowdown*lease)
}

func testPresenceStore(t *testing.T, clients ...rueidis.Client) {
	t.Helper()
	var stores []presence.Store
	for _, c := range clients {
		stores = append(stores, slowPresence{presenceStore(t, c)})
	}
	wait := func(d time.Duration) { advance(t, clients[0], slowdown*d) }
	require.NoError(t, presencetest.TestStore(t.Context(), wait, stores...))
}

func TestPresenceStore(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	testPresenceStore(t, s.client(t))
	testPresenceStore(t, s.client(t), s.client(t), s.client(t))
}

func TestPresenceStoreOnMiniredis(t *testing.T) {
	t.Parallel()
	m := miniredis.RunT(t)
	s := newStores(t, newClient(t, "redis://"+m.Addr())).presence
	now := time.Now()
	m.SetTime(now)
	wait := func(d time.Duration) {
		now = now.Add(d)
		m.SetTime(now)
		m.FastForward(d)
	}
	require.NoError(t, presencetest.TestStore(t.Context(), wait, s, s))
}

// TestPurge: connections whose leases have ended become unknown before any call, however
// many they are, and nothing of them stays.
func TestPurge(t *testing.T) {
	t.Parallel()
	const connections = 1200 // more than a script removes at once
	client := startServer(t).client(t)
	s := presenceStore(t, client)
	var add []presence.Member
	for i := range connections {
		add = append(add, presence.Member{ConnectionID: fmt.Sprint("c", i), UserID: "ann"})
	}
	for _, group := range []string{"g", "h"} {
		require.NoError(t, s.Repair(t.Context(), hub, presence.Repair{Group: group, Add: add}, time.Hour, time.Hour))
	}
	for call, check := range map[string]func() (int, error){
		"Members":     func() (int, error) { m, err := s.Members(t.Context(), hub, "g", 0); return len(m.Members), err },
		"Connections": func() (int, error) { m, err := s.Connections(t.Context(), hub, "ann"); return len(m), err },
		"Leases":      func() (int, error) { l, err := s.Leases(t.Context(), hub, 2*time.Hour, 5000); return len(l), err },
	} {
		n, err := check()
		require.NoError(t, err)
		assert.Equal(t, connections, n, call)
	}
	advance(t, client, 61*time.Minute)
	members, err := s.Members(t.Context(), hub, "g", 0)
	require.NoError(t, err)
	assert.Empty(t, members.Members)
	keys, err := do(t, client, "KEYS", "*").AsStrSlice()
	require.NoError(t, err)
	assert.ElementsMatch(t, []string{"webpubsub:presence:{chat}:revision"}, keys)
}

// A connection that joins and leaves one group after the other takes a bounded room: what
// has expired is removed, then all that it has left, and more groups are refused.
func TestManyGroups(t *testing.T) {
	t.Parallel()
	client := startServer(t).client(t)
	s := presenceStore(t, client)
	order := int64(0)
	apply := func(kind webpubsub.EventKind, i int) error {
		order++
		ev := presence.Event{Kind: kind, Member: ann, Group: fmt.Sprint("g", i), Order: order}
		return s.Apply(t.Context(), hub, ev, 24*time.Hour, time.Minute)
	}
	fields := func() int64 {
		n, err := do(t, client, "HLEN", "webpubsub:presence:{chat}:connection:c1").AsInt64()
		require.NoError(t, err)
		return n
	}
	for i := range 40 {
		require.NoError(t, apply(webpubsub.EventKindGroupLeft, i))
	}
	assert.EqualValues(t, 41, fields())
	advance(t, client, 2*time.Minute)
	for i := range 40 {
		require.NoError(t, apply(webpubsub.EventKindGroupLeft, 100+i))
	}
	assert.Less(t, fields(), int64(64), "what has expired is removed")
	for i := range 999 {
		require.NoError(t, apply(webpubsub.EventKindGroupJoined, 1000+i))
	}
	assert.EqualValues(t, 1000, fields(), "absent entries make room")
	require.ErrorIs(t, apply(webpubsub.EventKindGroupJoined, 5000), presence.ErrStoreFull)
	require.NoError(t, apply(webpubsub.EventKindGroupLeft, 1000), "a known group needs no room")
	require.NoError(t, apply(webpubsub.EventKindGroupJoined, 5000))
	groups, err := s.Groups(t.Context(), hub, "c1")
	require.NoError(t, err)
	assert.Len(t, groups, 999)
}

// Repair applies many elements in parts.
func TestRepairInParts(t *testing.T) {
	t.Parallel()
	s := presenceStore(t, startServer(t).client(t))
	var members []presence.Member
	for i := range 250 {
		members = append(members, presence.Member{ConnectionID: fmt.Sprint("c", i)})
	}
	require.NoError(t, s.Repair(t.Context(), hub, presence.Repair{Group: "g", Add: members}, time.Hour, time.Hour))
	snapshot, err := s.Members(t.Context(), hub, "g", 0)
	require.NoError(t, err)
	assert.ElementsMatch(t, members, snapshot.Members)
	leases, err := s.Leases(t.Context(), hub, 2*time.Hour, 1000)
	require.NoError(t, err)
	require.Len(t, leases, 250)
	require.NoError(t, s.Repair(t.Context(), hub, presence.Repair{Group: "g", Revision: snapshot.Revision, Drop: members[:50], Renew: members, End: leases[100:]}, time.Hour, time.Hour))
	snapshot, err = s.Members(t.Context(), hub, "g", 0)
	require.NoError(t, err)
	assert.NotEmpty(t, snapshot.Members)
	for _, m := range members[:50] {
		assert.NotContains(t, snapshot.Members, m)
	}
}

// A member that a failed server has left behind in a group is removed by a listing.
func TestRepairOfTorsos(t *testing.T) {
	t.Parallel()
	client := startServer(t).client(t)
	s := presenceStore(t, client)
	require.NoError(t, s.Apply(t.Context(), hub, joins(ann, "g"), time.Hour, time.Hour))
	do(t, client, "DEL", "webpubsub:presence:{chat}:connection:c1")
	snapshot, err := s.Members(t.Context(), hub, "g", 0)
	require.NoError(t, err)
	require.Len(t, snapshot.Members, 1)
	require.NoError(t, s.Repair(t.Context(), hub, presence.Repair{Group: "g", Revision: snapshot.Revision, Drop: snapshot.Members}, time.Hour, time.Hour))
	snapshot, err = s.Members(t.Context(), hub, "g", 0)
	require.NoError(t, err)
	assert.Empty(t, snapshot.Members)
}

func TestPresenceArguments(t *testing.T) {
	t.Parallel()
	s := presenceStore(t, newClient(t, "redis://"+miniredis.RunT(t).Addr()))
	err := s.Apply(t.Context(), hub, presence.Event{Kind: webpubsub.EventKindUser, Member: ann}, time.Hour, time.Hour)
	require.EqualError(t, err, `redis: record event: its kind is "user", want connected, disconnected, joined or left`)
}
