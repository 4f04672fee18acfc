package rule

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/go-webpubsub/webpubsub/internal/excerpt"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// The roles that a client may have in any group. With a dot and a name behind
// them they are for one group; with "s.", for all groups that a pattern matches.
const (
	RoleJoinLeave = "webpubsub.joinLeaveGroup"
	RoleSend      = "webpubsub.sendToGroup"
)

// maxPatternStars is how many stars a pattern can have. Each star of ** counts.
const maxPatternStars = 5

// RoleScope is which groups a role is for.
type RoleScope uint8

// The scopes.
const (
	NoRole        RoleScope = iota // not a role of the service
	AnyGroup                       // webpubsub.sendToGroup
	OneGroup                       // webpubsub.sendToGroup.<group>
	GroupsMatched                  // webpubsub.sendToGroups.<pattern>
)

// Role is a role of a client, taken apart.
type Role struct {
	Scope RoleScope
	Send  bool   // else it is for joining and leaving
	Name  string // of the group, or the pattern
}

// ParseRole takes a role apart. The error of one that the service would not know
// shows it, the rule and the role that was probably meant. If its form is known
// and its name or pattern is wrong, the Role has its scope all the same.
func ParseRole(s string) (Role, error) {
	for _, kind := range [...]string{RoleJoinLeave, RoleSend} {
		rest, ok := strings.CutPrefix(s, kind)
		if !ok {
			continue
		}
		r := Role{Send: kind == RoleSend}
		if rest == "" {
			r.Scope = AnyGroup
			return r, nil
		}
		var err error
		if r.Name, ok = strings.CutPrefix(rest, "."); ok {
			r.Scope, err = OneGroup, checkGroup(r.Name)
		} else if r.Name, ok = strings.CutPrefix(rest, "s."); ok {
			r.Scope, err = GroupsMatched, checkPattern(r.Name)
		} else {
			continue
		}
		if err != nil {
			return r, fmt.Errorf("role %s: %w", excerpt.Name(s), err)
		}
		return r, nil
	}
	if meant := nearestRole(s); meant != "" {
		return Role{}, fmt.Errorf("role %s is none of the service's, which ignores it; did you mean %s?", excerpt.Name(s), excerpt.Name(meant))
	}
	return Role{}, fmt.Errorf("role %s is none of the service's, which ignores it; want %s or %s, alone for any group, with .<group> for one, or with s.<pattern> for several",
		excerpt.Name(s), RoleJoinLeave, RoleSend)
}

// CheckRoles returns the error of the first role that is none of the service's,
// with its place in a field of the name Roles and the way around.
func CheckRoles(roles []string) error {
	for i, role := range roles {
		if _, err := ParseRole(role); err != nil {
			return fmt.Errorf("Roles[%d]: %w (roles that are not the service's go into RawRoles)", i, err)
		}
	}
	return nil
}

// CheckRawRoles returns an error for a raw role that could not be sent.
func CheckRawRoles(roles []string) error {
	for i, role := range roles {
		if strings.TrimSpace(role) == "" || !utf8.ValidString(role) {
			return fmt.Errorf("RawRoles[%d] is %s, want a role that is not blank, in UTF-8", i, excerpt.Name(role))
		}
	}
	return nil
}

func checkGroup(name string) error {
	if !IsGroup(name) {
		return fmt.Errorf("want a group of 1 to %d characters after the dot, not blank", wire.MaxGroupName)
	}
	return nil
}

// checkPattern holds a pattern to the rules for wildcard roles.
func checkPattern(text string) error {
	if !IsGroup(text) { // a pattern is as long as a name at most
		return fmt.Errorf("want a pattern of 1 to %d characters after the dot, not blank", wire.MaxGroupName)
	}
	stars := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '*':
			stars++
		case '\\':
			if i++; i == len(text) || strings.IndexByte(`\*?`, text[i]) < 0 {
				return errors.New(`pattern has a backslash before something else than \, * or ?`)
			}
		}
	}
	if stars > maxPatternStars {
		return fmt.Errorf("pattern has %d stars, want at most %d", stars, maxPatternStars)
	}
	return nil
}

// nearestRole guesses the role of the service that was meant, empty if s is like
// none: the roles of other systems are in the same claim of a token.
func nearestRole(s string) string {
	text := strings.TrimSpace(s)
	const prefix = "webpubsub"
	if len(text) > len(prefix) && strings.EqualFold(text[:len(prefix)], prefix) && strings.IndexByte(".:/_- ", text[len(prefix)]) >= 0 {
		text = text[len(prefix)+1:]
	}
	action, name := text, ""
	if i := strings.IndexAny(text, ".:/ "); i >= 0 {
		action, name = text[:i], text[i+1:]
	}
	var meant string
	switch lower := strings.ToLower(action); {
	case strings.Contains(lower, "join"), strings.Contains(lower, "leave"):
		meant = RoleJoinLeave
	case strings.Contains(lower, "send"), strings.Contains(lower, "publish"), strings.HasSuffix(lower, "togroup"), strings.HasSuffix(lower, "togroups"):
		meant = RoleSend
	default:
		return ""
	}
	if name == "" {
		return meant
	}
	check, dot := checkGroup, "."
	if strings.ContainsAny(name, "*?") {
		check, dot = checkPattern, "s."
	}
	if check(name) != nil {
		return meant
	}
	return meant + dot + name
}
