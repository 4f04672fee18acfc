package hub

import (
	"context"
	"fmt"

	"github.com/go-webpubsub/webpubsub/emulator/internal/trace"
)

// EventHandler receives the events of clients. Its methods must be safe for concurrent
// use.
type EventHandler interface {
	// Connect decides whether a client may connect. A nil Decision changes nothing.
	Connect(ctx context.Context, h *Hub, in *Handshake) (*Decision, error)
	// Abandoned reports that an accepted client was not connected. An empty reason means
	// that the Decision was invalid.
	Abandoned(connectionID, reason string)
	// Event handles a user event and returns the message for the client, or nil.
	Event(ctx context.Context, c *Connection, name string, m *Message) (*Message, error)

	// Notifications; they must not block. The cause is zero unless a REST call has raised
	// the event.
	Connected(c *Connection)
	Joined(c *Connection, group string, cause trace.Context)
	Left(c *Connection, group string, cause trace.Context)
	Disconnected(c *Connection, reason string, cause trace.Context)
}

// Decision is the answer to a connect event. Nil fields keep the token's values.
type Decision struct {
	UserID      *string // empty: no user id
	Groups      []string
	Roles       []string
	Subprotocol string
}

// RefusalError is an event handler's answer that is not a success. The client sees only
// the status.
type RefusalError struct {
	Status int
	Text   string // beginning of the body, for the log
}

// Error returns the status and the text.
func (r *RefusalError) Error() string {
	s := fmt.Sprintf("the event handler answered %d", r.Status)
	if r.Text != "" {
		s += fmt.Sprintf(": %q", r.Text)
	}
	return s
}
