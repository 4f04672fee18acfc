package client

import (
	"context"

	"github.com/go-webpubsub/webpubsub/client/internal/frame"
)

// ConnectedEvent is a new connection. The client has rejoined its groups by now. If
// so many messages have arrived meanwhile that the queue is full
// ([Options.QueueSize]), it rejoins the remaining ones later.
type ConnectedEvent struct {
	// ConnectionID (connectionId) is the id of the connection.
	ConnectionID string
	// UserID (userId) is empty if there is none.
	UserID string
}

// RecoveringEvent is a lost connection that the client is trying to recover.
type RecoveringEvent struct {
	// ConnectionID is the id of the connection.
	ConnectionID string
	// Err is the cause of the loss.
	Err error
}

// RecoveredEvent is a recovered connection. No message was lost.
type RecoveredEvent struct{ ConnectionID string }

// DisconnectedEvent is the end of a connection that is not recovered.
type DisconnectedEvent struct {
	// ConnectionID is the id of the connection.
	ConnectionID string
	// Message (message) is that of the service's disconnected message; often empty.
	Message string
	// CloseCode and CloseReason are those of the service's last close frame. They
	// are 0 and empty without one, as when the network fails or the client stops.
	CloseCode   int
	CloseReason string
	// Err is the cause of the loss; nil after [Client.Stop].
	Err error
}

// StoppedEvent is the end of the client, until it is started again.
type StoppedEvent struct {
	// Err is the cause; nil after [Client.Stop].
	Err error
}

// RejoinFailedEvent is a group that a new connection could not rejoin, or whose state
// it could not set again or subscribe to. The next connection tries again, unless
// [Client.LeaveGroup] is called.
type RejoinFailedEvent struct {
	// Group is the name of the group.
	Group string
	// Err is the cause, an [*Error].
	Err error
}

// GroupMessage is a message to a group of the client.
type GroupMessage struct {
	// Group (group) is the name of the group.
	Group string
	// FromUserID (fromUserId) is the user of the sender. It is empty if there is
	// none, as in messages from a server, and over the protobuf subprotocols, which do
	// not name it.
	FromUserID string
	// Data (dataType, data) is the payload.
	Data Data
	// Metadata (metadata) was set by the sender; often nil.
	Metadata map[string]string
	// SequenceID (sequenceId) is 0 without a reliable subprotocol.
	SequenceID uint64

	stream *frame.Stream
}

// ServerMessage is a message to the client itself, to its user or to all clients.
// It comes from a server, or answers an event.
type ServerMessage struct {
	// Data (dataType, data) is the payload.
	Data Data
	// Metadata (metadata) was set by the sender; often nil.
	Metadata map[string]string
	// SequenceID (sequenceId) is 0 without a reliable subprotocol.
	SequenceID uint64
}

// OnConnected registers a callback for new connections. It is called before any
// message of the connection is delivered.
func (c *Client) OnConnected(f func(ctx context.Context, ev ConnectedEvent)) (unregister func()) {
	return c.onConnected.add(f)
}

// OnRecovering registers a callback for lost connections that may be recovered.
func (c *Client) OnRecovering(f func(ctx context.Context, ev RecoveringEvent)) (unregister func()) {
	return c.onRecovering.add(f)
}

// OnRecovered registers a callback for recovered connections.
func (c *Client) OnRecovered(f func(ctx context.Context, ev RecoveredEvent)) (unregister func()) {
	return c.onRecovered.add(f)
}

// OnDisconnected registers a callback for connections that have ended.
func (c *Client) OnDisconnected(f func(ctx context.Context, ev DisconnectedEvent)) (unregister func()) {
	return c.onDisconnected.add(f)
}

// OnStopped registers a callback for the end of the client. It is called last, with
// a context that does not end. It may start the client again.
func (c *Client) OnStopped(f func(ctx context.Context, ev StoppedEvent)) (unregister func()) {
	return c.onStopped.add(f)
}

// OnGroupMessage registers a callback for group messages. Pieces of streams go to
// [Client.OnGroupStream]. All callbacks share the message and must not change it.
func (c *Client) OnGroupMessage(f func(ctx context.Context, m *GroupMessage)) (unregister func()) {
	return c.onGroupMessage.add(f)
}

// OnServerMessage registers a callback for messages to the client itself. All
// callbacks share the message and must not change it.
func (c *Client) OnServerMessage(f func(ctx context.Context, m *ServerMessage)) (unregister func()) {
	return c.onServerMessage.add(f)
}

// OnRejoinFailed registers a callback for groups that could not be rejoined.
func (c *Client) OnRejoinFailed(f func(ctx context.Context, ev RejoinFailedEvent)) (unregister func()) {
	return c.onRejoinFailed.add(f)
}
