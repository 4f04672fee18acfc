package presencetest

import "github.com/go-webpubsub/webpubsub/presence"

// listed returns a repair that adds a connection to a group.
func listed(group string, revision int64, members ...presence.Member) presence.Repair {
	return presence.Repair{Group: group, Revision: revision, Add: members}
}

var sessionRules = []rule{
	{
		"sessions with the same ConnectionID are connections of their own",
		"the late end of an MQTT session would end the next one",
		func(p *probe) {
			first, second := session("c1", "s1", "ann"), session("c1", "s2", "ann")
			p.apply(joined, first, "g", 2)
			p.apply(joined, first, "h", 3)
			p.apply(joined, second, "g", 2)
			p.members("g", first, second)
			p.groups("c1", "g", "h")
			p.online("ann", first, second)
			p.apply(disconnected, first, "", 0)
			p.members("g", second)
			p.groups("c1", "g")
			p.online("ann", second)
			p.apply(joined, first, "h", 4)
			p.members("h")
		},
	},
	{
		"an event of a session replaces what a listing has shown of its connection in the group",
		"a member that a listing has added could not leave",
		func(p *probe) {
			m, bare := session("c1", "s1", "ann"), member("c1", "ann")
			p.repair(listed("g", 0, bare))
			p.repair(listed("h", 0, bare))
			p.apply(connected, m, "", 0)
			p.members("g", bare)
			p.apply(left, m, "g", 3)
			p.members("g")
			p.members("h", bare)
			p.apply(joined, m, "h", 4)
			p.members("h", m)
			p.online("ann", m)
			p.apply(left, m, "h", 5)
			p.members("h")
			p.apply(disconnected, m, "", 0)
			p.online("ann")
		},
	},
	{
		"an event of a session that was late replaces nothing",
		"a repeat of an event would undo a repair",
		func(p *probe) {
			m, bare := session("c1", "s1", "ann"), member("c1", "ann")
			p.apply(left, m, "g", 5)
			p.repair(listed("g", p.snapshot("g").Revision, bare))
			p.members("g", bare)
			p.apply(left, m, "g", 5)
			p.apply(left, m, "g", 3)
			p.members("g", bare)
			p.apply(left, m, "g", 7)
			p.members("g")
		},
	},
	{
		"Disconnected of an unknown session ends what a listing has shown of its connection",
		"a member that a listing has added would stay",
		func(p *probe) {
			p.repair(listed("g", 0, member("c1", "ann")))
			p.apply(disconnected, session("c1", "s1", "ann"), "", 0)
			p.members("g")
			p.online("ann")
			p.repair(listed("g", p.snapshot("g").Revision, member("c1", "ann")))
			p.members("g", member("c1", "ann"))
		},
	},
	{
		"an event of a session that has ended replaces nothing",
		"a late event of an MQTT session would end the next one",
		func(p *probe) {
			p.apply(disconnected, session("c1", "s1", "ann"), "", 0)
			p.repair(listed("g", p.snapshot("g").Revision, member("c1", "ann")))
			p.apply(joined, session("c1", "s1", "ann"), "h", 4)
			p.apply(disconnected, session("c1", "s1", "ann"), "", 0)
			p.members("g", member("c1", "ann"))
			p.members("h")
		},
	},
	{
		"End of a session ends what a listing has shown of its connection",
		"a member that has ended would stay until the next round",
		func(p *probe) {
			p.applyFor(connected, session("c1", "s1", "ann"), "", 0, lease/2)
			p.repair(listed("g", p.snapshot("g").Revision, member("c1", "ann")))
			p.repair(presence.Repair{End: p.leases(lease*3/4, 1)})
			p.members("g")
			p.online("ann")
		},
	},
	{
		"what an event of a session replaces increases the revision",
		"watchers would not see it",
		func(p *probe) {
			p.repair(listed("g", 0, member("c1", "ann")))
			p.repair(listed("g", 0, member("c2", "bob")))
			before := p.snapshot("g").Revision
			p.apply(left, session("c1", "s1", "ann"), "g", 3)
			before = p.changed("g", before, member("c2", "bob"))
			p.apply(disconnected, session("c2", "s1", "bob"), "", 0)
			p.changed("g", before)
		},
	},
}
