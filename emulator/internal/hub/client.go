package hub

import (
	"fmt"
	"time"

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

// Join is the client's request to join a group. Like the requests below, it gives
// why it was refused, which a client without ack id does not learn.
func (c *Connection) Join(group string, ackID *uint64) error {
	return c.request(ackID, func() *AckError {
		if !c.Allows(role.JoinLeave, group) {
			return forbidden("join", group)
		}
		if c.hub.join(c, group) != nil {
			return &AckError{Name: "BadRequest", Message: fmt.Sprintf("The client is in %d groups, which is the most.", c.hub.MaxGroups)}
		}
		return nil
	})
}

// Leave is the client's request to leave a group.
func (c *Connection) Leave(group string, ackID *uint64) error {
	return c.request(ackID, func() *AckError {
		if !c.Allows(role.JoinLeave, group) {
			return forbidden("leave", group)
		}
		c.hub.leave(c, group)
		return nil
	})
}

// Publish is the client's request to send a message to its group. Being in the
// group is not needed, and being in it allows nothing.
func (c *Connection) Publish(m *Message, noEcho bool, ttl time.Duration, ackID *uint64) error {
	return c.request(ackID, func() *AckError {
		if !c.Allows(role.Send, m.Group) {
			return forbidden("send to", m.Group)
		}
		c.publish(m, noEcho, ttl)
		return nil
	})
}

// publish sends a message whose sender has been found to be allowed.
func (c *Connection) publish(m *Message, noEcho bool, ttl time.Duration) {
	m.FromUserID = c.UserID
	t := Target{Group: m.Group}
	if noEcho {
		t.Excluded = []string{c.ID}
	}
	c.hub.Send(t, m, ttl)
}

func (c *Connection) request(ackID *uint64, do func() *AckError) error {
	if !c.Begin(ackID) {
		return nil
	}
	refused := do()
	c.Finish(ackID, refused)
	if refused != nil {
		return refused
	}
	return nil
}
