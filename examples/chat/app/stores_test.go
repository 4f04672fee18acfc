package app_test

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
	chat "github.com/go-webpubsub/webpubsub/examples/chat/app"
	"github.com/go-webpubsub/webpubsub/presence"
)

// counting is a store that counts claims.
type counting struct {
	webpubsub.DeduplicationStore
	claims atomic.Int32
	lease  atomic.Int64
}

func (c *counting) Begin(ctx context.Context, key, claim string, lease time.Duration) (webpubsub.ClaimState, []byte, error) {
	c.claims.Add(1)
	c.lease.Store(int64(lease))
	return c.DeduplicationStore.Begin(ctx, key, claim, lease)
}

// TestStores: with the stores of replicas, a page learns of the people in a room from
// presence, and events are claimed.
func TestStores(t *testing.T) {
	t.Parallel()
	known, err := presence.NewMemoryStore(nil)
	require.NoError(t, err)
	tracker, err := presence.NewTracker(presence.Config{Hub: chat.Hub, Store: known})
	require.NoError(t, err)
	memory, err := webpubsub.NewMemoryStore(nil)
	require.NoError(t, err)
	events := &counting{DeduplicationStore: memory}
	s := startWith(t, chat.Stores{Presence: tracker, Events: events})
	ann, ben := s.open("Ann"), s.open("Ben")
	// Somebody of whom only presence knows.
	require.NoError(t, known.Apply(t.Context(), chat.Hub, presence.Event{
		Kind: webpubsub.EventKindGroupJoined, Member: presence.Member{ConnectionID: "other", UserID: "eve"}, Group: "lobby", Order: 1,
	}, time.Hour, time.Hour))
	require.Eventually(t, func() bool { // joined events arrive when they do
		members, err := tracker.Members(t.Context(), "lobby")
		return err == nil && len(members) == 3
	}, time.Minute, time.Millisecond)

	var people []chat.Person
	for _, n := range ann.raise("join", m{"room": "lobby"}).Notices {
		people = append(people, n.Person)
	}
	assert.ElementsMatch(t, []chat.Person{
		{Connection: ann.connection, User: ann.user, Name: "Ann"}, {Connection: ben.connection, User: ben.user, Name: "Ben"}, {Connection: "other", User: "eve"},
	}, people)

	before := events.claims.Load()
	ann.raise("say", say("lobby", "hello"))
	assert.Greater(t, events.claims.Load(), before)
	assert.Equal(t, 3*time.Second, time.Duration(events.lease.Load()))
}

// TestRooms: the rooms are a flag.
func TestRooms(t *testing.T) {
	t.Parallel()
	s := run(t, "-rooms", "hall,cellar")
	ann := s.open("Ann")
	ann.hearOf("joined", ann.user)
	assert.Equal(t, "room", ann.raise("join", m{"room": "cellar"}).Type)
	assert.Equal(t, "There is no such room.", ann.raise("join", m{"room": "lobby"}).Error.Message)
	ann.raise("say", say("hall", "hello"))
	room := ann.raise("join", m{"room": "hall"})
	assert.True(t, slices.ContainsFunc(room.Notices, func(n chat.Notice) bool { return n.Text == "hello" }), "everybody starts in the first")
}
