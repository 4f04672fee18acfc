package presence_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/presence"
)

// replica is a tracker whose Run a test ends.
type replica struct {
	tracker *presence.Tracker
	service *lister
	rounds  []presence.Round
	stop    context.CancelFunc
	ended   chan error
}

// start starts a replica. Its Lister is its own, so that a test sees which of them lists.
func start(t *testing.T, store presence.Store, log *logBook) *replica {
	t.Helper()
	r := &replica{service: new(lister), ended: make(chan error, 1)}
	r.service.set("g", member("c1", "ann"))
	r.tracker = newTracker(t, presence.Config{
		Store: store, Lister: r.service, Groups: []string{"g"}, Interval: time.Minute, Parallel: 1, Logger: log.logger(),
		Observe: func(round presence.Round) { r.rounds = append(r.rounds, round) },
	})
	ctx, cancel := context.WithCancel(t.Context())
	r.stop = cancel
	go func() { r.ended <- r.tracker.Run(ctx) }()
	return r
}

// end ends a replica and waits for it.
func (r *replica) end(t *testing.T) {
	t.Helper()
	r.stop()
	require.ErrorIs(t, <-r.ended, context.Canceled)
}

// listed returns how often a replica has listed the group since the last call.
func (r *replica) listed() int { return len(r.service.asked()) }

// TestOneReplicaMakesTheRounds: one round per interval, however many replicas there are.
func TestOneReplicaMakesTheRounds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store, log := memory(t), new(logBook)
		replicas := []*replica{start(t, store, log), start(t, store, log), start(t, store, log)}
		synctest.Wait()
		total := 0
		for _, r := range replicas {
			total += r.listed()
		}
		assert.Equal(t, 1, total, "at once")
		assert.Equal(t, []string{"c1"}, membersOf(t, replicas[0].tracker, "g"))
		<-time.After(100 * time.Minute)
		total = 0
		for _, r := range replicas {
			total += r.listed()
		}
		assert.LessOrEqual(t, total, 100)
		assert.GreaterOrEqual(t, total, 85, "a replica asks ten times per interval")
		rounds := 0
		for _, r := range replicas {
			r.end(t)
			rounds += len(r.rounds)
			for _, round := range r.rounds {
				assert.Equal(t, []any{1, error(nil)}, []any{round.Groups, round.Err})
			}
		}
		assert.Equal(t, total+1, rounds, "all are observed")
		assert.Empty(t, log.String())
	})
}

// TestReplicaDiesInARound: another makes it anew, before the leases end.
func TestReplicaDiesInARound(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store, log := memory(t), new(logBook)
		dying := &lister{during: func(ctx context.Context) { <-ctx.Done() }}
		dead := &failing{Store: store}
		tracker := newTracker(t, presence.Config{Store: dead, Lister: dying, Groups: []string{"g"}, Interval: time.Minute})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		ended := make(chan error, 1)
		go func() { ended <- tracker.Run(ctx) }()
		synctest.Wait() // it lists
		other := start(t, store, log)
		<-time.After(5 * time.Minute)
		assert.Zero(t, other.listed(), "the round is in progress, and its lead is renewed")
		dead.fail(errAway) // as if the process had ended
		<-time.After(40 * time.Second)
		assert.Equal(t, 1, other.listed())
		cancel()
		require.ErrorIs(t, <-ended, context.Canceled)
		other.end(t)
	})
}

// TestShortIntervals: a replica that dies in a round does not keep the others from making one
// until the leases end, however short they are. Nothing would name the group then.
func TestShortIntervals(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := memory(t)
		cfg := presence.Config{Store: &failing{Store: store}, Lister: &lister{during: func(ctx context.Context) { <-ctx.Done() }}, Interval: 2 * time.Second, Lease: 4 * time.Second}
		dying := newTracker(t, cfg)
		tell(t, dying, joined("c1", "ann", "g", "2"))
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go func() { _ = dying.Run(ctx) }()
		synctest.Wait()                    // it lists
		cfg.Store.(*failing).fail(errAway) // as if the process had ended

		service := new(lister)
		service.set("g", member("c1", "ann"))
		cfg.Store, cfg.Lister = store, service
		other := newTracker(t, cfg)
		go func() { _ = other.Run(ctx) }()
		<-time.After(time.Minute)
		assert.Equal(t, []string{"c1"}, membersOf(t, other, "g"))
	})
}

// TestReplicaEndsInARound: it hands over at once, long before the next round is due.
func TestReplicaEndsInARound(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store, log := memory(t), new(logBook)
		first := start(t, store, log)
		<-time.After(10 * time.Second)
		begun := make(chan struct{})
		first.service.disturb(func(ctx context.Context) {
			close(begun)
			<-ctx.Done()
		})
		<-begun
		second := start(t, store, log)
		<-time.After(10 * time.Second)
		assert.Zero(t, second.listed())
		first.end(t)
		<-time.After(10 * time.Second)
		assert.Equal(t, 1, second.listed())
		second.end(t)
		assert.Empty(t, log.String(), "that is no failure")
	})
}

// TestLeadIsLost: a round ends when another replica has its lead.
func TestLeadIsLost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store, log := memory(t), new(logBook)
		r := start(t, store, log)
		<-time.After(10 * time.Second)
		r.service.disturb(func(ctx context.Context) { <-ctx.Done() })
		<-time.After(time.Minute) // it lists
		store.fail(errAway, "Lead")
		<-time.After(40 * time.Second) // the lead has ended
		store.fail(nil)
		leads, err := store.Lead(t.Context(), "chat", "another", time.Hour)
		require.NoError(t, err)
		require.True(t, leads)
		<-time.After(time.Minute)
		assert.Contains(t, log.String(), "another replica has the lead")
		r.end(t)
	})
}

// TestRunLogsFailures: and tries again.
func TestRunLogsFailures(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store, log := memory(t), new(logBook)
		store.fail(errAway)
		r := start(t, store, log)
		synctest.Wait()
		assert.Contains(t, log.String(), `level=ERROR msg="presence: the store does not say whether a round is due" hub=chat error="connection refused"`)
		store.fail(nil)
		r.service.mu.Lock()
		r.service.err = errAway
		r.service.mu.Unlock()
		<-time.After(10 * time.Second)
		assert.Contains(t, log.String(), `level=ERROR msg="presence: a round failed" hub=chat failed=1 groups=0 error="presence: reconcile: list a group: connection refused"`)
		r.end(t)
		require.Len(t, r.rounds, 1)
		require.ErrorIs(t, r.rounds[0].Err, errAway)
	})
}
