package presencetest

import "github.com/go-webpubsub/webpubsub/presence"

var repairRules = []rule{
	{
		"Add adds a member, with its user",
		"a member whose joined event was lost would not be seen",
		func(p *probe) {
			p.apply(connected, member("c2", "bob"), "", 0)
			p.repair(listed("g", p.snapshot("g").Revision, member("c1", "ann"), member("c2", ""), session("c3", "s1", "")))
			p.members("g", member("c1", "ann"), member("c2", "bob"), session("c3", "s1", ""))
			p.groups("c1", "g")
			p.online("ann", member("c1", "ann"))
			p.names("", 10, "g")
		},
	},
	{
		"Add has no order: the next event about the entry counts",
		"a member that a listing has added could not leave",
		func(p *probe) {
			p.repair(listed("g", 0, member("c1", "ann"), member("c2", "bob")))
			p.apply(left, member("c1", "ann"), "g", 1)
			p.apply(joined, member("c2", "bob"), "g", 1)
			p.members("g", member("c2", "bob"))
			p.apply(left, member("c2", "bob"), "g", 2)
			p.members("g")
		},
	},
	{
		"Add keeps the order of an entry",
		"a late event would undo a repair",
		func(p *probe) {
			m := member("c1", "ann")
			p.apply(left, m, "g", 5)
			p.repair(listed("g", p.snapshot("g").Revision, m))
			p.members("g", m)
			p.apply(left, m, "g", 5)
			p.apply(left, m, "g", 3)
			p.members("g", m)
			p.apply(left, m, "g", 7)
			p.members("g")
		},
	},
	{
		"Add does not undo a newer event",
		"a listing that was read before an event would undo it",
		func(p *probe) {
			m := member("c1", "ann")
			p.apply(joined, m, "g", 2)
			before := p.snapshot("g").Revision
			p.apply(left, m, "g", 3)
			p.apply(left, member("c2", "bob"), "g", 3)
			p.apply(disconnected, member("c3", "dan"), "", 0)
			p.repair(listed("g", before, m, member("c2", "bob"), member("c3", "dan"), member("c4", "eve")))
			p.members("g", member("c4", "eve"))
			p.online("dan")
		},
	},
	{
		"Add without a session does not undo a newer event of a session",
		"a listing that was read before an event of an MQTT client would undo it",
		func(p *probe) {
			p.apply(joined, session("c3", "s1", "dan"), "g", 2)
			p.apply(left, session("c3", "s1", "dan"), "g", 3)
			p.apply(disconnected, session("c3", "s0", "dan"), "", 0)
			before := p.snapshot("g").Revision
			p.apply(left, session("c1", "s1", "ann"), "g", 3)
			p.apply(disconnected, session("c2", "s1", "bob"), "", 0)
			p.repair(listed("g", before, member("c1", "ann"), member("c2", "bob"), member("c3", "dan")))
			p.members("g", member("c3", "dan"))
			p.online("bob")
			p.repair(listed("g", p.snapshot("g").Revision, member("c1", "ann"), member("c2", "bob")))
			p.members("g", member("c1", "ann"), member("c2", "bob"), member("c3", "dan"))
		},
	},
	{
		"Add does not bring back what has ended",
		"a listing that was read before the end of a connection would bring it back",
		func(p *probe) {
			p.apply(joined, member("c1", "ann"), "g", 2)
			p.apply(disconnected, member("c1", "ann"), "", 0)
			p.repair(listed("g", p.snapshot("g").Revision, member("c1", "ann")))
			p.members("g")
			p.groups("c1")
		},
	},
	{
		"Drop removes a member from the group, and from no other",
		"a member whose left event was lost would stay",
		func(p *probe) {
			m, other := session("c1", "s1", "ann"), session("c1", "s2", "ann")
			p.apply(joined, m, "g", 2)
			p.apply(joined, m, "h", 3)
			p.apply(joined, other, "g", 2)
			p.repair(presence.Repair{Group: "g", Revision: p.snapshot("g").Revision, Drop: []presence.Member{m, member("unknown", "")}})
			p.members("g", other)
			p.members("h", m)
			p.online("ann", m, other)
			p.groups("unknown")
		},
	},
	{
		"Drop keeps the order of an entry",
		"a repeat of an event would undo a repair, or a new one would be ignored",
		func(p *probe) {
			m := member("c1", "ann")
			p.apply(joined, m, "g", 4)
			p.repair(presence.Repair{Group: "g", Revision: p.snapshot("g").Revision, Drop: []presence.Member{m}})
			p.apply(joined, m, "g", 4)
			p.members("g")
			p.apply(joined, m, "g", 6)
			p.members("g", m)
		},
	},
	{
		"Drop does not undo a newer event",
		"a listing that was read before an event would undo it",
		func(p *probe) {
			first, again := member("c1", "ann"), member("c2", "bob")
			p.apply(joined, again, "g", 2)
			before := p.snapshot("g").Revision
			p.apply(joined, first, "g", 2)
			p.apply(joined, again, "g", 4) // it had left, and that event was lost
			p.repair(presence.Repair{Group: "g", Revision: before, Drop: []presence.Member{first, again}})
			p.members("g", first, again)
			p.repair(presence.Repair{Group: "g", Revision: p.snapshot("g").Revision, Drop: []presence.Member{first, again}})
			p.members("g")
		},
	},
	{
		"an event that was late does not protect an entry from Drop",
		"repeats of events would keep a member whose left event was lost",
		func(p *probe) {
			m := member("c1", "ann")
			p.apply(joined, m, "g", 4)
			before := p.snapshot("g").Revision
			p.apply(joined, m, "g", 4)
			p.apply(left, m, "g", 3)
			p.repair(presence.Repair{Group: "g", Revision: before, Drop: []presence.Member{m}})
			p.members("g")
		},
	},
	{
		"an entry that was dropped is remembered for the TTL",
		"a repeat of an event would undo a repair",
		func(p *probe) {
			m := member("c1", "ann")
			p.applyFor(joined, m, "g", 4, 3*ttl)
			p.repair(presence.Repair{Group: "g", Revision: p.snapshot("g").Revision, Drop: []presence.Member{m}})
			p.advance(ttl * 2 / 3)
			p.apply(joined, m, "g", 4)
			p.members("g")
			p.advance(ttl * 2 / 3)
			p.apply(joined, m, "g", 4)
			p.members("g", m)
		},
	},
	{
		"repeating a repair is harmless",
		"a repair that is repeated after a network error would do damage",
		func(p *probe) {
			stays, leaves, comes := member("c1", "ann"), member("c2", "bob"), member("c3", "dan")
			p.apply(joined, stays, "g", 2)
			p.apply(joined, leaves, "g", 2)
			r := presence.Repair{Group: "g", Revision: p.snapshot("g").Revision, Add: []presence.Member{comes}, Drop: []presence.Member{leaves}, Renew: []presence.Member{stays}}
			p.repair(r)
			p.members("g", stays, comes)
			p.apply(joined, leaves, "g", 4)
			p.repair(r)
			p.members("g", stays, leaves, comes)
		},
	},
}
