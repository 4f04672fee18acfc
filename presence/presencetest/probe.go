package presencetest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/presence"
)

// Times of the tests. A ttl is longer than a lease, so that a test can tell one from the
// other.
const (
	lease = time.Second
	ttl   = 2 * time.Second
)

const (
	connected    = webpubsub.EventKindConnected
	disconnected = webpubsub.EventKindDisconnected
	joined       = webpubsub.EventKindGroupJoined
	left         = webpubsub.EventKindGroupLeft
)

// probe calls the stores for one rule, and keeps the first result that is wrong.
type probe struct {
	ctx     context.Context //nolint:containedctx // of the call of TestStore
	stores  []presence.Store
	calls   int
	advance func(time.Duration)
	hub     string
	got     string
}

// store returns the next handle.
func (p *probe) store() presence.Store {
	p.calls++
	return p.stores[p.calls%len(p.stores)]
}

func (p *probe) failf(format string, args ...any) {
	if p.got == "" {
		p.got = fmt.Sprintf(format, args...)
	}
}

func (p *probe) ok(call string, err error) bool {
	if err != nil {
		p.failf("%s returns the error %v", call, err)
	}
	return err == nil
}

// member returns a connection of a user.
func member(id, user string) presence.Member { return presence.Member{ConnectionID: id, UserID: user} }

// session returns a connection of an MQTT session.
func session(id, session, user string) presence.Member {
	return presence.Member{ConnectionID: id, SessionID: session, UserID: user}
}

// apply calls Apply. The order of connected and disconnected is 0.
func (p *probe) apply(kind webpubsub.EventKind, m presence.Member, group string, order int64) {
	p.applyFor(kind, m, group, order, lease)
}

func (p *probe) applyFor(kind webpubsub.EventKind, m presence.Member, group string, order int64, lease time.Duration) {
	ev := presence.Event{Kind: kind, Member: m, Group: group, Order: order}
	p.ok("Apply of "+string(kind), p.store().Apply(p.ctx, p.hub, ev, lease, ttl))
}

// snapshot returns the members of a group and the revision.
func (p *probe) snapshot(group string) presence.Snapshot {
	s, err := p.store().Members(p.ctx, p.hub, group, 0)
	p.ok("Members", err)
	return s
}

// members wants the members of a group.
func (p *probe) members(group string, want ...presence.Member) {
	if p.got == "" {
		p.same(fmt.Sprintf("Members of %s", short(group)), p.snapshot(group).Members, want)
	}
}

// online wants the connections of a user.
func (p *probe) online(user string, want ...presence.Member) {
	got, err := p.store().Connections(p.ctx, p.hub, user)
	if p.ok("Connections", err) {
		p.same(fmt.Sprintf("Connections of %s", short(user)), got, want)
	}
}

// same compares lists of members, in any order.
func (p *probe) same(what string, got, want []presence.Member) {
	compare := func(a, b presence.Member) int {
		return cmp.Or(cmp.Compare(a.ConnectionID, b.ConnectionID), cmp.Compare(a.SessionID, b.SessionID), cmp.Compare(a.UserID, b.UserID))
	}
	got, want = slices.Clone(got), slices.Clone(want)
	slices.SortFunc(got, compare)
	slices.SortFunc(want, compare)
	if !slices.Equal(got, want) {
		p.failf("%s are %s, want %s", what, short(fmt.Sprint(got)), short(fmt.Sprint(want)))
	}
}

// groups wants the groups of a connection.
func (p *probe) groups(id string, want ...string) {
	got, err := p.store().Groups(p.ctx, p.hub, id)
	if !p.ok("Groups", err) {
		return
	}
	got, want = slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want))
	if !slices.Equal(got, want) {
		p.failf("Groups of %s are %s, want %s", short(id), short(fmt.Sprintf("%q", got)), short(fmt.Sprintf("%q", want)))
	}
}

// names wants the groups of the hub, in order.
func (p *probe) names(after string, limit int, want ...string) {
	got, err := p.store().GroupNames(p.ctx, p.hub, after, limit)
	if p.ok("GroupNames", err) && !slices.Equal(got, want) {
		p.failf("GroupNames after %s are %s, want %s", short(after), short(fmt.Sprintf("%q", got)), short(fmt.Sprintf("%q", want)))
	}
}

// repair calls Repair.
func (p *probe) repair(r presence.Repair) {
	p.ok("Repair", p.store().Repair(p.ctx, p.hub, r, lease, ttl))
}

// leases returns the connections whose leases end in less than within.
func (p *probe) leases(within time.Duration, limit int) []presence.Lease {
	got, err := p.store().Leases(p.ctx, p.hub, within, limit)
	p.ok("Leases", err)
	return got
}

// expiring wants the connections whose leases end in less than within, in order.
func (p *probe) expiring(within time.Duration, limit int, want ...presence.Member) {
	var got []presence.Member
	for _, l := range p.leases(within, limit) {
		got = append(got, l.Member)
	}
	if !slices.Equal(got, want) {
		p.failf("Leases that end in %v are of %v, want %v", within, got, want)
	}
}

// leads calls Lead and wants a result.
func (p *probe) leads(holder string, want bool) {
	got, err := p.store().Lead(p.ctx, p.hub, holder, lease)
	if p.ok("Lead", err) && got != want {
		p.failf("Lead of %q returns %v, want %v", holder, got, want)
	}
}

// short cuts a text.
func short(s string) string {
	const most = 200
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}
