// Package role reads the roles of clients: what their tokens let them do with
// groups.
//
//	webpubsub.joinLeaveGroup               join and leave any group
//	webpubsub.joinLeaveGroup.{group}       join and leave one group
//	webpubsub.joinLeaveGroups.{pattern}    join and leave groups by pattern
//	webpubsub.sendToGroup…                 likewise for sending
//
// In a pattern ? stands for one character and * for any number of them, neither
// for a dot; ** stands for any number of characters with dots; a backslash
// before *, ? or itself takes it literally. At most five stars, each counted,
// may stand in a pattern.
package role

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Action is what a role is about.
type Action uint8

// The actions.
const (
	JoinLeave Action = iota
	Send
)

const maxStars = 5

// Set is what the roles of one client allow. The zero Set allows nothing.
type Set struct {
	all      [2]bool
	groups   [2]map[string]bool
	patterns [2][]Pattern
}

// Parse reads roles. Roles of other kinds are passed over, as somebody else's.
func Parse(roles []string) (Set, error) {
	var s Set
	for _, role := range roles {
		if err := s.add(role); err != nil {
			return Set{}, err
		}
	}
	return s, nil
}

func (s *Set) add(role string) error {
	name, ok := strings.CutPrefix(role, "webpubsub.")
	if !ok {
		return nil
	}
	for action, kind := range [...]string{JoinLeave: "joinLeaveGroup", Send: "sendToGroup"} {
		rest, ok := strings.CutPrefix(name, kind)
		if !ok {
			continue
		}
		if rest == "" {
			s.all[action] = true
		} else if group, ok := strings.CutPrefix(rest, "."); ok && group != "" {
			s.Grant(Action(action), group)
		} else if text, ok := strings.CutPrefix(rest, "s."); ok {
			p, err := ParsePattern(text)
			if err != nil {
				return fmt.Errorf("role %q: %w", clip(role), err)
			}
			s.patterns[action] = append(s.patterns[action], p)
		}
	}
	return nil
}

// Allows tells whether an action is allowed in a group.
func (s *Set) Allows(a Action, group string) bool {
	if s.all[a] || s.groups[a][group] {
		return true
	}
	for _, p := range s.patterns[a] {
		if p.Match(group) {
			return true
		}
	}
	return false
}

// Grant allows an action in one group.
func (s *Set) Grant(a Action, group string) {
	if s.groups[a] == nil {
		s.groups[a] = make(map[string]bool)
	}
	s.groups[a][group] = true
}

// Revoke takes back what Grant, or a role that names just this group, gave. A
// role for all groups or a pattern goes on to allow it.
func (s *Set) Revoke(a Action, group string) { delete(s.groups[a], group) }

// Pattern matches names of groups.
type Pattern struct{ parts []part }

type part struct {
	kind partKind
	char rune
}

type partKind uint8

const (
	partChar partKind = iota
	partOne           // ?
	partMany          // *
	partAny           // **
)

// ParsePattern reads a pattern.
func ParsePattern(text string) (Pattern, error) {
	if text == "" || !utf8.ValidString(text) {
		return Pattern{}, errors.New("pattern is empty or not UTF-8")
	}
	var p Pattern
	stars := 0
	for rest := text; rest != ""; {
		r, n := utf8.DecodeRuneInString(rest)
		switch {
		case r == '\\':
			next, m := utf8.DecodeRuneInString(rest[n:])
			if m == 0 || !strings.ContainsRune(`\*?`, next) {
				return Pattern{}, errors.New(`pattern has a backslash before something else than \, * or ?`)
			}
			p.parts = append(p.parts, part{char: next})
			n += m
		case strings.HasPrefix(rest, "**"):
			p.parts = append(p.parts, part{kind: partAny})
			stars, n = stars+2, 2
		case r == '*':
			p.parts = append(p.parts, part{kind: partMany})
			stars++
		case r == '?':
			p.parts = append(p.parts, part{kind: partOne})
		default:
			p.parts = append(p.parts, part{char: r})
		}
		rest = rest[n:]
	}
	if stars > maxStars {
		return Pattern{}, fmt.Errorf("pattern has %d stars, want at most %d", stars, maxStars)
	}
	return p, nil
}

// Match tells whether a whole name fits the pattern. It takes time in
// proportion to the lengths of both, whatever they contain.
func (p Pattern) Match(name string) bool {
	// reach[i] tells whether the parts before i can have made the name so far.
	reach := make([]bool, len(p.parts)+1)
	reach[0] = true
	p.skip(reach)
	next := make([]bool, len(reach))
	for _, r := range name {
		clear(next)
		for i, q := range p.parts {
			if !reach[i] {
				continue
			}
			switch q.kind {
			case partChar:
				next[i+1] = next[i+1] || r == q.char
			case partOne:
				next[i+1] = next[i+1] || r != '.'
			case partMany:
				next[i] = next[i] || r != '.'
			case partAny:
				next[i] = true
			}
		}
		reach, next = next, reach
		p.skip(reach)
	}
	return reach[len(p.parts)]
}

// skip adds what is reached by stars that stand for nothing.
func (p Pattern) skip(reach []bool) {
	for i, q := range p.parts {
		if reach[i] && (q.kind == partMany || q.kind == partAny) {
			reach[i+1] = true
		}
	}
}

func clip(s string) string {
	const most = 128
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
