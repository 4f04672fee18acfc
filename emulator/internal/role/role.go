// Package role parses the roles of clients, which are their permissions for groups.
//
//	webpubsub.joinLeaveGroup               join and leave any group
//	webpubsub.joinLeaveGroup.{group}       join and leave one group
//	webpubsub.joinLeaveGroups.{pattern}    join and leave groups by pattern
//	webpubsub.sendToGroup…                 likewise for sending
//	webpubsub.getGroupState                subscribe to the states of any group
//	webpubsub.getGroupState.{group}        subscribe to the states of one group
//	webpubsub.setGroupState…               likewise for setting the client's own state
//
// Patterns are those of package glob, with at most five stars; ** counts as two.
// Package rule checks them.
package role

import (
	"slices"

	"github.com/go-webpubsub/webpubsub/internal/glob"
	"github.com/go-webpubsub/webpubsub/internal/rule"
)

// Action is what a role permits.
type Action = rule.Action

// The actions.
const (
	JoinLeave = rule.JoinLeave
	Send      = rule.Send
	GetState  = rule.GetState
	SetState  = rule.SetState
)

// Limits of one client for each action. Like the service, Parse leaves out what
// exceeds them.
const (
	MaxPatterns = 9
	MaxGroups   = 1000 // single groups that are granted or revoked
)

// Set holds the permissions of one client. The zero Set permits nothing.
type Set struct {
	all      [rule.Actions]bool
	groups   [rule.Actions]map[string]bool // false: revoked, which overrides all and patterns
	patterns [rule.Actions][]glob.Pattern
	leftOut  int
}

// LeftOut returns the number of roles that Parse left out because of the limits.
func (s *Set) LeftOut() int { return s.leftOut }

// Parse parses roles. Like the service, it ignores unknown roles. An invalid pattern
// is an error.
func Parse(roles []string) (Set, error) {
	var s Set
	for _, role := range roles {
		if err := s.add(role); err != nil {
			return Set{}, err
		}
	}
	return s, nil
}

func (s *Set) add(text string) error {
	r, err := rule.ParseRole(text)
	if err != nil && r.Scope != rule.GroupsMatched {
		return nil // unknown
	}
	if err != nil {
		return err
	}
	switch r.Scope {
	case rule.NoRole:
	case rule.AnyGroup:
		s.all[r.Action] = true
	case rule.OneGroup:
		if !s.Grant(r.Action, r.Name) {
			s.leftOut++
		}
	case rule.GroupsMatched:
		if len(s.patterns[r.Action]) == MaxPatterns {
			s.leftOut++
			return nil
		}
		s.patterns[r.Action] = append(s.patterns[r.Action], r.Pattern)
	}
	return nil
}

// Allows reports whether an action is permitted in a group.
func (s *Set) Allows(a Action, group string) bool {
	if allowed, named := s.groups[a][group]; named || s.all[a] {
		return allowed || !named
	}
	for _, p := range s.patterns[a] {
		if p.Match(group) {
			return true
		}
	}
	return false
}

// Names returns up to most permissions, sorted: sendToGroup for any group, sendToGroup.a
// for one, sendToGroups.* by pattern, and -sendToGroup.a if it has been revoked.
func (s *Set) Names(most int) []string {
	var out []string
	for a := range Action(rule.Actions) {
		name := a.String()
		if s.all[a] {
			out = append(out, name)
		}
		for _, p := range s.patterns[a] {
			out = append(out, name+"s."+p.String())
		}
		for group, allowed := range s.groups[a] {
			if allowed {
				out = append(out, name+"."+group)
			} else {
				out = append(out, "-"+name+"."+group)
			}
		}
	}
	slices.Sort(out)
	return out[:min(len(out), most)]
}

// Grant permits an action in one group. It reports false, and changes nothing, if
// the client would exceed [MaxGroups].
func (s *Set) Grant(a Action, group string) bool {
	delete(s.groups[a], group)
	return s.name(a, group, true)
}

// Revoke forbids an action in one group until it is granted again. It overrides roles
// for all groups and patterns. It reports false, and changes nothing, if the client
// would exceed [MaxGroups].
func (s *Set) Revoke(a Action, group string) bool {
	delete(s.groups[a], group)
	return s.name(a, group, false)
}

// name adds a group for which the answer differs from that of the roles for several
// groups, unless it does not. The group must not have an entry.
func (s *Set) name(a Action, group string, allowed bool) bool {
	if s.Allows(a, group) == allowed {
		return true
	}
	if len(s.groups[a]) == MaxGroups {
		return false
	}
	if s.groups[a] == nil {
		s.groups[a] = make(map[string]bool)
	}
	s.groups[a][group] = allowed
	return true
}
