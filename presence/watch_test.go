package presence_test

import (
	"context"
	"iter"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/presence"
)

func member(id, user string) presence.Member { return presence.Member{ConnectionID: id, UserID: user} }

// watch pulls changes.
func watch(t *testing.T, tracker *presence.Tracker) func() presence.Change {
	t.Helper()
	next, stop := iter.Pull2(tracker.Watch(t.Context(), "g"))
	t.Cleanup(stop)
	return func() presence.Change {
		change, err, ok := next()
		require.True(t, ok)
		require.NoError(t, err)
		return change
	}
}

func TestWatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := memory(t)
		here, there := newTracker(t, presence.Config{Store: store}), newTracker(t, presence.Config{Store: store})
		tell(t, here, joined("c1", "ann", "g", "2"), joined("c2", "bob", "g", "2"))
		next := watch(t, here)
		assert.Equal(t, presence.Change{Snapshot: true, Joined: []presence.Member{member("c1", "ann"), member("c2", "bob")}}, next())

		// Of this process.
		start := time.Now()
		tell(t, here, joined("c3", "dan", "g", "2"))
		assert.Equal(t, presence.Change{Joined: []presence.Member{member("c3", "dan")}}, next())
		assert.Less(t, time.Since(start), presence.DefaultWatchInterval)
		start = time.Now()
		tell(t, here, disconnected("c3", "dan"))
		assert.Equal(t, presence.Change{Left: []presence.Member{member("c3", "dan")}}, next())
		assert.Less(t, time.Since(start), presence.DefaultWatchInterval)

		// Of another process, and of no interest.
		start = time.Now()
		tell(t, there, joined("c9", "eve", "other", "2"), left("c1", "ann", "g", "3"), disconnected("c2", "bob"), joined("c4", "", "g", "2"))
		assert.Equal(t, presence.Change{Joined: []presence.Member{member("c4", "")}, Left: []presence.Member{member("c1", "ann"), member("c2", "bob")}}, next())
		assert.LessOrEqual(t, time.Since(start), presence.DefaultWatchInterval)
	})
}

// TestWatchReadsChanges: a watcher reads the members again only if they have changed.
func TestWatchReadsChanges(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := memory(t)
		tracker := newTracker(t, presence.Config{Store: store})
		tell(t, tracker, joined("c1", "ann", "g", "2"))
		next := watch(t, tracker)
		next()
		time.AfterFunc(9*time.Second+500*time.Millisecond, func() {
			tell(t, tracker, joined("c2", "bob", "g", "2"))
		})
		next()
		require.Len(t, store.since, 11, "one read per interval, and one that was woken")
		assert.Zero(t, store.since[0])
		assert.NotContains(t, store.since[1:], int64(0))
	})
}

func TestWatchEmptyGroup(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tracker := newTracker(t, presence.Config{})
		next := watch(t, tracker)
		assert.Equal(t, presence.Change{Snapshot: true}, next())
		tell(t, tracker, connected("c1", "ann"), joined("c1", "ann", "g", "2"))
		assert.Equal(t, presence.Change{Joined: []presence.Member{member("c1", "ann")}}, next())
	})
}

// TestSlowWatcher: a watcher that was busy gets the difference, and how long it was busy. Who has
// joined and left in the meantime is not in it.
func TestSlowWatcher(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tracker := newTracker(t, presence.Config{})
		next := watch(t, tracker)
		next()
		for i := range 1000 { // more than any queue
			id := string(rune('a'+i%26)) + "x"
			tell(t, tracker, joined(id, "", "g", "2"), disconnected(id, ""))
		}
		tell(t, tracker, joined("c1", "ann", "g", "2"))
		<-time.After(time.Minute)
		assert.Equal(t, presence.Change{Joined: []presence.Member{member("c1", "ann")}, Late: time.Minute}, next())
		tell(t, tracker, left("c1", "ann", "g", "3"))
		assert.Equal(t, presence.Change{Left: []presence.Member{member("c1", "ann")}}, next(), "in time again")
	})
}

// TestWatchSessions: the next session of an MQTT client is no change, unless it has another user.
func TestWatchSessions(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tracker := newTracker(t, presence.Config{})
		tell(t, tracker, mqtt(joined("device1", "ann", "g", "2"), "s1"))
		next := watch(t, tracker)
		next()
		tell(t, tracker, mqtt(joined("device1", "ann", "g", "2"), "s2"), mqtt(disconnected("device1", "ann"), "s1"))
		<-time.After(time.Second)
		tell(t, tracker, mqtt(joined("device1", "bob", "g", "2"), "s3"), mqtt(disconnected("device1", "ann"), "s2"))
		change := next()
		require.Len(t, change.Joined, 1)
		require.Len(t, change.Left, 1)
		assert.Equal(t, []string{"bob", "ann"}, []string{change.Joined[0].UserID, change.Left[0].UserID})
	})
}

func TestWatchEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := memory(t)
		tracker := newTracker(t, presence.Config{Store: store})
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			<-time.After(10 * time.Second)
			cancel()
		}()
		var errs []error
		for _, err := range tracker.Watch(ctx, "g") {
			errs = append(errs, err)
		}
		require.Len(t, errs, 2, "the snapshot, and the end")
		require.NoError(t, errs[0])
		require.ErrorIs(t, errs[1], context.Canceled)

		for _, err := range tracker.Watch(t.Context(), "g") {
			require.NoError(t, err)
			store.fail(errAway)
			break
		}
		errs = nil
		for _, err := range tracker.Watch(t.Context(), "g") {
			errs = append(errs, err)
		}
		require.Len(t, errs, 1)
		require.ErrorIs(t, errs[0], errAway)
	})
}

// TestWatchRepairs: a watcher sees what a round of its process has repaired, and that leases end.
func TestWatchRepairs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := new(lister)
		tracker := newTracker(t, presence.Config{Lister: service, Groups: []string{"g"}})
		next := watch(t, tracker)
		next()
		service.set("g", member("c1", "ann"))
		_, err := tracker.Reconcile(t.Context())
		require.NoError(t, err)
		assert.Equal(t, presence.Change{Joined: []presence.Member{member("c1", "ann")}}, next())
		start := time.Now()
		assert.Equal(t, presence.Change{Left: []presence.Member{member("c1", "ann")}}, next())
		assert.Greater(t, time.Since(start), 2*presence.DefaultInterval, "nobody has renewed the lease")
	})
}
