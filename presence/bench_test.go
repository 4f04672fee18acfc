package presence_test

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/presence"
)

func benchTracker(b *testing.B) (*presence.Tracker, presence.Store) {
	b.Helper()
	store, err := presence.NewMemoryStore(nil)
	require.NoError(b, err)
	tracker, err := presence.NewTracker(presence.Config{Hub: "chat", Store: store, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(b, err)
	return tracker, store
}

// BenchmarkIntercept is what a tracker with a store in memory adds to an event.
func BenchmarkIntercept(b *testing.B) {
	next := func(context.Context) error { return nil }
	for name, events := range map[string][]webpubsub.Event{
		"joined again":       {joined("c1", "ann", "g", "2")},
		"joined and left":    nil, // with new ids
		"message":            {&webpubsub.UserEvent{Meta: meta("c1", "ann", "3")}},
		"connected and gone": nil,
	} {
		b.Run(name, func(b *testing.B) {
			tracker, _ := benchTracker(b)
			b.ReportAllocs()
			id := 0
			for b.Loop() {
				id++
				events := events
				switch name {
				case "joined and left":
					events = []webpubsub.Event{joined("c1", "ann", "g", fmt.Sprint(2*id)), left("c1", "ann", "g", fmt.Sprint(2*id+1))}
				case "connected and gone":
					c := fmt.Sprint("c", id)
					events = []webpubsub.Event{connected(c, "ann"), disconnected(c, "ann")}
				}
				for _, ev := range events {
					if err := tracker.Intercept(b.Context(), ev, next); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}

// BenchmarkMembers reads a group.
func BenchmarkMembers(b *testing.B) {
	for _, size := range []int{10, 1000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			tracker, store := benchTracker(b)
			fill(b, store, size)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := tracker.Members(b.Context(), "g"); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkMemory reports the bytes of a member of a group in memory.
func BenchmarkMemory(b *testing.B) {
	const size = 50_000
	for b.Loop() {
		_, store := benchTracker(b)
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		fill(b, store, size)
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/size, "B/member")
		runtime.KeepAlive(store)
	}
}

// fill adds connections, each of a user and in one group.
func fill(b *testing.B, store presence.Store, size int) {
	b.Helper()
	for i := range size {
		ev := presence.Event{
			Kind: webpubsub.EventKindGroupJoined, Group: "g", Order: 1,
			Member: presence.Member{ConnectionID: fmt.Sprintf("connection-%011d", i), UserID: fmt.Sprintf("user-%07d", i)},
		}
		require.NoError(b, store.Apply(b.Context(), "chat", ev, time.Hour, time.Hour))
	}
}
