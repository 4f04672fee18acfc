package presencetest

import (
	"fmt"
	"sync"

	"github.com/go-webpubsub/webpubsub/presence"
)

var eventRules = []rule{
	{
		"a connection that has joined a group is a member, with its user",
		"nobody would be seen",
		func(p *probe) {
			p.apply(connected, member("c1", "ann"), "", 0)
			p.apply(joined, member("c1", "ann"), "g", 2)
			p.apply(joined, member("c2", ""), "g", 2)
			p.members("g", member("c1", "ann"), member("c2", ""))
			p.members("G")
			p.groups("c1", "g")
			p.groups("c2", "g")
			p.online("ann", member("c1", "ann"))
		},
	},
	{
		"a connection without groups is one of its user, and a member of none",
		"users would be offline until they join a group",
		func(p *probe) {
			p.apply(connected, member("c1", "ann"), "", 0)
			p.apply(connected, member("c2", "ann"), "", 0)
			p.online("ann", member("c1", "ann"), member("c2", "ann"))
			p.online("bob")
			p.groups("c1")
			p.names("", 10)
		},
	},
	{
		"Joined and Left show that a connection is live",
		"a user would be offline whose connected event was lost",
		func(p *probe) {
			p.apply(joined, member("c1", "ann"), "g", 2)
			p.apply(left, member("c2", "bob"), "g", 2)
			p.online("ann", member("c1", "ann"))
			p.online("bob", member("c2", "bob"))
		},
	},
	{
		"Left removes the connection from its group, and from no other",
		"members would stay, or others would vanish",
		func(p *probe) {
			p.apply(joined, member("c1", "ann"), "g", 2)
			p.apply(joined, member("c1", "ann"), "h", 3)
			p.apply(joined, member("c2", "bob"), "g", 2)
			p.apply(left, member("c1", "ann"), "g", 4)
			p.members("g", member("c2", "bob"))
			p.members("h", member("c1", "ann"))
			p.groups("c1", "h")
			p.online("ann", member("c1", "ann"))
		},
	},
	{
		"of Joined and Left, the one with the highest order counts",
		"presence would depend on the order in which events arrive",
		highestOrder,
	},
	{
		"orders are exact up to the largest",
		"events of MQTT clients would be taken for repeats",
		func(p *probe) {
			p.apply(joined, member("c1", ""), "g", presence.MaxOrder-1)
			p.apply(left, member("c1", ""), "g", presence.MaxOrder)
			p.members("g")
			p.apply(left, member("c2", ""), "g", presence.MaxOrder)
			p.apply(joined, member("c2", ""), "g", presence.MaxOrder-1)
			p.members("g")
		},
	},
	{
		"Disconnected removes the connection from all groups and from its user",
		"members would stay for ever",
		func(p *probe) {
			const groups = 200
			for i := range groups {
				p.apply(joined, member("c1", "ann"), fmt.Sprint("g", i), int64(i+1))
			}
			p.apply(joined, member("c2", "ann"), "g7", 2)
			p.apply(disconnected, member("c1", "ann"), "", 0)
			for i := range groups {
				if i != 7 {
					p.members(fmt.Sprint("g", i))
				}
			}
			p.members("g7", member("c2", "ann"))
			p.groups("c1")
			p.online("ann", member("c2", "ann"))
			p.names("", 10, "g7")
		},
	},
	{
		"a connection that has ended stays ended for the TTL",
		"a late event would bring a connection back that nobody ends",
		func(p *probe) {
			p.apply(joined, member("c1", "ann"), "g", 2)
			p.apply(disconnected, member("c1", "ann"), "", 0)
			p.advance(lease + lease/3)
			p.apply(connected, member("c1", "ann"), "", 0)
			p.apply(joined, member("c1", "ann"), "g", 4)
			p.apply(left, member("c1", "ann"), "h", 5)
			p.members("g")
			p.online("ann")
			p.apply(disconnected, member("c1", "ann"), "", 0)
		},
	},
	{
		"Disconnected ends a connection that is unknown",
		"a connected event that arrives after its disconnected event would bring a connection back that nobody ends",
		func(p *probe) {
			p.apply(disconnected, member("c1", "ann"), "", 0)
			p.apply(connected, member("c1", "ann"), "", 0)
			p.apply(joined, member("c1", "ann"), "g", 2)
			p.members("g")
			p.groups("c1")
			p.online("ann")
		},
	},
	{
		"a connection that has ended is unknown after the TTL",
		"the store would fill up",
		func(p *probe) {
			p.apply(disconnected, member("c1", "ann"), "", 0)
			p.advance(ttl + ttl/10)
			p.apply(joined, member("c1", "ann"), "g", 1)
			p.members("g", member("c1", "ann"))
		},
	},
	{
		"an absent entry is remembered for the TTL, and no longer",
		"a late event would bring a member back, or the store would fill up",
		func(p *probe) {
			p.applyFor(left, member("c1", "ann"), "g", 5, 3*ttl)
			p.advance(ttl * 2 / 3)
			p.applyFor(joined, member("c1", "ann"), "g", 4, 3*ttl)
			p.members("g")
			p.advance(ttl * 2 / 3)
			p.applyFor(joined, member("c1", "ann"), "g", 4, 3*ttl)
			p.members("g", member("c1", "ann"))
		},
	},
	{
		"a user is kept if later events have none, and changes with an event that has one",
		"a user would be offline although connected",
		func(p *probe) {
			p.apply(joined, member("c1", ""), "g", 2)
			p.apply(connected, member("c1", "ann"), "", 0)
			p.apply(joined, member("c1", ""), "h", 3)
			p.members("g", member("c1", "ann"))
			p.members("h", member("c1", "ann"))
			p.online("ann", member("c1", "ann"))
			p.apply(connected, member("c1", "bob"), "", 0)
			p.members("g", member("c1", "bob"))
			p.online("ann")
			p.online("bob", member("c1", "bob"))
		},
	},
	{
		"concurrent calls of Apply have the effect of some order",
		"presence would be wrong under load",
		concurrentEvents,
	},
}

// highestOrder applies three events in every order, with repeats.
func highestOrder(p *probe) {
	events := []func(m presence.Member, group string){
		func(m presence.Member, group string) { p.apply(joined, m, group, 2) },
		func(m presence.Member, group string) { p.apply(left, m, group, 3) },
		func(m presence.Member, group string) { p.apply(joined, m, group, 4) },
		func(m presence.Member, group string) { p.apply(left, m, group, 5) },
	}
	m := member("c1", "ann")
	permutations := 1
	for most := 1; most <= len(events); most++ { // how many of them
		permutations *= most
		for n := range permutations {
			order := permutation(n, most)
			group := fmt.Sprint("g", most, "-", n)
			for _, i := range order {
				events[i](m, group)
			}
			for _, i := range order {
				events[i](m, group)
			}
			if most%2 == 1 {
				p.members(group, m)
			} else {
				p.members(group)
			}
		}
	}
}

// permutation returns a permutation of 0 to size-1, the same for the same n.
func permutation(n, size int) []int {
	var out []int
	for i := range size {
		at := n % (i + 1)
		n /= i + 1
		out = append(out, 0)
		copy(out[at+1:], out[at:])
		out[at] = i
	}
	return out
}

// concurrentEvents applies events of two connections from many goroutines. The last of one
// is Joined, and the other ends.
func concurrentEvents(p *probe) {
	const goroutines, each = 8, 20
	one, two := member("c1", "ann"), member("c2", "bob")
	start, failed := make(chan struct{}), make(chan error, goroutines)
	var group sync.WaitGroup
	for i := range goroutines {
		store := p.store()
		group.Go(func() {
			<-start
			for k := range each {
				order := int64((k*7+i*3)%(goroutines*each)) + 1
				kind := left
				if order%2 == 0 {
					kind = joined
				}
				first := store.Apply(p.ctx, p.hub, presence.Event{Kind: kind, Member: one, Group: "g", Order: order}, lease, ttl)
				second := store.Apply(p.ctx, p.hub, presence.Event{Kind: joined, Member: two, Group: "g", Order: order}, lease, ttl)
				third := store.Apply(p.ctx, p.hub, presence.Event{Kind: joined, Member: one, Group: "g", Order: 1000}, lease, ttl)
				if k == each/2 && i == 0 {
					third = store.Apply(p.ctx, p.hub, presence.Event{Kind: disconnected, Member: two}, lease, ttl)
				}
				for _, err := range []error{first, second, third} {
					if err != nil {
						failed <- err
						return
					}
				}
			}
		})
	}
	close(start)
	group.Wait()
	close(failed)
	p.ok("Apply", <-failed)
	p.members("g", one)
	p.groups("c2")
	p.names("", 10, "g")
}
