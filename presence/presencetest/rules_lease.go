package presencetest

import (
	"fmt"
	"sync"

	"github.com/go-webpubsub/webpubsub/presence"
)

var leaseRules = []rule{
	{
		"a connection ends with its lease",
		"a connection whose end was lost would stay for ever",
		func(p *probe) {
			p.apply(joined, member("c1", "ann"), "g", 2)
			p.apply(connected, member("c2", "ann"), "", 0)
			p.repair(listed("h", 0, session("c3", "s1", "ann")))
			p.advance(lease * 2 / 3)
			p.members("g", member("c1", "ann"))
			p.advance(lease * 2 / 3)
			p.members("g")
			p.members("h")
			p.groups("c1")
			p.online("ann")
			p.names("", 10)
			p.expiring(10*ttl, 10)
		},
	},
	{
		"a connection whose lease has ended can come back",
		"nobody would be seen again after the service could not be reached",
		func(p *probe) {
			p.apply(joined, member("c1", "ann"), "g", 5)
			p.advance(lease + lease/3)
			p.apply(joined, member("c1", "ann"), "g", 5)
			p.members("g", member("c1", "ann"))
			p.advance(lease + lease/3)
			p.repair(listed("g", p.snapshot("g").Revision, member("c1", "ann")))
			p.members("g", member("c1", "ann"))
		},
	},
	{
		"events, Add and Renew renew a lease",
		"connections would end that exist",
		func(p *probe) {
			byEvent, byRepeat, byAdd, byRenew := member("c1", ""), member("c2", ""), member("c3", ""), session("c4", "s1", "")
			for _, m := range []presence.Member{byEvent, byRepeat, byAdd, byRenew} {
				p.apply(joined, m, "g", 2)
			}
			p.advance(lease * 2 / 3)
			p.apply(connected, byEvent, "", 0)
			p.apply(joined, byRepeat, "g", 2)
			p.repair(presence.Repair{Group: "h", Revision: 0, Add: []presence.Member{byAdd}, Renew: []presence.Member{byRenew, member("unknown", "zoe")}})
			p.online("zoe")
			p.advance(lease * 2 / 3)
			p.members("g", byEvent, byRepeat, byAdd, byRenew)
			p.members("h", byAdd)
		},
	},
	{
		"a lease is never shortened",
		"replicas with a shorter lease would end connections",
		func(p *probe) {
			p.applyFor(joined, member("c1", ""), "g", 2, 3*lease)
			p.apply(connected, member("c1", ""), "", 0)
			p.repair(presence.Repair{Group: "g", Renew: []presence.Member{member("c1", "")}})
			p.advance(2 * lease)
			p.members("g", member("c1", ""))
		},
	},
	{
		"a connection that has ended is not renewed",
		"a connection that has ended would come back",
		func(p *probe) {
			m := member("c1", "ann")
			p.apply(joined, m, "g", 2)
			p.apply(disconnected, m, "", 0)
			p.repair(presence.Repair{Group: "g", Renew: []presence.Member{m}})
			p.online("ann")
			p.expiring(10*ttl, 10)
		},
	},
	{
		"Leases returns the live connections whose leases end soon, those that end first",
		"connections would end that exist, because nobody asked for them",
		func(p *probe) {
			p.applyFor(connected, member("c3", "ann"), "", 0, 3*lease)
			p.applyFor(joined, session("c1", "s1", ""), "g", 2, lease)
			p.applyFor(left, member("c2", "bob"), "g", 2, 2*lease)
			p.applyFor(connected, member("c4", ""), "", 0, lease)
			p.apply(disconnected, member("c4", ""), "", 0)
			p.expiring(lease+lease/2, 10, session("c1", "s1", ""))
			p.expiring(10*lease, 10, session("c1", "s1", ""), member("c2", "bob"), member("c3", "ann"))
			p.expiring(10*lease, 2, session("c1", "s1", ""), member("c2", "bob"))
			p.expiring(lease/10, 10)
		},
	},
	{
		"End ends a connection whose lease is as it was",
		"a connection whose end was lost would stay, or a late event would bring it back",
		func(p *probe) {
			p.apply(joined, member("c1", "ann"), "g", 2)
			p.apply(joined, session("c3", "s1", "ann"), "g", 2)
			p.apply(joined, member("c2", "ann"), "g", 2)
			for _, l := range p.leases(10*ttl, 10) {
				if l.Member == member("c1", "ann") {
					p.repair(presence.Repair{End: []presence.Lease{l}})
				}
			}
			p.members("g", member("c2", "ann"), session("c3", "s1", "ann"))
			p.apply(joined, member("c1", "ann"), "g", 3)
			p.members("g", member("c2", "ann"), session("c3", "s1", "ann"))
			p.online("ann", member("c2", "ann"), session("c3", "s1", "ann"))
		},
	},
	{
		"after End, a connection that is known from a listing only can come back",
		"an MQTT client that connects again would not be seen for the TTL",
		func(p *probe) {
			m := member("c1", "ann")
			p.repair(listed("g", 0, m))
			p.repair(presence.Repair{End: p.leases(10*ttl, 10)})
			p.members("g")
			p.online("ann")
			p.repair(listed("g", p.snapshot("g").Revision, m))
			p.members("g", m)
		},
	},
	{
		"End does not end a connection whose lease was renewed since",
		"a connection would end of which an event has arrived",
		func(p *probe) {
			m := member("c1", "ann")
			p.apply(joined, m, "g", 2)
			old := p.leases(10*ttl, 10)
			p.advance(lease / 3)
			p.apply(connected, m, "", 0)
			p.repair(presence.Repair{End: old})
			p.members("g", m)
			p.repair(presence.Repair{End: p.leases(10*ttl, 10)})
			p.members("g")
		},
	},
	{
		"one holder has the lead until its lease ends",
		"replicas would list all groups at the same time, or none would",
		func(p *probe) {
			p.leads("a", true)
			p.leads("b", false)
			p.advance(lease * 2 / 3)
			p.leads("a", true)
			p.leads("b", false)
			p.advance(lease * 2 / 3)
			p.leads("b", false)
			p.advance(lease * 2 / 3)
			p.leads("b", true)
			p.leads("a", false)
		},
	},
	{
		"the holder of the lead can make its lease shorter",
		"a replica that ends could not hand over",
		func(p *probe) {
			if got, err := p.store().Lead(p.ctx, p.hub, "a", 100*lease); p.ok("Lead", err) && !got {
				p.failf("Lead of a free lead returns false")
			}
			p.advance(lease + lease/3)
			p.leads("b", false)
			p.leads("a", true)
			p.advance(lease + lease/3)
			p.leads("b", true)
		},
	},
	{
		"of concurrent calls of Lead, one gets it",
		"replicas would list all groups at the same time",
		oneLeader,
	},
}

func oneLeader(p *probe) {
	const goroutines = 16
	var group sync.WaitGroup
	won, start := make(chan string, goroutines), make(chan struct{})
	for i := range goroutines {
		store, holder := p.store(), fmt.Sprintf("%064d", i)
		group.Go(func() {
			<-start
			if got, err := store.Lead(p.ctx, p.hub, holder, lease); err == nil && got {
				won <- holder
			}
		})
	}
	close(start)
	group.Wait()
	if len(won) != 1 {
		p.failf("%d of %d calls return true", len(won), goroutines)
	}
}
