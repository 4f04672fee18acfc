package hub

import (
	"fmt"

	"github.com/go-webpubsub/webpubsub/emulator/internal/role"
	"github.com/go-webpubsub/webpubsub/emulator/internal/trace"
)

func forbidden(what, group string) *RequestError {
	return &RequestError{Name: "Forbidden", Message: fmt.Sprintf("The client does not have permission to %s group '%s'.", what, group)}
}

// Allows reports whether the client has the permission for a group.
func (c *Connection) Allows(a role.Action, group string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.roles.Allows(a, group)
}

// Grant grants the client the permission for one group. It reports false, and changes
// nothing, if the client would exceed [role.MaxGroups].
func (c *Connection) Grant(a role.Action, group string) bool {
	c.mu.Lock()
	granted := c.roles.Grant(a, group)
	c.mu.Unlock()
	if granted {
		c.recordPermission(trace.KindPermissionGranted, a, group)
	}
	return granted
}

// Revoke revokes the permission for one group, even if a role grants it. It reports
// false, and changes nothing, if the client would exceed [role.MaxGroups].
func (c *Connection) Revoke(a role.Action, group string) bool {
	c.mu.Lock()
	revoked := c.roles.Revoke(a, group)
	c.mu.Unlock()
	if revoked {
		c.recordPermission(trace.KindPermissionRevoked, a, group)
	}
	return revoked
}

func (c *Connection) recordPermission(kind trace.Kind, a role.Action, group string) {
	trace.Emit(c.ctx, c.hub.Trace, trace.PermissionChange{Client: c.Identity(), Kind: kind, Permission: a.String(), Group: group})
}
