package presence

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/go-webpubsub/webpubsub"
)

// Change is a change of the members of a group, from one state that [Tracker.Watch] has seen
// to the next.
type Change struct {
	// Snapshot means that this is the first state: Joined are all members.
	Snapshot bool
	// Joined are members that were not in the group before, sorted by ConnectionID.
	Joined []Member
	// Left are members that are not in the group any more, sorted by ConnectionID.
	Left []Member
	// Late is how long the watcher was busy with the change before, if that was longer than
	// [Config.WatchInterval], and zero otherwise. Who has joined and left in that time is in
	// neither list.
	Late time.Duration
}

// Watch returns a sequence of the changes of a group. The first is the snapshot of its
// members, also if there are none. The others are differences: applied to the snapshot one
// after the other, they result in the current members. An error of the Store or of ctx is the
// last element. Each range over the sequence starts anew.
//
// A range holds the members that it knows and nothing else. While the body of the loop runs,
// nothing is read and nothing waits: a slow watcher gets one change with the difference, and
// [Change.Late] says so. The Store is read every [Config.WatchInterval], and soon after an
// event that this process has recorded.
func (t *Tracker) Watch(ctx context.Context, group string) iter.Seq2[Change, error] {
	return func(yield func(Change, error) bool) {
		w := watch{t: t, group: group, known: make(map[string]Member)}
		woken := t.watchers.add(group)
		defer t.watchers.remove(group, woken)
		for {
			change, err := w.next(ctx)
			if err != nil {
				yield(Change{}, fmt.Errorf("presence: watch a group: %w", err))
				return
			}
			if change.Snapshot || len(change.Joined)+len(change.Left) > 0 {
				start := time.Now()
				if !yield(change, nil) {
					return
				}
				w.busy(time.Since(start))
			}
			if err := t.wait(ctx, woken); err != nil {
				yield(Change{}, err)
				return
			}
		}
	}
}

// wait returns after the WatchInterval, or earlier, but not at once, if woken receives.
func (t *Tracker) wait(ctx context.Context, woken <-chan struct{}) error {
	const fraction = 10
	pause := time.NewTimer(t.cfg.WatchInterval / fraction)
	defer pause.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-pause.C:
	}
	pause.Reset(t.cfg.WatchInterval - t.cfg.WatchInterval/fraction)
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-pause.C:
	case <-woken:
	}
	return nil
}

// watch is the state of a range over the changes of a group.
type watch struct {
	t        *Tracker
	group    string
	known    map[string]Member // by ConnectionID
	started  bool
	revision int64
	late     time.Duration
}

// busy sets how long the watcher was busy with a change.
func (w *watch) busy(d time.Duration) {
	w.late = 0
	if d > w.t.cfg.WatchInterval {
		w.late = d
	}
}

// next returns the difference between the state that is known and the current one.
func (w *watch) next(ctx context.Context) (Change, error) {
	s, err := w.t.cfg.Store.Members(ctx, w.t.cfg.Hub, w.group, w.revision)
	if err != nil {
		return Change{}, err
	}
	w.revision = s.Revision
	change := Change{Snapshot: !w.started, Late: w.late}
	w.started = true
	if s.Unchanged {
		return change, nil
	}
	members := onePerID(s.Members)
	current := make(map[string]Member, len(members))
	for _, m := range members {
		current[m.ConnectionID] = m
		if old, ok := w.known[m.ConnectionID]; !ok || old.UserID != m.UserID {
			change.Joined = append(change.Joined, m)
		}
	}
	for id, old := range w.known {
		if m, ok := current[id]; !ok || old.UserID != m.UserID {
			change.Left = append(change.Left, old)
		}
	}
	slices.SortFunc(change.Left, byID)
	w.known = current
	return change, nil
}

// add returns a channel that receives after events of a group.
func (w *watchers) add(group string) chan struct{} {
	c := make(chan struct{}, 1)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.byGroup[group] == nil {
		w.byGroup[group] = make(map[chan struct{}]struct{})
	}
	w.byGroup[group][c] = struct{}{}
	return c
}

func (w *watchers) remove(group string, c chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if delete(w.byGroup[group], c); len(w.byGroup[group]) == 0 {
		delete(w.byGroup, group)
	}
}

// wake wakes the watchers whose groups an event may have changed.
func (w *watchers) wake(e Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if e.Kind != webpubsub.EventKindDisconnected {
		wakeAll(w.byGroup[e.Group])
		return
	}
	for _, group := range w.byGroup { // which groups the connection was in is the Store's
		wakeAll(group)
	}
}

func wakeAll(group map[chan struct{}]struct{}) {
	for c := range group {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}
