package presencetest_test

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/presence"
)

// broken is a store that changes the calls of another.
type broken struct {
	presence.Store
	event   func(s presence.Store, hub string, ev *presence.Event, lease, ttl *time.Duration) (skip bool)
	repair  func(s presence.Store, hub string, r *presence.Repair, lease, ttl *time.Duration)
	members func(s *presence.Snapshot, since int64)
	groups  func(names []string) []string
	online  func(members []presence.Member) []presence.Member
	names   func(s presence.Store, hub, after string, limit int) ([]string, error)
	leases  func(s presence.Store, hub string, within time.Duration, limit int) ([]presence.Lease, error)
	lead    func(s presence.Store, hub, holder string, lease time.Duration) (bool, error)
	hub     func(hub string) string
	name    func(name string) string // of an event
}

func (b broken) in(hub string) string {
	if b.hub != nil {
		return b.hub(hub)
	}
	return hub
}

func (b broken) cut(name string) string {
	if b.name != nil {
		return b.name(name)
	}
	return name
}

func (b broken) Apply(ctx context.Context, hub string, ev presence.Event, lease, ttl time.Duration) error {
	ev.Member.ConnectionID, ev.Member.SessionID, ev.Group = b.cut(ev.Member.ConnectionID), b.cut(ev.Member.SessionID), b.cut(ev.Group)
	if b.event != nil && b.event(b.Store, b.in(hub), &ev, &lease, &ttl) {
		return nil
	}
	return b.Store.Apply(ctx, b.in(hub), ev, lease, ttl)
}

func (b broken) Repair(ctx context.Context, hub string, r presence.Repair, lease, ttl time.Duration) error {
	r.Add, r.Drop, r.Renew, r.End = slices.Clone(r.Add), slices.Clone(r.Drop), slices.Clone(r.Renew), slices.Clone(r.End)
	if b.repair != nil {
		b.repair(b.Store, b.in(hub), &r, &lease, &ttl)
	}
	return b.Store.Repair(ctx, b.in(hub), r, lease, ttl)
}

func (b broken) Members(ctx context.Context, hub, group string, since int64) (presence.Snapshot, error) {
	s, err := b.Store.Members(ctx, b.in(hub), b.cut(group), since)
	if b.members != nil {
		b.members(&s, since)
	}
	return s, err
}

func (b broken) Groups(ctx context.Context, hub, connectionID string) ([]string, error) {
	names, err := b.Store.Groups(ctx, b.in(hub), b.cut(connectionID))
	if b.groups != nil {
		names = b.groups(names)
	}
	return names, err
}

func (b broken) Connections(ctx context.Context, hub, userID string) ([]presence.Member, error) {
	members, err := b.Store.Connections(ctx, b.in(hub), userID)
	if b.online != nil {
		members = b.online(members)
	}
	return members, err
}

func (b broken) GroupNames(ctx context.Context, hub, after string, limit int) ([]string, error) {
	if b.names != nil {
		return b.names(b.Store, b.in(hub), after, limit)
	}
	return b.Store.GroupNames(ctx, b.in(hub), after, limit)
}

func (b broken) Leases(ctx context.Context, hub string, within time.Duration, limit int) ([]presence.Lease, error) {
	if b.leases != nil {
		return b.leases(b.Store, b.in(hub), within, limit)
	}
	return b.Store.Leases(ctx, b.in(hub), within, limit)
}

func (b broken) Lead(ctx context.Context, hub, holder string, lease time.Duration) (bool, error) {
	if b.lead != nil {
		return b.lead(b.Store, b.in(hub), holder, lease)
	}
	return b.Store.Lead(ctx, b.in(hub), holder, lease)
}

// anyRevision is above all others.
const anyRevision = 1 << 62

const (
	connected    = webpubsub.EventKindConnected
	disconnected = webpubsub.EventKindDisconnected
	joined       = webpubsub.EventKindGroupJoined
	left         = webpubsub.EventKindGroupLeft
)

// eventIs returns a mistake with events of a kind.
func eventIs(kind webpubsub.EventKind, mistake func(ev *presence.Event, lease, ttl *time.Duration) bool) func(presence.Store, string, *presence.Event, *time.Duration, *time.Duration) bool {
	return func(_ presence.Store, _ string, ev *presence.Event, lease, ttl *time.Duration) bool {
		return ev.Kind == kind && mistake(ev, lease, ttl)
	}
}

func apply(s presence.Store, hub string, kind webpubsub.EventKind, m presence.Member, group string, order int64) {
	_ = s.Apply(context.Background(), hub, presence.Event{Kind: kind, Member: m, Group: group, Order: order}, time.Second, 2*time.Second)
}

func leaseOf(s presence.Store, hub string, m presence.Member) (presence.Lease, bool) {
	all, _ := s.Leases(context.Background(), hub, time.Hour, 10_000)
	i := slices.IndexFunc(all, func(l presence.Lease) bool {
		return l.Member.ConnectionID == m.ConnectionID && l.Member.SessionID == m.SessionID
	})
	if i < 0 {
		return presence.Lease{}, false
	}
	return all[i], true
}

// bare returns the connection without session.
func bare(m presence.Member) presence.Member { return presence.Member{ConnectionID: m.ConnectionID} }

// dead is a store that fails.
type dead struct{ presence.Store }

var errDead = errors.New("connection refused")

func (dead) Apply(context.Context, string, presence.Event, time.Duration, time.Duration) error {
	return errDead
}

func (dead) Repair(context.Context, string, presence.Repair, time.Duration, time.Duration) error {
	return errDead
}

func (dead) Members(context.Context, string, string, int64) (presence.Snapshot, error) {
	return presence.Snapshot{}, errDead
}

func (dead) Groups(context.Context, string, string) ([]string, error) { return nil, errDead }

func (dead) Connections(context.Context, string, string) ([]presence.Member, error) {
	return nil, errDead
}

func (dead) GroupNames(context.Context, string, string, int) ([]string, error) { return nil, errDead }

func (dead) Leases(context.Context, string, time.Duration, int) ([]presence.Lease, error) {
	return nil, errDead
}

func (dead) Lead(context.Context, string, string, time.Duration) (bool, error) { return false, errDead }
