package hub

import (
	"fmt"
	"slices"
	"strings"

	"github.com/go-webpubsub/webpubsub/emulator/internal/role"
	"github.com/go-webpubsub/webpubsub/emulator/internal/trace"
	"github.com/go-webpubsub/webpubsub/internal/rule"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// Claims of tokens that the hub reads.
const (
	claimRole  = "role"
	claimGroup = "webpubsub.group"
)

var userClaims = [...]string{"sub", "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier"}

// Handshake is what a client has said and shown before it is connected.
type Handshake struct {
	ConnectionID string
	// Preferred is the offered subprotocol that the client gets unless the event handler
	// chooses. Empty: none.
	Preferred string
	wire.ConnectRequest
}

// UserID returns the user that the token names, nil if there is none. The empty id is
// one like any other.
func (in *Handshake) UserID() *string {
	for _, claim := range userClaims {
		if v := in.Claims[claim]; len(v) > 0 {
			return &v[0]
		}
	}
	return nil
}

// Client is what has been agreed about a client when it connects.
type Client struct {
	ID          string
	UserID      *string
	Subprotocol string
	Roles       role.Set
	Groups      []string
}

// TokenError is about a token with invalid content. The client may see it.
type TokenError struct{ reason string }

// Error returns what is wrong.
func (e *TokenError) Error() string { return e.reason }

// Accept asks the event handler about a client and returns what is agreed: what the
// token says, changed by the answer. The error is a [TokenError], a [RefusalError], or
// one of a handler that did not answer or whose answer is invalid. The caller connects
// the client, or calls [Hub.Abandon].
func (h *Hub) Accept(in *Handshake) (*Client, error) {
	groups := in.Claims[claimGroup]
	if slices.ContainsFunc(groups, func(g string) bool { return !rule.IsGroup(g) }) {
		return nil, &TokenError{"The token contains an invalid group name."}
	}
	if err := h.checkGroups("token", groups); err != nil {
		return nil, &TokenError{err.Error()}
	}
	// The answer counts even if the client does not wait for it, so the request lasts
	// as long as the hub, not the client.
	decision, err := h.hubs.Events.Connect(h.hubs.ctx, h, in)
	if err != nil {
		return nil, err
	}
	if decision == nil {
		decision = new(Decision)
	}
	out, err := h.agree(in, decision)
	if err != nil {
		h.Abandon(in.ConnectionID, "")
		return nil, err
	}
	return out, nil
}

// Abandon tells the event handler that an accepted client did not get its connection.
func (h *Hub) Abandon(connectionID, reason string) {
	h.hubs.Events.Abandoned(connectionID, reason)
}

// agree lays the decision over what the token says.
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
	h.hubs.roles.warn(h.hubs.ctx, h.hubs.Trace, id, roles)
	var err error
	if out.Roles, err = role.Parse(roles); err != nil {
		return nil, err
	}
	if out.Subprotocol, err = in.choose(decision.Subprotocol); err != nil {
		return nil, err
	}
	if err := h.checkGroups("answer to connect", out.Groups); err != nil {
		return nil, err
	}
	if n := out.Roles.LeftOut(); n > 0 {
		trace.Emit(h.hubs.ctx, h.hubs.Trace, trace.RolesLeftOut{Client: id, Count: n,
			Reason: fmt.Sprintf("a client has at most %d patterns and %d single groups to send to, and as many to join and leave", role.MaxPatterns, role.MaxGroups)})
	}
	if out.Subprotocol == "" && len(in.Subprotocols) > 0 {
		trace.Emit(h.hubs.ctx, h.hubs.Trace, trace.NoSubprotocol{Client: id,
			Reason: fmt.Sprintf("none of %.256q is served, and no event handler has chosen one", in.Subprotocols)})
	}
	return out, nil
}

// choose returns the subprotocol in the client's own spelling.
func (in *Handshake) choose(chosen string) (string, error) {
	if chosen == "" {
		return in.Preferred, nil
	}
	for _, name := range in.Subprotocols {
		if strings.EqualFold(name, chosen) {
			return name, nil
		}
	}
	return "", fmt.Errorf("the connect event handler selected unrequested subprotocol '%s'", chosen)
}

// checkGroups checks the number of a client's first groups, each counted once.
func (h *Hub) checkGroups(source string, groups []string) error {
	most := h.hubs.MaxGroups
	if len(groups) > most && len(slices.Compact(slices.Sorted(slices.Values(groups)))) > most {
		return fmt.Errorf("the %s has more than %d groups", source, most)
	}
	return nil
}
