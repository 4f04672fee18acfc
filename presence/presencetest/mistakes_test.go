package presencetest_test

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/presence"
	"github.com/go-webpubsub/webpubsub/presence/presencetest"
)

// update writes testdata/mistakes.txt anew.
var update = flag.Bool("update", false, "write testdata/mistakes.txt anew")

// mistake is a mistake in a store.
type mistake struct {
	name  string
	store broken
}

// TestBrokenStores: each mistake breaks the rules that it should, and no others, as
// testdata/mistakes.txt lists them. Each rule is broken by a mistake.
func TestBrokenStores(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	found := make(map[string]bool)
	for _, tt := range slices.Concat(eventMistakes(), readMistakes(), repairMistakes(), leadMistakes()) {
		s, c := memory(t)
		tt.store.Store = s
		fmt.Fprintf(&b, "%s:\n", tt.name)
		for _, r := range rulesOf(t, presencetest.TestStore(t.Context(), c.Advance, tt.store)) {
			fmt.Fprintf(&b, "  %s\n", r)
			found[r] = true
		}
	}
	const file = "testdata/mistakes.txt"
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(b.String()), 0o600))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, string(want), b.String())

	c := new(clock)
	all := rulesOf(t, presencetest.TestStore(t.Context(), c.Advance, dead{}))
	assert.ElementsMatch(t, all, slices.Collect(maps.Keys(found)), "rules")
}

func eventMistakes() []mistake {
	return []mistake{
		{"connected is not recorded", broken{event: eventIs(connected, func(*presence.Event, *time.Duration, *time.Duration) bool { return true })}},
		{"joined has no user", broken{event: eventIs(joined, func(ev *presence.Event, _, _ *time.Duration) bool { ev.Member.UserID = ""; return false })}},
		{"left shows nothing", broken{event: func(s presence.Store, hub string, ev *presence.Event, _, _ *time.Duration) bool {
			_, known := leaseOf(s, hub, ev.Member)
			return ev.Kind == left && !known
		}}},
		{"left is of all groups", broken{event: func(s presence.Store, hub string, ev *presence.Event, _, _ *time.Duration) bool {
			if ev.Kind == left {
				groups, _ := s.Groups(context.Background(), hub, ev.Member.ConnectionID)
				for _, g := range groups {
					apply(s, hub, left, ev.Member, g, ev.Order)
				}
			}
			return false
		}}},
		{"the last event counts", broken{event: lastCounts()}},
		{"orders are cut", broken{event: func(_ presence.Store, _ string, ev *presence.Event, _, _ *time.Duration) bool {
			if ev.Order > 1<<52 {
				ev.Order &^= 1
			}
			return false
		}}},
		{"an event is lost", broken{event: eventIs(joined, func(ev *presence.Event, _, _ *time.Duration) bool { return ev.Order == 1000 })}},
		{"disconnected is not recorded", broken{event: eventIs(disconnected, func(*presence.Event, *time.Duration, *time.Duration) bool { return true })}},
		{"disconnected is not remembered", broken{event: eventIs(disconnected, func(_ *presence.Event, _, ttl *time.Duration) bool { *ttl = 0; return false })}},
		{"disconnected is remembered for the lease", broken{event: eventIs(disconnected, func(_ *presence.Event, lease, ttl *time.Duration) bool { *ttl = *lease; return false })}},
		{"disconnected is remembered for ever", broken{event: eventIs(disconnected, func(_ *presence.Event, _, ttl *time.Duration) bool { *ttl = 1000 * time.Hour; return false })}},
		{"disconnected of an unknown connection is ignored", broken{event: func(s presence.Store, hub string, ev *presence.Event, _, _ *time.Duration) bool {
			_, known := leaseOf(s, hub, ev.Member)
			return ev.Kind == disconnected && !known
		}}},
		{"left is not remembered", broken{event: eventIs(left, func(_ *presence.Event, _, ttl *time.Duration) bool { *ttl = 0; return false })}},
		{"left is remembered for ever", broken{event: eventIs(left, func(_ *presence.Event, _, ttl *time.Duration) bool { *ttl = 1000 * time.Hour; return false })}},
		{"an empty user is one", broken{event: func(_ presence.Store, _ string, ev *presence.Event, _, _ *time.Duration) bool {
			if ev.Member.UserID == "" {
				ev.Member.UserID = "nobody"
			}
			return false
		}}},
		{"leases do not end", broken{
			event: func(_ presence.Store, _ string, _ *presence.Event, lease, _ *time.Duration) bool {
				*lease += time.Hour
				return false
			},
			repair: func(_ presence.Store, _ string, _ *presence.Repair, lease, _ *time.Duration) { *lease += time.Hour },
		}},
		{"events do not renew leases", broken{event: func(s presence.Store, hub string, ev *presence.Event, lease, _ *time.Duration) bool {
			if _, known := leaseOf(s, hub, ev.Member); known {
				*lease = 0
			}
			return false
		}}},
		{"leases are as short as the shortest", broken{event: func(_ presence.Store, _ string, _ *presence.Event, lease, _ *time.Duration) bool {
			*lease = min(*lease, time.Second)
			return false
		}}},
		{"sessions are one connection", broken{event: func(_ presence.Store, _ string, ev *presence.Event, _, _ *time.Duration) bool {
			ev.Member.SessionID = ""
			return false
		}}},
		{"sessions replace nothing", broken{
			event: func(_ presence.Store, _ string, ev *presence.Event, _, _ *time.Duration) bool {
				ev.Member = marked(ev.Member)
				return false
			},
			repair: func(_ presence.Store, _ string, r *presence.Repair, _, _ *time.Duration) {
				for _, list := range [][]presence.Member{r.Add, r.Drop, r.Renew} {
					for i := range list {
						list[i] = marked(list[i])
					}
				}
				for i := range r.End {
					r.End[i].Member = marked(r.End[i].Member)
				}
			},
			members: func(s *presence.Snapshot, _ int64) { unmark(s.Members) },
			online:  unmark,
			leases: func(s presence.Store, hub string, within time.Duration, limit int) ([]presence.Lease, error) {
				leases, err := s.Leases(context.Background(), hub, within, limit)
				for i := range leases {
					unmark([]presence.Member{leases[i].Member})
					if leases[i].Member.SessionID == noSession {
						leases[i].Member.SessionID = ""
					}
				}
				return leases, err
			},
		}},
		{"late events of sessions replace", broken{event: func(s presence.Store, hub string, ev *presence.Event, _, _ *time.Duration) bool {
			if ev.Member.SessionID != "" {
				_ = s.Repair(context.Background(), hub, presence.Repair{Group: ev.Group, Revision: anyRevision, Drop: []presence.Member{bare(ev.Member)}}, 0, time.Second)
			}
			return false
		}}},
		{"sessions that have ended replace", broken{event: func(s presence.Store, hub string, ev *presence.Event, _, _ *time.Duration) bool {
			if l, ok := leaseOf(s, hub, bare(ev.Member)); ok && ev.Kind == disconnected && ev.Member.SessionID != "" {
				_ = s.Repair(context.Background(), hub, presence.Repair{End: []presence.Lease{l}}, 0, 0)
			}
			return false
		}}},
	}
}

// lastCounts returns the mistake that the last event counts.
func lastCounts() func(presence.Store, string, *presence.Event, *time.Duration, *time.Duration) bool {
	var mu sync.Mutex
	next := int64(0)
	return func(_ presence.Store, _ string, ev *presence.Event, _, _ *time.Duration) bool {
		mu.Lock()
		defer mu.Unlock()
		next++
		ev.Order = next
		return false
	}
}

// noSession takes the place of an empty SessionID, so that the store does not know it.
const noSession = "none"

func marked(m presence.Member) presence.Member {
	if m.SessionID == "" {
		m.SessionID = noSession
	}
	return m
}

func unmark(members []presence.Member) []presence.Member {
	for i, m := range members {
		if m.SessionID == noSession {
			members[i].SessionID = ""
		}
	}
	return members
}

func readMistakes() []mistake {
	return []mistake{
		{"hubs are one", broken{hub: func(hub string) string { return strings.TrimRight(hub, "b") }}},
		{"names are cut", broken{name: func(name string) string { return name[:min(len(name), 4000)] }}},
		{"names end with a NUL", broken{name: func(name string) string { return strings.Split(name, "\x00")[0] }}},
		{"names have no case", broken{name: strings.ToLower}},
		{"members are cut", broken{members: func(s *presence.Snapshot, _ int64) { s.Members = s.Members[:min(len(s.Members), 500)] }}},
		{"members do not change", broken{members: func(s *presence.Snapshot, since int64) { s.Unchanged = since != 0 }}},
		{"the revision is constant", broken{members: func(s *presence.Snapshot, _ int64) { s.Revision = min(s.Revision, 1) }}},
		{"the revision starts again with a group", broken{members: func(s *presence.Snapshot, _ int64) {
			if len(s.Members) == 0 && !s.Unchanged {
				s.Revision = 0
			}
		}}},
		{"groups are of sessions", broken{groups: func(names []string) []string { return append(names, names...) }}},
		{"users have one connection", broken{online: func(members []presence.Member) []presence.Member { return members[:min(len(members), 1)] }}},
		{"names are not sorted", broken{names: func(s presence.Store, hub, after string, limit int) ([]string, error) {
			names, err := s.GroupNames(context.Background(), hub, after, limit)
			slices.Reverse(names)
			return names, err
		}}},
		{"names start with after", broken{names: func(s presence.Store, hub, after string, limit int) ([]string, error) {
			names, err := s.GroupNames(context.Background(), hub, after, limit)
			if after != "" {
				names = append([]string{after}, names...)
			}
			return names, err
		}}},
		{"leases are not sorted", broken{leases: func(s presence.Store, hub string, within time.Duration, limit int) ([]presence.Lease, error) {
			leases, err := s.Leases(context.Background(), hub, within, limit)
			slices.Reverse(leases)
			return leases, err
		}}},
		{"all leases are listed", broken{leases: func(s presence.Store, hub string, _ time.Duration, limit int) ([]presence.Lease, error) {
			return s.Leases(context.Background(), hub, time.Hour, limit)
		}}},
		{"leases have no limit", broken{leases: func(s presence.Store, hub string, within time.Duration, _ int) ([]presence.Lease, error) {
			return s.Leases(context.Background(), hub, within, 1000)
		}}},
	}
}

func repairMistakes() []mistake {
	onRepair := func(f func(r *presence.Repair)) broken {
		return broken{repair: func(_ presence.Store, _ string, r *presence.Repair, _, _ *time.Duration) { f(r) }}
	}
	return []mistake{
		{"nothing is added", onRepair(func(r *presence.Repair) { r.Add = nil })},
		{"nothing is dropped", onRepair(func(r *presence.Repair) { r.Drop = nil })},
		{"nothing is renewed", onRepair(func(r *presence.Repair) { r.Renew = nil })},
		{"nothing is ended", onRepair(func(r *presence.Repair) { r.End = nil })},
		{"the revision is not compared", onRepair(func(r *presence.Repair) { r.Revision = anyRevision })},
		{"a listing adds without users", onRepair(func(r *presence.Repair) {
			for i := range r.Add {
				r.Add[i].UserID = ""
			}
		})},
		{"Add is an event", broken{repair: func(s presence.Store, hub string, r *presence.Repair, _, _ *time.Duration) {
			for _, m := range r.Add {
				apply(s, hub, joined, m, r.Group, presence.MaxOrder-1)
			}
			r.Add = nil
		}}},
		{"Drop is an event", broken{repair: func(s presence.Store, hub string, r *presence.Repair, _, _ *time.Duration) {
			for _, m := range r.Drop {
				apply(s, hub, left, m, r.Group, presence.MaxOrder-1)
			}
			r.Drop = nil
		}}},
		{"Drop ends the connection", broken{repair: func(s presence.Store, hub string, r *presence.Repair, _, _ *time.Duration) {
			for _, m := range r.Drop {
				apply(s, hub, disconnected, m, "", 0)
			}
		}}},
		{"Drop is not remembered", broken{repair: func(_ presence.Store, _ string, r *presence.Repair, _, ttl *time.Duration) {
			if len(r.Drop) > 0 {
				*ttl = 0
			}
		}}},
		{"Renew brings back", broken{repair: func(s presence.Store, hub string, r *presence.Repair, _, _ *time.Duration) {
			for _, m := range r.Renew {
				apply(s, hub, connected, m, "", 0)
			}
		}}},
		{"the end of a lease is not compared", broken{repair: func(s presence.Store, hub string, r *presence.Repair, _, _ *time.Duration) {
			for i, l := range r.End {
				r.End[i], _ = leaseOf(s, hub, l.Member)
			}
		}}},
		{"End is not remembered", broken{repair: func(_ presence.Store, _ string, r *presence.Repair, _, ttl *time.Duration) {
			if len(r.End) > 0 {
				*ttl = 0
			}
		}}},
		{"End is always remembered", broken{repair: func(s presence.Store, hub string, r *presence.Repair, _, _ *time.Duration) {
			for _, l := range r.End {
				if now, _ := leaseOf(s, hub, l.Member); now == l {
					apply(s, hub, disconnected, l.Member, "", 0)
				}
			}
		}}},
	}
}

func leadMistakes() []mistake {
	var mu sync.Mutex
	longest, holders := make(map[string]time.Duration), make(map[string]string)
	return []mistake{
		{"everybody leads", broken{lead: func(presence.Store, string, string, time.Duration) (bool, error) { return true, nil }}},
		{"a lead never ends", broken{lead: func(s presence.Store, hub, holder string, _ time.Duration) (bool, error) {
			return s.Lead(context.Background(), hub, holder, time.Hour)
		}}},
		{"a lead is not shortened", broken{lead: func(s presence.Store, hub, holder string, lease time.Duration) (bool, error) {
			mu.Lock()
			defer mu.Unlock()
			longest[hub] = max(longest[hub], lease)
			return s.Lead(context.Background(), hub, holder, longest[hub])
		}}},
		{"a lead is not renewed", broken{lead: func(s presence.Store, hub, holder string, lease time.Duration) (bool, error) {
			mu.Lock()
			defer mu.Unlock()
			if holders[hub] == holder {
				return true, nil
			}
			ok, err := s.Lead(context.Background(), hub, holder, lease)
			if ok {
				holders[hub] = holder
			}
			return ok, err
		}}},
		{"holders are cut", broken{lead: func(s presence.Store, hub, holder string, lease time.Duration) (bool, error) {
			return s.Lead(context.Background(), hub, holder[:min(len(holder), 62)], lease)
		}}},
	}
}

// rulesOf returns the rules of the failures in an error.
func rulesOf(t *testing.T, err error) []string {
	t.Helper()
	joined, ok := err.(interface{ Unwrap() []error })
	if !assert.True(t, ok, "%v", err) {
		return nil
	}
	var rules []string
	for _, e := range joined.Unwrap() {
		var f *presencetest.RuleError
		require.ErrorAs(t, e, &f)
		assert.NotEmpty(t, f.Got)
		assert.NotEmpty(t, f.Reason)
		assert.Equal(t, "presencetest: "+f.Rule+": "+f.Got+" ("+f.Reason+")", f.Error())
		rules = append(rules, f.Rule)
	}
	return rules
}
