package presence

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// Round is the result of a round that compares the Store with the service.
type Round struct {
	// Groups is the number of groups that were listed.
	Groups int
	// Checked is the number of connections that were checked one by one.
	Checked int
	// Added, Dropped and Ended are the numbers of repairs: members that the Store did not
	// know, members that have left, and connections that have ended. An event that arrived
	// in the meantime can have made one unnecessary.
	Added, Dropped, Ended int
	// Failed is the number of groups and connections of which the service or the Store
	// returned an error. They stay as they are.
	Failed int
	// Skipped is the number of those for which the service cannot be asked, because of their
	// names: see [ErrNotAddressable]. They stay as they are, until an event or the end of
	// their lease.
	Skipped int
	// Took is how long the round took.
	Took time.Duration
	// Err is nil, or joins the first of these errors, and the reason if the round ended
	// early.
	Err error
}

// Limits of a round.
const (
	namesPerCall    = 1000 // of Store.GroupNames
	membersPerCall  = 200  // of Store.Repair, as many as the service lists at once
	maxErrors       = 10   // in Round.Err
	maxFailedInARow = 10   // then the service is not asked any more
)

// Reconcile makes a round now, whether another replica makes one or not: it compares the
// Store with the service and repairs the Store. The error is that of the Round. It is an error
// if the tracker has no Lister.
func (t *Tracker) Reconcile(ctx context.Context) (Round, error) {
	if t.cfg.Lister == nil {
		return Round{}, errNoLister
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	r := &round{t: t, start: time.Now(), cancel: cancel}
	r.listGroups(ctx)
	r.checkConnections(ctx)
	return r.result(ctx)
}

var (
	errNoLister = errors.New("presence: Lister is nil: set it, for example to the result of FromService")
	errFailing  = fmt.Errorf("the round ended early after %d failures in a row", maxFailedInARow)
)

// round is a round in progress.
type round struct {
	t      *Tracker
	start  time.Time
	cancel context.CancelCauseFunc

	groups, checked, added, dropped, ended, failed, skipped atomic.Int64
	inARow                                                  atomic.Int64

	mu     sync.Mutex
	errors []error
}

func (r *round) result(ctx context.Context) (Round, error) {
	if err := context.Cause(ctx); err != nil {
		r.errors = append(r.errors, err)
	}
	out := Round{
		Groups: int(r.groups.Load()), Checked: int(r.checked.Load()),
		Added: int(r.added.Load()), Dropped: int(r.dropped.Load()), Ended: int(r.ended.Load()),
		Failed: int(r.failed.Load()), Skipped: int(r.skipped.Load()), Took: time.Since(r.start),
	}
	if err := errors.Join(r.errors...); err != nil {
		out.Err = fmt.Errorf("presence: reconcile: %w", err)
	}
	return out, out.Err
}

// done counts a group or a connection that was asked for.
func (r *round) done(ctx context.Context, err error) {
	if err == nil {
		r.inARow.Store(0)
		return
	}
	if ctx.Err() != nil { // why is in the result
		return
	}
	if errors.Is(err, ErrNotAddressable) {
		r.skipped.Add(1)
		return
	}
	r.failed.Add(1)
	r.keep(err)
	if isAway(err) && r.inARow.Add(1) >= maxFailedInARow {
		r.cancel(errFailing)
	}
}

func (r *round) keep(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.errors) < maxErrors {
		r.errors = append(r.errors, err)
	}
}

// parallel calls f for each of the items that produce passes on, in several goroutines. It
// returns when all calls have returned.
func parallel[T any](ctx context.Context, n int, produce func(pass func(T) bool), f func(context.Context, T)) {
	items := make(chan T)
	var workers sync.WaitGroup
	for range n {
		workers.Go(func() {
			for item := range items {
				f(ctx, item)
			}
		})
	}
	produce(func(item T) bool {
		select {
		case items <- item:
			return true
		case <-ctx.Done():
			return false
		}
	})
	close(items)
	workers.Wait()
}

// listGroups lists the groups of the Config and those of the Store.
func (r *round) listGroups(ctx context.Context) {
	named := make(map[string]struct{}, len(r.t.cfg.Groups))
	parallel(ctx, r.t.cfg.Parallel, func(pass func(string) bool) {
		for _, group := range r.t.cfg.Groups {
			if _, again := named[group]; again {
				continue
			}
			named[group] = struct{}{}
			if !pass(group) {
				return
			}
		}
		r.storedGroups(ctx, func(group string) bool {
			_, again := named[group]
			return again || pass(group)
		})
	}, func(ctx context.Context, group string) { r.done(ctx, r.group(ctx, group)) })
}

// storedGroups passes on at most MaxListed groups of the Store: those after the last one of the
// round before, and then those before it.
func (r *round) storedGroups(ctx context.Context, pass func(string) bool) {
	last := r.t.lastGroup.Load()
	first, left := *last, r.t.cfg.MaxListed
	for after, wrapped := first, false; ; {
		names, err := r.t.cfg.Store.GroupNames(ctx, r.t.cfg.Hub, after, min(left, namesPerCall))
		if err != nil {
			r.cancel(fmt.Errorf("names of groups: %w", err))
			return
		}
		for _, group := range names {
			if wrapped && group > first {
				return
			}
			if !pass(group) {
				return
			}
			after = group
			r.t.lastGroup.Store(&group)
		}
		left -= len(names)
		switch {
		case left == 0:
			return
		case len(names) > 0:
		case wrapped || first == "":
			return
		default:
			after, wrapped = "", true
		}
	}
}

// checkConnections asks for each connection that the round has not seen in a group, and of
// which no event has arrived since it started.
func (r *round) checkConnections(ctx context.Context) {
	if ctx.Err() != nil {
		return
	}
	unseen, err := r.t.cfg.Store.Leases(ctx, r.t.cfg.Hub, r.t.cfg.Lease-time.Since(r.start), r.t.cfg.MaxChecks)
	if err != nil {
		r.cancel(fmt.Errorf("leases: %w", err))
		return
	}
	parallel(ctx, r.t.cfg.Parallel, func(pass func(Lease) bool) {
		for _, l := range unseen {
			if !pass(l) {
				return
			}
		}
	}, func(ctx context.Context, l Lease) { r.done(ctx, r.check(ctx, l)) })
}

func (r *round) check(ctx context.Context, l Lease) error {
	exists, err := r.t.cfg.Lister.Exists(ctx, l.Member.ConnectionID)
	if err != nil {
		return fmt.Errorf("check a connection: %w", err)
	}
	r.checked.Add(1)
	if exists {
		return r.repair(ctx, Repair{Renew: []Member{l.Member}})
	}
	r.ended.Add(1)
	return r.repair(ctx, Repair{End: []Lease{l}})
}

func (r *round) repair(ctx context.Context, repair Repair) error {
	if err := r.t.cfg.Store.Repair(ctx, r.t.cfg.Hub, repair, r.t.cfg.Lease, r.t.cfg.TTL); err != nil {
		return fmt.Errorf("repair: %w", err)
	}
	return nil
}
