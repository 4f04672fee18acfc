package presence_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/presence"
)

// TestConcurrentUse: events, questions, watchers and rounds at the same time. Half of the clients
// stay, each in its own group and in one that all are in.
func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	const clients = 40
	service := new(lister)
	service.exists = make(map[string]bool)
	var all []presence.Member
	for i := range clients {
		if m := member(fmt.Sprintf("c%02d", i), "ann"); i%2 == 0 {
			all = append(all, m)
			service.exists[m.ConnectionID] = true
			service.set(fmt.Sprint("g", i), m)
		}
	}
	service.set("g", all...)
	tracker := newTracker(t, presence.Config{Lister: service, Groups: []string{"g"}})
	next := func(context.Context) error { return nil }
	ctx, cancel := context.WithCancel(t.Context())
	var busy, done sync.WaitGroup
	for range 2 {
		busy.Go(func() {
			for ctx.Err() == nil {
				_, err := tracker.Reconcile(ctx)
				assert.True(t, err == nil || ctx.Err() != nil, "%v", err)
				_, err = tracker.Online(ctx, "ann")
				assert.NoError(t, err)
			}
		})
		busy.Go(func() {
			for _, err := range tracker.Watch(ctx, "g") {
				assert.True(t, err == nil || ctx.Err() != nil, "%v", err)
			}
		})
	}
	for i := range clients {
		id, own := fmt.Sprintf("c%02d", i), fmt.Sprint("g", i)
		done.Go(func() {
			events := []webpubsub.Event{connected(id, "ann"), joined(id, "ann", "g", "2"), joined(id, "ann", own, "3"), left(id, "ann", own, "4"), joined(id, "ann", own, "5")}
			if i%2 == 1 {
				events = append(events, disconnected(id, "ann"))
			}
			for _, ev := range append(events, events...) {
				assert.NoError(t, tracker.Intercept(ctx, ev, next))
			}
		})
	}
	done.Wait()
	cancel()
	busy.Wait()
	_, err := tracker.Reconcile(t.Context())
	require.NoError(t, err)
	members, err := tracker.Members(t.Context(), "g")
	require.NoError(t, err)
	assert.Equal(t, all, members)
	for i := range clients {
		assert.Len(t, membersOf(t, tracker, fmt.Sprint("g", i)), 1-i%2)
	}
	connections, err := tracker.Connections(t.Context(), "ann")
	require.NoError(t, err)
	assert.Equal(t, all, connections)
}
