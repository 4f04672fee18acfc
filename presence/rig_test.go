package presence_test

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/presence"
)

var errAway = errors.New("connection refused")

// lister is a service with groups that a test sets.
type lister struct {
	mu     sync.Mutex
	groups map[string][]presence.Member
	exists map[string]bool
	err    error
	calls  []string                                      // what was asked
	during func(ctx context.Context)                     // called before a group is listed
	pages  func(group string) ([]presence.Member, error) // instead of groups
}

func (l *lister) set(group string, members ...presence.Member) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.groups == nil {
		l.groups = make(map[string][]presence.Member)
	}
	l.groups[group] = members
}

func (l *lister) disturb(during func(context.Context)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.during = during
}

func (l *lister) asked() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	calls := l.calls
	l.calls = nil
	return calls
}

func (l *lister) Connections(ctx context.Context, group string) iter.Seq2[presence.Member, error] {
	return func(yield func(presence.Member, error) bool) {
		l.mu.Lock()
		during := l.during
		l.mu.Unlock()
		if during != nil {
			during(ctx)
		}
		l.mu.Lock()
		members, err := l.groups[group], l.err
		l.calls = append(l.calls, "list "+group)
		l.mu.Unlock()
		if l.pages != nil {
			members, err = l.pages(group)
		}
		for _, m := range members {
			if !yield(m, nil) {
				return
			}
		}
		if err != nil {
			yield(presence.Member{}, err)
		}
	}
}

func (l *lister) Exists(_ context.Context, id string) (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls = append(l.calls, "exists "+id)
	return l.exists[id], l.err
}

// failing is a store of which a test can make calls fail.
type failing struct {
	presence.Store
	mu      sync.Mutex
	err     error
	applied int
	since   []int64  // of Members
	only    []string // the methods that fail; empty: all
}

// fail makes all calls fail, or those of one method. Nil ends it.
func (f *failing) fail(err error, only ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err, f.only = err, only
}

func (f *failing) failure(method string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.only) > 0 && !slices.Contains(f.only, method) {
		return nil
	}
	return f.err
}

func (f *failing) Apply(ctx context.Context, hub string, ev presence.Event, lease, ttl time.Duration) error {
	if err := f.failure("Apply"); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	f.mu.Lock()
	f.applied++
	f.mu.Unlock()
	return f.Store.Apply(ctx, hub, ev, lease, ttl)
}

func (f *failing) Members(ctx context.Context, hub, group string, since int64) (presence.Snapshot, error) {
	if err := f.failure("Members"); err != nil {
		return presence.Snapshot{}, err
	}
	f.mu.Lock()
	f.since = append(f.since, since)
	f.mu.Unlock()
	return f.Store.Members(ctx, hub, group, since)
}

func (f *failing) Groups(ctx context.Context, hub, id string) ([]string, error) {
	if err := f.failure("Groups"); err != nil {
		return nil, err
	}
	return f.Store.Groups(ctx, hub, id)
}

func (f *failing) Connections(ctx context.Context, hub, user string) ([]presence.Member, error) {
	if err := f.failure("Connections"); err != nil {
		return nil, err
	}
	return f.Store.Connections(ctx, hub, user)
}

func (f *failing) GroupNames(ctx context.Context, hub, after string, limit int) ([]string, error) {
	if err := f.failure("GroupNames"); err != nil {
		return nil, err
	}
	return f.Store.GroupNames(ctx, hub, after, limit)
}

func (f *failing) Leases(ctx context.Context, hub string, within time.Duration, limit int) ([]presence.Lease, error) {
	if err := f.failure("Leases"); err != nil {
		return nil, err
	}
	return f.Store.Leases(ctx, hub, within, limit)
}

func (f *failing) Repair(ctx context.Context, hub string, r presence.Repair, lease, ttl time.Duration) error {
	if err := f.failure("Repair"); err != nil {
		return err
	}
	return f.Store.Repair(ctx, hub, r, lease, ttl)
}

func (f *failing) Lead(ctx context.Context, hub, holder string, lease time.Duration) (bool, error) {
	if err := f.failure("Lead"); err != nil {
		return false, err
	}
	return f.Store.Lead(ctx, hub, holder, lease)
}

// memory returns a store in memory that can fail.
func memory(t *testing.T) *failing {
	t.Helper()
	s, err := presence.NewMemoryStore(nil)
	require.NoError(t, err)
	return &failing{Store: s}
}

func newTracker(t *testing.T, cfg presence.Config) *presence.Tracker {
	t.Helper()
	if cfg.Hub == "" {
		cfg.Hub = "chat"
	}
	if cfg.Store == nil {
		cfg.Store = memory(t)
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	tracker, err := presence.NewTracker(cfg)
	require.NoError(t, err)
	return tracker
}

func meta(connection, user, id string) webpubsub.Meta {
	return webpubsub.Meta{Hub: "chat", ConnectionID: connection, UserID: user, ID: id}
}

func joined(connection, user, group, id string) *webpubsub.GroupJoinedEvent {
	return &webpubsub.GroupJoinedEvent{Meta: meta(connection, user, id), Group: group}
}

func left(connection, user, group, id string) *webpubsub.GroupLeftEvent {
	return &webpubsub.GroupLeftEvent{Meta: meta(connection, user, id), Group: group}
}

func connected(connection, user string) *webpubsub.ConnectedEvent {
	return &webpubsub.ConnectedEvent{Meta: meta(connection, user, "1")}
}

func disconnected(connection, user string) *webpubsub.DisconnectedEvent {
	return &webpubsub.DisconnectedEvent{Meta: meta(connection, user, "9")}
}

// tell makes a tracker intercept events.
func tell(t *testing.T, tracker *presence.Tracker, events ...webpubsub.Event) {
	t.Helper()
	for _, ev := range events {
		require.NoError(t, tracker.Intercept(t.Context(), ev, func(context.Context) error { return nil }))
	}
}

// membersOf returns the connection ids of the members of a group.
func membersOf(t *testing.T, tracker *presence.Tracker, group string) []string {
	t.Helper()
	members, err := tracker.Members(t.Context(), group)
	require.NoError(t, err)
	ids := []string{}
	for _, m := range members {
		ids = append(ids, m.ConnectionID)
	}
	return ids
}

func online(t *testing.T, tracker *presence.Tracker, user string) bool {
	t.Helper()
	is, err := tracker.Online(t.Context(), user)
	require.NoError(t, err)
	return is
}

// logBook is a log that a test reads.
type logBook struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logBook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logBook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func (l *logBook) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }
