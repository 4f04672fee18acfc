// Package role reads the roles of clients: what their tokens let them do with
// groups.
//
//	webpubsub.joinLeaveGroup               join and leave any group
//	webpubsub.joinLeaveGroup.{group}       join and leave one group
//	webpubsub.joinLeaveGroups.{pattern}    join and leave groups by pattern
//	webpubsub.sendToGroup…                 likewise for sending
//
// Patterns are those of package glob with at most five stars, each counted.
// Package rule has the rules.
package role

import (
	"github.com/go-webpubsub/webpubsub/internal/glob"
	"github.com/go-webpubsub/webpubsub/internal/rule"
)

// Action is what a role is about.
type Action uint8

// The actions.
const (
	JoinLeave Action = iota
	Send
)

// How much one client can have of each action. What roles have beyond it is left
// out, as by the service.
const (
	MaxPatterns = 9
	MaxGroups   = 1000 // single groups that are allowed, or taken back
)

// Set is what the roles of one client allow. The zero Set allows nothing.
type Set struct {
	all      [2]bool
	groups   [2]map[string]bool // false: taken back, whatever else there is
	patterns [2][]glob.Pattern
	leftOut  int
}

// LeftOut returns how many roles were left out because there were too many.
func (s *Set) LeftOut() int { return s.leftOut }

// Parse reads roles. Those that are none of the service's are passed over, as the
// service does. A pattern that breaks a rule is an error.
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
		return nil // none of the service's
	}
	if err != nil {
		return err
	}
	action := JoinLeave
	if r.Send {
		action = Send
	}
	switch r.Scope {
	case rule.NoRole:
	case rule.AnyGroup:
		s.all[action] = true
	case rule.OneGroup:
		if !s.Grant(action, r.Name) {
			s.leftOut++
		}
	case rule.GroupsMatched:
		if len(s.patterns[action]) == MaxPatterns {
			s.leftOut++
			return nil
		}
		s.patterns[action] = append(s.patterns[action], r.Pattern)
	}
	return nil
}

// Allows tells whether an action is allowed in a group.
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

// Grant allows an action in one group. It reports false, and changes nothing, if
// that makes more than [MaxGroups].
func (s *Set) Grant(a Action, group string) bool {
	delete(s.groups[a], group)
	return s.name(a, group, true)
}

// Revoke forbids an action in one group until it is granted again, even to roles
// for all groups and patterns. It reports false, and changes nothing, if that
// makes more than [MaxGroups].
func (s *Set) Revoke(a Action, group string) bool {
	delete(s.groups[a], group)
	return s.name(a, group, false)
}

// name keeps an exception from what roles for more than one group allow, if it is
// one. The group has no exception yet.
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
