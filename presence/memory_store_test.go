package presence_test

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/presence"
)

// limited is a store with limits, in which a test applies events.
type limited struct {
	t *testing.T
	presence.Store
}

func newLimited(t *testing.T, opts presence.MemoryStoreOptions) limited {
	t.Helper()
	s, err := presence.NewMemoryStore(&opts)
	require.NoError(t, err)
	return limited{t, s}
}

func (l limited) apply(kind webpubsub.EventKind, connection, group string, order int64) error {
	return l.Apply(l.t.Context(), "chat", presence.Event{Kind: kind, Member: member(connection, ""), Group: group, Order: order}, time.Hour, time.Hour)
}

func (l limited) members(group string) int {
	s, err := l.Members(l.t.Context(), "chat", group, 0)
	require.NoError(l.t, err)
	return len(s.Members)
}

// TestMaxConnections: ended connections make room, live ones do not.
func TestMaxConnections(t *testing.T) {
	t.Parallel()
	s := newLimited(t, presence.MemoryStoreOptions{MaxConnections: 3})
	for i := range 10 {
		require.NoError(t, s.apply(webpubsub.EventKindDisconnected, fmt.Sprint("old", i), "", 0))
	}
	for i := range 3 {
		require.NoError(t, s.apply(webpubsub.EventKindGroupJoined, fmt.Sprint("c", i), "g", 1))
	}
	require.ErrorIs(t, s.apply(webpubsub.EventKindConnected, "c4", "", 0), presence.ErrStoreFull)
	require.ErrorIs(t, s.apply(webpubsub.EventKindDisconnected, "c4", "", 0), presence.ErrStoreFull)
	require.ErrorIs(t, s.Repair(t.Context(), "chat", presence.Repair{Group: "g", Add: []presence.Member{member("c4", "")}}, time.Hour, time.Hour), presence.ErrStoreFull)
	assert.Equal(t, 3, s.members("g"))
	require.NoError(t, s.apply(webpubsub.EventKindDisconnected, "c1", "", 0))
	require.NoError(t, s.apply(webpubsub.EventKindConnected, "c4", "", 0), "the end of c1 is forgotten")
}

// TestMaxGroups: groups that a connection has left make room, those it is in do not. Those of
// others are not touched.
func TestMaxGroups(t *testing.T) {
	t.Parallel()
	s := newLimited(t, presence.MemoryStoreOptions{MaxGroups: 3})
	require.NoError(t, s.apply(webpubsub.EventKindGroupLeft, "other", "g", 5))
	for i := range 1000 { // a client can do this as often as it likes
		group := fmt.Sprint("g", i)
		require.NoError(t, s.apply(webpubsub.EventKindGroupJoined, "c1", group, int64(2*i+1)))
		require.NoError(t, s.apply(webpubsub.EventKindGroupLeft, "c1", group, int64(2*i+2)))
	}
	for i := range 3 {
		require.NoError(t, s.apply(webpubsub.EventKindGroupJoined, "c1", fmt.Sprint("h", i), int64(5000+i)))
	}
	require.ErrorIs(t, s.apply(webpubsub.EventKindGroupJoined, "c1", "h4", 6000), presence.ErrStoreFull)
	assert.Zero(t, s.members("h4"))
	require.NoError(t, s.apply(webpubsub.EventKindGroupLeft, "c1", "h0", 6001))
	require.NoError(t, s.apply(webpubsub.EventKindGroupJoined, "c1", "h4", 6002))
	assert.Equal(t, 1, s.members("h4"))
	require.NoError(t, s.apply(webpubsub.EventKindGroupJoined, "other", "g", 4))
	assert.Zero(t, s.members("g"), "the other connection's mark is there")
}

// TestMaxMembers: as MaxGroups, for all connections together.
func TestMaxMembers(t *testing.T) {
	t.Parallel()
	s := newLimited(t, presence.MemoryStoreOptions{MaxMembers: 3})
	for i := range 10 {
		require.NoError(t, s.apply(webpubsub.EventKindGroupLeft, fmt.Sprint("old", i), "g", 1))
	}
	for i := range 3 {
		require.NoError(t, s.apply(webpubsub.EventKindGroupJoined, fmt.Sprint("c", i), "g", 1))
	}
	require.ErrorIs(t, s.apply(webpubsub.EventKindGroupJoined, "c3", "g", 1), presence.ErrStoreFull)
	require.ErrorIs(t, s.apply(webpubsub.EventKindGroupLeft, "c3", "g", 1), presence.ErrStoreFull)
	assert.Equal(t, 3, s.members("g"))
	require.NoError(t, s.apply(webpubsub.EventKindDisconnected, "c0", "", 0))
	require.NoError(t, s.apply(webpubsub.EventKindGroupJoined, "c3", "g", 1))
}

// TestMemoryStoreForgets: what has expired takes no room.
func TestMemoryStoreForgets(t *testing.T) {
	t.Parallel()
	now := time.Unix(0, 0)
	s := newLimited(t, presence.MemoryStoreOptions{Now: func() time.Time { return now }})
	require.NoError(t, s.apply(webpubsub.EventKindGroupJoined, "c1", "g", 1))
	require.NoError(t, s.apply(webpubsub.EventKindGroupLeft, "c1", "h", 2))
	require.NoError(t, s.apply(webpubsub.EventKindDisconnected, "c2", "", 0))
	assert.Equal(t, "presence.MemoryStore(2 of 100000 connections, 2 of 1000000 members)", fmt.Sprint(s.Store))
	now = now.Add(time.Hour)
	assert.Zero(t, s.members("g"))
	assert.Equal(t, "presence.MemoryStore(0 of 100000 connections, 0 of 1000000 members)", fmt.Sprint(s.Store))
}

// TestMemoryStorePrintsNoNames: whatever the verb.
func TestMemoryStorePrintsNoNames(t *testing.T) {
	t.Parallel()
	s := newLimited(t, presence.MemoryStoreOptions{})
	require.NoError(t, s.apply(webpubsub.EventKindGroupJoined, "secret", "g", 1))
	const want = "presence.MemoryStore(1 of 100000 connections, 1 of 1000000 members)"
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d"} {
		assert.Equal(t, want, fmt.Sprintf(verb, s.Store))
	}
	var log logBook
	log.logger().Info("x", slog.Any("store", s.Store))
	assert.Contains(t, log.String(), want)
	assert.NotContains(t, log.String(), "secret")
}
