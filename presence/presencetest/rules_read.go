package presencetest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/go-webpubsub/webpubsub/presence"
)

var readRules = []rule{
	{
		"hubs are separate",
		"connections would be members of groups of another hub",
		func(p *probe) {
			p.apply(joined, member("c1", "ann"), "g", 2)
			p.leads("a", true)
			hub := p.hub
			p.hub += "b"
			p.members("g")
			p.groups("c1")
			p.online("ann")
			p.names("", 10)
			p.expiring(ttl, 10)
			p.leads("b", true)
			p.apply(disconnected, member("c1", "ann"), "", 0)
			p.hub = hub
			p.members("g", member("c1", "ann"))
			p.leads("b", false)
		},
	},
	{
		"names are whole, whatever characters they have",
		"a client that chooses a name could look like another, or be in its groups",
		wholeNames,
	},
	{
		"GroupNames returns the groups with members, in ascending order, in parts",
		"groups would not be repaired",
		func(p *probe) {
			names := []string{"\n", "A", "a", "a\x00b", "aa", "b", "é", "\U0001F600"}
			for i, name := range slices.Backward(names) {
				p.apply(joined, member(fmt.Sprint("c", i%3), ""), name, 2)
				p.apply(left, member("c9", ""), name+"-", 2)
			}
			p.names("", 100, names...)
			p.names("", 3, names[:3]...)
			p.names(names[2], 3, names[3:6]...)
			p.names("a\x00c", 2, "aa", "b")
			p.names(names[len(names)-1], 3)
		},
	},
	{
		"a change increases the revision, and Members returns it",
		"watchers would miss it, and repairs would undo newer events",
		func(p *probe) {
			if r := p.snapshot("g").Revision; r != 0 {
				p.failf("the first revision is %d, want 0", r)
			}
			p.apply(joined, member("c1", "ann"), "g", 2)
			p.apply(joined, member("c9", "zoe"), "g", 2)
			first := p.snapshot("g").Revision
			p.unchanged("g", first)
			p.apply(joined, member("c2", "bob"), "g", 2)
			second := p.changed("g", first, member("c1", "ann"), member("c2", "bob"), member("c9", "zoe"))
			p.apply(left, member("c1", "ann"), "g", 3)
			third := p.changed("g", second, member("c2", "bob"), member("c9", "zoe"))
			p.apply(disconnected, member("c2", "bob"), "", 0)
			fourth := p.changed("g", third, member("c9", "zoe"))
			p.unchanged("g", fourth)
		},
	},
	{
		"the revision does not start again when a group becomes empty",
		"watchers would miss changes, and repairs would undo newer events",
		func(p *probe) {
			p.apply(joined, member("c1", "ann"), "g", 2)
			first := p.snapshot("g").Revision
			p.apply(disconnected, member("c1", "ann"), "", 0)
			second := p.changed("g", first)
			p.advance(ttl + ttl/10)
			p.apply(joined, member("c2", "bob"), "g", 2)
			p.changed("g", second, member("c2", "bob"))
		},
	},
	{
		"a member whose lease ends changes the group",
		"watchers would not see that a connection has ended",
		func(p *probe) {
			p.applyFor(joined, member("c1", "ann"), "g", 2, 2*lease)
			p.apply(joined, member("c2", "bob"), "g", 2)
			before := p.snapshot("g").Revision
			p.advance(lease + lease/3)
			p.changed("g", before, member("c1", "ann"))
		},
	},
	{
		"Members returns all members of a large group",
		"presence would be cut",
		func(p *probe) {
			const chunk, chunks = 200, 5
			var want []presence.Member
			for i := range chunks {
				var add []presence.Member
				for k := range chunk {
					add = append(add, member(fmt.Sprintf("c%d-%d", i, k), fmt.Sprint("user", k)))
				}
				p.repair(listed("g", 0, add...))
				want = append(want, add...)
			}
			p.members("g", want...)
			p.repair(presence.Repair{Group: "g", Revision: p.snapshot("g").Revision, Drop: want[:chunk], Renew: want[chunk : 2*chunk]})
			p.members("g", want[chunk:]...)
		},
	},
}

// changed wants that a group has changed since a revision. It returns the new one.
func (p *probe) changed(group string, since int64, want ...presence.Member) int64 {
	s, err := p.store().Members(p.ctx, p.hub, group, since)
	if !p.ok("Members", err) {
		return 0
	}
	if s.Unchanged || s.Revision <= since {
		p.failf("Members since revision %d returns Unchanged %v and revision %d after a change", since, s.Unchanged, s.Revision)
	}
	p.same("Members of "+group, s.Members, want)
	return s.Revision
}

// unchanged wants that Members either says that a group has not changed, or returns it.
func (p *probe) unchanged(group string, since int64) {
	s, err := p.store().Members(p.ctx, p.hub, group, since)
	if !p.ok("Members", err) {
		return
	}
	if !s.Unchanged {
		p.same("Members of "+group, s.Members, p.snapshot(group).Members)
	}
	if s.Revision != since {
		p.failf("the revision is %d without a change since %d", s.Revision, since)
	}
}

// wholeNames uses names that a store could cut, split or confuse.
func wholeNames(p *probe) {
	long := strings.Repeat("n", presence.MaxNameBytes-len("user:1"))
	ids := []string{"a", "A", "a:b", "a:", ":", "{a}", "a}{b", "*", "a b", "é", "0", long + "1", long + "2"}
	groups := append([]string{"a\nb", "a\n", "\n", "a\x00b", "a\x00", "\"a\"", " a ", "g[1-2]*?"}, ids...)
	for _, id := range ids {
		for _, group := range groups {
			p.apply(joined, member(id, "user:"+id), group, 1)
			p.apply(joined, session("mqtt", id, ""), group, 1)
		}
	}
	for _, id := range ids {
		p.groups(id, groups...)
	}
	for i, group := range groups {
		if n := len(p.snapshot(group).Members); n != 2*len(ids) {
			p.failf("group %s has %d members, want %d", short(fmt.Sprintf("%q", group)), n, 2*len(ids))
		}
		p.apply(left, member(ids[0], ""), group, 2)
		p.apply(left, session("mqtt", ids[0], ""), group, 2)
		p.groups(ids[0], groups[i+1:]...)
		p.groups("mqtt", groups...)
	}
	for i, id := range ids[1:] {
		p.groups(id, groups...)
		p.online("user:"+id, member(id, "user:"+id))
		p.apply(disconnected, member(id, ""), "", 0)
		p.apply(disconnected, session("mqtt", id, ""), "", 0)
		p.groups(id)
		p.online("user:" + id)
		if i < len(ids)-2 {
			p.groups("mqtt", groups...)
		}
	}
	p.names("", 10)
}
