package presence

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	mathrand "math/rand/v2"
	"time"

	"github.com/go-webpubsub/webpubsub/internal/excerpt"
)

const (
	// maxLeadLease is how long a round has the lead, at most, after its process has ended.
	maxLeadLease = 30 * time.Second
	// polls is how often per Interval a replica asks whether a round is due.
	polls = 10
)

// leadLease returns how long a round has the lead after its process has ended. Another replica
// must renew the leases of connections before they end, which is after two intervals or more.
func (t *Tracker) leadLease() time.Duration { return min(t.cfg.Interval/2, maxLeadLease) }

// errLeadLost ends a round whose lead another replica has.
var errLeadLost = errors.New("another replica has the lead")

// Run makes a round per [Config.Interval] until ctx ends. Call it on every replica: one of
// them makes the round, and if it dies, another makes it anew. Run returns the error of ctx,
// or an error at once if the tracker has no Lister. Rounds that fail are logged.
func (t *Tracker) Run(ctx context.Context) error {
	if t.cfg.Lister == nil {
		return errNoLister
	}
	for {
		t.turn(ctx)
		every := t.cfg.Interval / polls
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(every/2 + mathrand.N(every)): //nolint:gosec // replicas should not ask at the same time, that is all
		}
	}
}

// turn makes a round if one is due. The lead has two uses: while a round runs, it is short and
// renewed, and afterwards it lasts until the next round is due. Nobody can renew it then, as
// each turn has a holder of its own.
func (t *Tracker) turn(ctx context.Context) {
	holder := rand.Text()
	leads, err := t.cfg.Store.Lead(ctx, t.cfg.Hub, holder, t.leadLease())
	if err != nil && ctx.Err() == nil {
		t.cfg.Logger.LogAttrs(ctx, slog.LevelError, "presence: the store does not say whether a round is due", slog.String("hub", t.cfg.Hub), slog.String("error", excerpt.Line(err.Error(), maxErrorText)))
	}
	if err != nil || !leads {
		return
	}
	start := time.Now()
	round, err := t.lead(ctx, holder)
	next := t.cfg.Interval - time.Since(start)
	if ctx.Err() != nil { // another replica makes the round
		next = 0
	}
	if !errors.Is(err, errLeadLost) {
		release, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
		defer cancel()
		_, _ = t.cfg.Store.Lead(release, t.cfg.Hub, holder, max(next, time.Millisecond)) // or else the lead ends by itself
	}
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		t.cfg.Logger.LogAttrs(ctx, slog.LevelError, "presence: a round failed", slog.String("hub", t.cfg.Hub), slog.Int("failed", round.Failed), slog.Int("groups", round.Groups), slog.String("error", excerpt.Line(err.Error(), maxErrorText)))
	}
	if t.cfg.Observe != nil {
		t.cfg.Observe(round)
	}
}

// lead makes a round and renews the lead.
func (t *Tracker) lead(ctx context.Context, holder string) (Round, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	renew, stop := context.WithCancel(ctx)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		tick := time.NewTicker(t.leadLease() / 3)
		defer tick.Stop()
		for {
			select {
			case <-renew.Done():
				return
			case <-tick.C:
			}
			if leads, err := t.cfg.Store.Lead(renew, t.cfg.Hub, holder, t.leadLease()); err == nil && !leads {
				cancel(errLeadLost)
			}
		}
	}()
	round, err := t.Reconcile(ctx)
	stop()
	<-stopped
	return round, err
}
