package client

import (
	"cmp"
	"context"
	"time"

	"github.com/go-webpubsub/webpubsub/client/internal/frame"
	"github.com/go-webpubsub/webpubsub/internal/rule"
)

const (
	// MaxTTL is the maximum of [SendOptions.TTL].
	MaxTTL = rule.MaxTTL

	opSendToGroup = "SendToGroup"
	opSendEvent   = "SendEvent"
)

// SendOptions are the options of a message to a group. Nil and the zero value are
// the defaults.
type SendOptions struct {
	// NoEcho (noEcho) does not deliver the message to the connection that sends it.
	NoEcho bool
	// FireAndForget sends the message without an ack id. The operation returns when
	// the message is queued for sending, and does not report whether it arrives.
	FireAndForget bool
	// AckID (ackId) identifies the message, so that the service does not deliver it
	// again when the caller repeats it. Zero is a new one.
	AckID uint64
	// TTL (ttlSeconds) is the time that the message may wait for a client: whole
	// seconds up to [MaxTTL]. Zero is no limit. The service does not document it
	// yet.
	TTL time.Duration
	// Metadata (metadata) is sent with the message. Names are HTTP tokens of at
	// most 256 bytes, values are printable ASCII of at most 1024 bytes, and the
	// total is at most 8192 bytes. The service does not document it yet.
	Metadata map[string]string
}

// SendToGroup sends a message to a group. The client does not have to be a member.
// It needs the role webpubsub.sendToGroup; otherwise the error is [ErrForbidden].
//
// The client sends the message again, with the same ack id, when the service
// refuses it for a temporary reason ([Options.MessageRetry]) and after a recovery.
// It arrives once. If the connection is lost for good, the error is
// [ErrConnectionLost]; see [Options.RetrySends]. SendToGroup waits while too many
// requests are in flight; see [Options.MaxInFlight].
func (c *Client) SendToGroup(ctx context.Context, group string, data Data, opts *SendOptions) (Result, error) {
	o := valueOf(opts)
	if err := cmp.Or(rule.CheckGroup(group), data.check(), rule.CheckTTL(o.TTL), rule.CheckMetadata(o.Metadata)); err != nil {
		return Result{}, invalid(opSendToGroup, err)
	}
	return c.send(ctx, opSendToGroup, &request{Request: frame.Request{
		Kind: frame.SendToGroup, Name: group, Data: data.d, NoEcho: o.NoEcho, AckID: o.AckID, WantsAck: !o.FireAndForget,
		TTL: uint32(o.TTL / time.Second), Metadata: o.Metadata, //nolint:gosec // rule.CheckTTL limits it
	}})
}

// EventOptions are the options of an event. Nil and the zero value are the
// defaults.
type EventOptions struct {
	// FireAndForget sends the event without an ack id. The operation returns when
	// the event is queued for sending, and does not report whether it is handled.
	FireAndForget bool
	// AckID (ackId) identifies the event, so that the service does not raise it
	// again when the caller repeats it. Zero is a new one.
	AckID uint64
	// Metadata (metadata) is sent with the event; see [SendOptions].
	Metadata map[string]string
}

// SendEvent sends an event to the application's event handler and returns when the
// handler has handled it. The handler's answer is a [ServerMessage], which may
// arrive after SendEvent has returned. [Client.InvokeEvent] returns the answer
// itself.
//
// Events are sent again like messages ([Client.SendToGroup]), except when the
// handler has failed or refused the event (InternalServerError): the service has
// already repeated it where that makes sense.
func (c *Client) SendEvent(ctx context.Context, event string, data Data, opts *EventOptions) (Result, error) {
	o := valueOf(opts)
	if err := cmp.Or(rule.CheckEvent(event), data.check(), rule.CheckMetadata(o.Metadata)); err != nil {
		return Result{}, invalid(opSendEvent, err)
	}
	return c.send(ctx, opSendEvent, &request{Request: frame.Request{
		Kind: frame.SendEvent, Name: event, Data: data.d, AckID: o.AckID, WantsAck: !o.FireAndForget, Metadata: o.Metadata,
	}})
}
