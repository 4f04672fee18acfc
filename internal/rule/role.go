package rule

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/go-webpubsub/webpubsub/internal/excerpt"
	"github.com/go-webpubsub/webpubsub/internal/glob"
)

// The roles of a client in any group. With a dot and a group name after it, a role
// is for one group. With "s." and a pattern, the first two are for the groups that it
// matches.
//
// Source: Roles; Wildcards. The roles of group state are those with which Microsoft's
// chat packages make tokens; Emulator, LogicalConnection, has them for one group.
const (
	RoleJoinLeave = "webpubsub.joinLeaveGroup"
	RoleSend      = "webpubsub.sendToGroup"
	RoleGetState  = "webpubsub.getGroupState"
	RoleSetState  = "webpubsub.setGroupState"
)

// Action is what a role permits.
type Action uint8

// The actions.
const (
	JoinLeave Action = iota
	Send
	GetState // subscribe to the states of a group
	SetState // set the client's own state in a group
)

// Actions is the number of actions.
const Actions = 4

var roleNames = [Actions]string{JoinLeave: RoleJoinLeave, Send: RoleSend, GetState: RoleGetState, SetState: RoleSetState}

// String returns the name of the action, as in a role and in the REST API: sendToGroup.
func (a Action) String() string { return strings.TrimPrefix(roleNames[a], "webpubsub.") }

// patterns reports whether a role can permit the action in groups by pattern.
func (a Action) patterns() bool { return a == JoinLeave || a == Send }

// maxPatternStars is how many stars a pattern can have. Each star of ** counts.
//
// Source: Wildcards; Emulator, WebPubSubNameValidator.IsValidPattern, which also
// limits a pattern to 1024 characters.
const maxPatternStars = 5

// RoleScope is the kind of groups that a role is for.
type RoleScope uint8

// The scopes.
const (
	NoRole        RoleScope = iota // not a role of the service
	AnyGroup                       // webpubsub.sendToGroup
	OneGroup                       // webpubsub.sendToGroup.<group>
	GroupsMatched                  // webpubsub.sendToGroups.<pattern>
)

// Role is a parsed role of a client.
type Role struct {
	Scope   RoleScope
	Action  Action
	Name    string       // of the group, or the text of the pattern
	Pattern glob.Pattern // for the scope GroupsMatched
}

// ParseRole parses a role. The error of a role that the service ignores suggests
// the role that was probably meant. If only the group or the pattern of a role is
// invalid, ParseRole returns its scope with the error.
func ParseRole(s string) (Role, error) {
	for action, kind := range roleNames {
		rest, ok := strings.CutPrefix(s, kind)
		if !ok {
			continue
		}
		r := Role{Action: Action(action)}
		if rest == "" {
			r.Scope = AnyGroup
			return r, nil
		}
		var err error
		if r.Name, ok = strings.CutPrefix(rest, "."); ok {
			r.Scope, err = OneGroup, AcceptGroup(r.Name)
		} else if r.Name, ok = strings.CutPrefix(rest, "s."); ok && r.Action.patterns() {
			r.Scope = GroupsMatched
			r.Pattern, err = parsePattern(r.Name)
		} else {
			continue
		}
		if err != nil {
			return r, fmt.Errorf("role %s: %w", excerpt.Name(s), err)
		}
		return r, nil
	}
	if meant := nearestRole(s); meant != "" {
		return Role{}, fmt.Errorf("role %s is unknown to the service, which ignores it; did you mean %s?", excerpt.Name(s), excerpt.Name(meant))
	}
	return Role{}, fmt.Errorf("role %s is unknown to the service, which ignores it; want %s, %s, %s or %s, alone for any group or with .<group> for one; the first two with s.<pattern> for several",
		excerpt.Name(s), RoleJoinLeave, RoleSend, RoleGetState, RoleSetState)
}

// CheckRoles returns an error for the first role that is not the service's, or
// whose group is not accepted by [CheckGroup]. The error names the element of a
// field called Roles.
func CheckRoles(roles []string) error {
	for i, text := range roles {
		r, err := ParseRole(text)
		if err == nil && r.Scope == OneGroup {
			err = CheckGroup(r.Name)
		}
		if err != nil {
			return fmt.Errorf("Roles[%d]: %w (put roles of your own into RawRoles)", i, err)
		}
	}
	return nil
}

// CheckRawRoles returns an error for the first role that is blank or not UTF-8.
func CheckRawRoles(roles []string) error {
	for i, role := range roles {
		if strings.TrimSpace(role) == "" || !utf8.ValidString(role) {
			return fmt.Errorf("RawRoles[%d] is %s, want a role that is not blank, in UTF-8", i, excerpt.Name(role))
		}
	}
	return nil
}

// parsePattern parses the pattern of a role.
func parsePattern(text string) (glob.Pattern, error) {
	if !isGroup(text) { // it could match no group
		return glob.Pattern{}, fmt.Errorf("pattern %s: want 1 to %d characters of UTF-8, not blank", excerpt.Name(text), MaxGroup)
	}
	p, err := glob.Parse(text)
	if err != nil {
		return glob.Pattern{}, err
	}
	if n := p.Stars(); n > maxPatternStars {
		return glob.Pattern{}, fmt.Errorf("pattern has %d stars, want at most %d", n, maxPatternStars)
	}
	return p, nil
}

// nearestRole returns the role of the service that was probably meant, or an empty
// string: the same claim of a token holds roles of other systems.
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
	case strings.Contains(lower, "groupstate"):
		if strings.ContainsAny(name, "*?") {
			return "" // there are no patterns
		}
		if meant = RoleGetState; strings.Contains(lower, "set") {
			meant = RoleSetState
		}
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
	dot := "."
	if strings.ContainsAny(name, "*?") {
		dot = "s."
	}
	if role := meant + dot + name; CheckRoles([]string{role}) == nil {
		return role
	}
	return meant
}
