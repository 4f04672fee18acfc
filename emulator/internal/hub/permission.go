package hub

import (
	"fmt"

	"github.com/go-webpubsub/webpubsub/emulator/internal/role"
)

// forbidden names what a client may not do.
func forbidden(what, group string) *AckError {
	return &AckError{Name: "Forbidden", Message: fmt.Sprintf("The client does not have permission to %s group '%s'.", what, group)}
}

// Allows tells whether the client may do something with a group.
func (c *Connection) Allows(a role.Action, group string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.roles.Allows(a, group)
}

// Grant lets the client do something with one group. It reports false, and changes
// nothing, where the client's permissions have reached [role.MaxGroups].
func (c *Connection) Grant(a role.Action, group string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.roles.Grant(a, group)
}

// Revoke forbids it, whatever roles there are. It reports false, and changes
// nothing, where the client's permissions have reached [role.MaxGroups].
func (c *Connection) Revoke(a role.Action, group string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.roles.Revoke(a, group)
}
