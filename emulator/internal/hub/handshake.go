package hub

import (
	"fmt"
	"slices"
	"strings"

	"github.com/go-webpubsub/webpubsub/emulator/internal/role"
	"github.com/go-webpubsub/webpubsub/emulator/internal/trace"
	"github.com/go-webpubsub/webpubsub/internal/rule"
)

// Claims of tokens.
const (
	claimRole  = "role"
	claimGroup = "webpubsub.group"
)

var userClaims = [...]string{"sub", "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier"}

// Handshake describes a client that wants to connect. The transport has verified its
// token.
type Handshake struct {
	ConnectionID string
	// Preferred is the offered subprotocol that is used unless the event handler selects
	// one. Empty means none.
	Preferred    string
	Claims       map[string][]string
	Query        map[string][]string // without the token
	Headers      map[string][]string // without the token
	Subprotocols []string            // offered
}

// UserID returns the user id of the token, which may be empty, or nil.
func (in *Handshake) UserID() *string {
	for _, claim := range userClaims {
		if v := in.Claims[claim]; len(v) > 0 {
			return &v[0]
		}
	}
	return nil
}

// Identity returns the client for records.
func (in *Handshake) Identity(hubName string) trace.Client {
	return identity(hubName, in.ConnectionID, in.UserID())
}

// Client describes an accepted client.
type Client struct {
	ID          string
	UserID      *string
	Subprotocol string
	Roles       role.Set
	Groups      []string
}

// TokenError reports a token with an invalid user id or group. It may be shown to the client.
type TokenError struct{ reason string }

// Error returns the reason.
func (e *TokenError) Error() string { return e.reason }

// Accept sends the connect event and returns the client that the token and the event
// handler's answer describe. The error is a [TokenError], a [RefusalError], or reports that
// there is no answer or an invalid one. For the client, the transport calls either
// [Hub.Connect] or [EventHandler].Abandoned.
func (h *Hub) Accept(in *Handshake) (*Client, error) {
	if id := in.UserID(); id != nil && rule.CheckUser(*id) != nil {
		return nil, &TokenError{"The token contains an invalid user id."}
	}
	groups := in.Claims[claimGroup]
	if slices.ContainsFunc(groups, func(g string) bool { return rule.AcceptGroup(g) != nil }) {
		return nil, &TokenError{"The token contains an invalid group name."}
	}
	if err := h.checkGroups("token", groups); err != nil {
		return nil, &TokenError{err.Error()}
	}
	// A client that stops waiting does not cancel the event.
	decision, err := h.Events.Connect(h.hubs.ctx, h, in)
	if err != nil {
		return nil, err
	}
	if decision == nil {
		decision = new(Decision)
	}
	out, err := h.agree(in, decision)
	if err != nil {
		h.Events.Abandoned(in.ConnectionID, "")
		return nil, err
	}
	return out, nil
}

// agree applies a decision to the client that the token describes.
func (h *Hub) agree(in *Handshake, decision *Decision) (*Client, error) {
	out := &Client{ID: in.ConnectionID, UserID: in.UserID(), Groups: in.Claims[claimGroup]}
	roles := in.Claims[claimRole]
	if id := decision.UserID; id != nil {
		if out.UserID = id; *id == "" {
			out.UserID = nil
		}
	}
	if len(decision.Groups) > 0 {
		out.Groups = decision.Groups
	}
	if decision.Roles != nil {
		roles = decision.Roles
	}
	id := identity(h.Name, out.ID, out.UserID)
	h.hubs.roles.warn(h.hubs.ctx, h.Trace, id, roles)
	var err error
	if out.Roles, err = role.Parse(roles); err != nil {
		return nil, err
	}
	if out.Subprotocol, err = in.negotiate(decision.Subprotocol); err != nil {
		return nil, err
	}
	if err := h.checkGroups("answer to connect", out.Groups); err != nil {
		return nil, err
	}
	if n := out.Roles.LeftOut(); n > 0 {
		trace.Emit(h.hubs.ctx, h.Trace, trace.ClientRecord{Kind: trace.KindRolesLeftOut, Client: id, LeftOut: n,
			Reason: fmt.Sprintf("a client has at most %d patterns and %d single groups for each permission", role.MaxPatterns, role.MaxGroups)})
	}
	if out.Subprotocol == "" && len(in.Subprotocols) > 0 {
		trace.Emit(h.hubs.ctx, h.Trace, trace.ClientRecord{Kind: trace.KindNoSubprotocol, Client: id,
			Reason: fmt.Sprintf("none of %.256q is served, and no event handler has chosen one", in.Subprotocols)})
	}
	return out, nil
}

// negotiate returns the subprotocol as the client spells it. selected is the event
// handler's; empty means none.
func (in *Handshake) negotiate(selected string) (string, error) {
	if selected == "" {
		return in.Preferred, nil
	}
	i := slices.IndexFunc(in.Subprotocols, func(name string) bool { return strings.EqualFold(name, selected) })
	if i < 0 {
		return "", fmt.Errorf("the connect event handler selected unrequested subprotocol '%s'", selected)
	}
	return in.Subprotocols[i], nil
}

// checkGroups checks the number of a client's first groups. Duplicates count once.
func (h *Hub) checkGroups(source string, groups []string) error {
	most := h.MaxGroups
	if len(groups) > most && len(slices.Compact(slices.Sorted(slices.Values(groups)))) > most {
		return fmt.Errorf("the %s has more than %d groups", source, most)
	}
	return nil
}
