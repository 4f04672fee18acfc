package client

import (
	"cmp"
	"context"
	"time"

	"github.com/go-webpubsub/webpubsub/client/internal/frame"
)

const (
	opSendToGroup = "SendToGroup"
	opSendEvent   = "SendEvent"
)

// SendOptions of a message to a group. Nil and the zero value are the defaults.
type SendOptions struct {
	// NoEcho (noEcho) keeps the message from the connection that sends it.
	NoEcho bool
	// FireAndForget asks for no ack: the operation returns when the message is on
	// its way, and nobody tells whether it arrives.
	FireAndForget bool
	// AckID (ackId) by which the service knows the message again, if the caller
	// repeats it. Zero: a new one.
	AckID uint64
	// TTL (ttlSeconds) is how long the message may wait for a client: whole seconds
	// up to [MaxTTL]. Zero: the service never drops it for its age. The service's
	// documentation does not mention it yet.
	TTL time.Duration
	// Metadata (metadata) travels with the message. Names are HTTP tokens of at most
	// 256 bytes, values printable ASCII of at most 1024, 8192 bytes in all. The
	// service's documentation does not mention it yet.
	Metadata map[string]string
}

// SendToGroup sends a message to a group, in which the client need not be. For
// this it needs the role webpubsub.sendToGroup; without, the error is
// [ErrForbidden].
//
// A message is sent again, under the same ack id, when the service refuses it for
// a reason that may pass ([Options.MessageRetry]), and when the connection was
// recovered in between: it arrives once. If the connection was lost for good, the
// error is [ErrConnectionLost]; see [Options.RetrySends]. While too many requests
// wait for their acks, SendToGroup waits before it sends; see [Options.MaxInFlight].
func (c *Client) SendToGroup(ctx context.Context, group string, data Data, opts *SendOptions) (Result, error) {
	o := valueOf(opts)
	if err := cmp.Or(checkGroup(group), data.check(), checkTTL(o.TTL), checkMetadata(o.Metadata)); err != nil {
		return Result{}, invalid(opSendToGroup, err)
	}
	return c.send(ctx, opSendToGroup, &request{Request: frame.Request{
		Kind: frame.SendToGroup, Name: group, Data: data.d, NoEcho: o.NoEcho, AckID: o.AckID, WantsAck: !o.FireAndForget,
		TTL: uint32(o.TTL / time.Second), Metadata: o.Metadata,
	}})
}

// EventOptions of an event. Nil and the zero value are the defaults.
type EventOptions struct {
	// FireAndForget asks for no ack: the operation returns when the event is on its
	// way, and nobody tells whether it is handled.
	FireAndForget bool
	// AckID (ackId) by which the service knows the event again, if the caller repeats
	// it. Zero: a new one.
	AckID uint64
	// Metadata (metadata) travels with the event; see [SendOptions].
	Metadata map[string]string
}

// SendEvent sends an event to the application's event handler, and returns when it
// has been handled. What the handler answers is a [ServerMessage], which callbacks
// may get after the operation has returned; [Client.InvokeEvent] gives the answer
// itself.
//
// Events are sent again as [Client.SendToGroup] says, but not when the handler has
// refused one or failed, which the service calls InternalServerError: it has itself
// repeated what may pass, and the handler would do all of it once more.
func (c *Client) SendEvent(ctx context.Context, event string, data Data, opts *EventOptions) (Result, error) {
	o := valueOf(opts)
	if err := cmp.Or(checkEvent(event), data.check(), checkMetadata(o.Metadata)); err != nil {
		return Result{}, invalid(opSendEvent, err)
	}
	return c.send(ctx, opSendEvent, &request{Request: frame.Request{
		Kind: frame.SendEvent, Name: event, Data: data.d, AckID: o.AckID, WantsAck: !o.FireAndForget, Metadata: o.Metadata,
	}})
}
