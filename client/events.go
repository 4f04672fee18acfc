package client

import (
	"context"

	"github.com/go-webpubsub/webpubsub/client/internal/frame"
)

// ConnectedEvent is a new connection. The groups that the client had joined before are
// joined again by now, unless so many messages have come in the meantime that the
// queue is full ([Options.QueueSize]): then the others are joined beside it.
type ConnectedEvent struct {
	// ConnectionID (connectionId).
	ConnectionID string
	// UserID (userId); empty: none.
	UserID string
}

// RecoveringEvent is a connection that was lost, and is looked for.
type RecoveringEvent struct {
	ConnectionID string
	// Err is how it was lost.
	Err error
}

// RecoveredEvent is a connection that is back, with all messages in between.
type RecoveredEvent struct{ ConnectionID string }

// DisconnectedEvent is a connection that has ended for good.
type DisconnectedEvent struct {
	ConnectionID string
	// Message (message) is what the service said before; often empty.
	Message string
	// CloseCode and CloseReason are those of the service's last close frame; 0 and
	// empty if there was none, as when a network fails or the client stops.
	CloseCode   int
	CloseReason string
	// Err is how it was lost; nil after [Client.Stop].
	Err error
}

// StoppedEvent is the end of the client, until it is started again.
type StoppedEvent struct {
	// Err is why; nil after [Client.Stop].
	Err error
}

// RejoinFailedEvent is a group that a new connection could not join again. The next one
// will try to, unless the client leaves the group ([Client.LeaveGroup]).
type RejoinFailedEvent struct {
	Group string
	Err   error
}

// GroupMessage is a message to a group of the client.
type GroupMessage struct {
	// Group (group).
	Group string
	// FromUserID (fromUserId) is the sender's user; empty: none, as of messages that
	// a server sends.
	FromUserID string
	// Data (dataType, data).
	Data Data
	// Metadata (metadata) that the sender gave; often nil.
	Metadata map[string]string
	// SequenceID (sequenceId) in its connection; 0 without a reliable subprotocol.
	SequenceID uint64

	stream *frame.Stream
}

// ServerMessage is a message to the client itself, its user or all: of a server,
// or the answer to an event.
type ServerMessage struct {
	// Data (dataType, data).
	Data Data
	// Metadata (metadata) that the sender gave; often nil.
	Metadata map[string]string
	// SequenceID (sequenceId) in its connection; 0 without a reliable subprotocol.
	SequenceID uint64
}

// OnConnected registers a callback for new connections, which is called before
// any of their messages are handed out.
func (c *Client) OnConnected(f func(ctx context.Context, ev ConnectedEvent)) (unregister func()) {
	return c.onConnected.add(f)
}

// OnRecovering registers a callback for connections that were lost.
func (c *Client) OnRecovering(f func(ctx context.Context, ev RecoveringEvent)) (unregister func()) {
	return c.onRecovering.add(f)
}

// OnRecovered registers a callback for connections that are back.
func (c *Client) OnRecovered(f func(ctx context.Context, ev RecoveredEvent)) (unregister func()) {
	return c.onRecovered.add(f)
}

// OnDisconnected registers a callback for connections that have ended for good.
func (c *Client) OnDisconnected(f func(ctx context.Context, ev DisconnectedEvent)) (unregister func()) {
	return c.onDisconnected.add(f)
}

// OnStopped registers a callback for the end of the client. It is the last one
// called, with a context that is not ended; it may start the client again.
func (c *Client) OnStopped(f func(ctx context.Context, ev StoppedEvent)) (unregister func()) {
	return c.onStopped.add(f)
}

// OnGroupMessage registers a callback for messages to groups; pieces of streams
// go to [Client.OnGroupStream]. All callbacks get the same message: it must not
// be changed.
func (c *Client) OnGroupMessage(f func(ctx context.Context, m *GroupMessage)) (unregister func()) {
	return c.onGroupMessage.add(f)
}

// OnServerMessage registers a callback for messages to the client itself. All
// callbacks get the same message: it must not be changed.
func (c *Client) OnServerMessage(f func(ctx context.Context, m *ServerMessage)) (unregister func()) {
	return c.onServerMessage.add(f)
}

// OnRejoinFailed registers a callback for groups that a new connection could not
// join again.
func (c *Client) OnRejoinFailed(f func(ctx context.Context, ev RejoinFailedEvent)) (unregister func()) {
	return c.onRejoinFailed.add(f)
}
