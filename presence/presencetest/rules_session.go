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
		"an event of a session takes over what a listing has shown of its connection",
		"a member that a listing has added could not leave",
		func(p *probe) {
			m := session("c1", "s1", "ann")
			p.repair(listed("g", 0, member("c1", "ann")))
			p.repair(listed("h", 0, member("c1", "ann")))
			p.members("g", member("c1", "ann"))
			p.apply(left, m, "g", 3)
			p.members("g")
			p.members("h", m)
			p.online("ann", m)
			p.apply(disconnected, m, "", 0)
			p.members("h")
			p.online("ann")
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
		"an event of a session that has ended takes nothing over",
		"a late event of an MQTT session would end the next one",
		func(p *probe) {
			p.apply(disconnected, session("c1", "s1", "ann"), "", 0)
			p.repair(listed("g", 0, member("c1", "ann")))
			p.apply(joined, session("c1", "s1", "ann"), "h", 4)
			p.apply(disconnected, session("c1", "s1", "ann"), "", 0)
			p.members("g", member("c1", "ann"))
			p.members("h")
		},
	},
	{
		"of two entries for a group, the one that changed last is kept, with the higher order",
		"an event about another group would undo a repair",
		func(p *probe) {
			m := session("c1", "s1", "ann")
			p.apply(joined, m, "g", 4)
			p.apply(left, m, "g", 5)
			p.repair(listed("g", p.snapshot("g").Revision, member("c1", "")))
			p.members("g", member("c1", ""))
			p.apply(joined, m, "h", 8)
			p.members("g", m)
			p.apply(left, m, "g", 3)
			p.members("g", m)
			p.apply(left, m, "g", 9)
			p.members("g")
		},
	},
	{
		"of two entries for a group, one that changed before the other does not count",
		"an event that came after a listing would be undone",
		func(p *probe) {
			m, bare := session("c1", "s1", "ann"), member("c1", "ann")
			p.apply(left, m, "h", 4)
			p.repair(listed("g", p.snapshot("g").Revision, bare))
			p.repair(listed("h", 0, bare)) // the event is newer than the listing
			p.apply(joined, m, "h", 5)
			p.apply(left, m, "h", 6)
			p.members("g", m)
			p.members("h")
		},
	},
	{
		"what a session takes over has a new revision",
		"watchers would not see it",
		func(p *probe) {
			p.repair(listed("g", 0, member("c1", "ann")))
			before := p.snapshot("g").Revision
			p.apply(connected, session("c1", "s1", "ann"), "", 0)
			p.changed("g", before, session("c1", "s1", "ann"))
		},
	},
}
