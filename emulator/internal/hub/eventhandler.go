package hub

import (
	"context"
	"fmt"
)

// EventHandler is asked and told about clients. Its methods are safe for concurrent
// use and are called without a lock held.
type EventHandler interface {
	// Connect asks whether a client may connect. A nil Decision accepts it as it came.
	Connect(ctx context.Context, h *Hub, in *Handshake) (*Decision, error)
	// Abandoned tells that a client that was accepted did not get its connection. The
	// handler is told the reason; without one its answer was invalid.
	Abandoned(connectionID, reason string)
	// Event delivers a client's message and returns the one for the client, if any.
	Event(ctx context.Context, c *Connection, name string, m *Message) (*Message, error)

	// The rest must not block.
	Connected(c *Connection)
	Joined(c *Connection, group string)
	Left(c *Connection, group string)
	Disconnected(c *Connection, reason string)
}

// Decision is what the event handler says of a client that it accepts. Nil members
// keep what the token says.
type Decision struct {
	UserID      *string // empty: none
	Groups      []string
	Roles       []string
	Subprotocol string
}

// RefusalError is an event handler's refusal, or its failure. The client learns the
// status alone.
type RefusalError struct {
	Status int
	// Text is the beginning of the answer's body, for the log.
	Text string
}

// Error returns the status and the text.
func (r *RefusalError) Error() string {
	s := fmt.Sprintf("the event handler answered %d", r.Status)
	if r.Text != "" {
		s += fmt.Sprintf(": %q", r.Text)
	}
	return s
}
