package client

import (
	"cmp"
	"context"
	"sync"
	"time"

	"github.com/go-webpubsub/webpubsub/client/internal/frame"
)

// Names of operations in errors.
const (
	opJoinGroup   = "JoinGroup"
	opLeaveGroup  = "LeaveGroup"
	opSendToGroup = "SendToGroup"
	opSendEvent   = "SendEvent"
)

// GroupOptions of joining and leaving a group. Nil and the zero value are the
// defaults.
type GroupOptions struct {
	// AckID (ackId) by which the service knows the request again, if the caller
	// repeats it. Zero: a new one.
	AckID uint64
}

// JoinGroup makes the connection a member of a group, and each new connection
// after it. For this the client needs the role webpubsub.joinLeaveGroup, if the
// group is not one of its token's. To be in the group already is no error.
//
// Requests to join or leave the same group are sent one at a time. Each waits until
// the one before it is answered. A new connection that rejoins the group takes its
// turn as well.
func (c *Client) JoinGroup(ctx context.Context, group string, opts *GroupOptions) (Result, error) {
	r := &request{harmless: true, done: func() { c.joined(group) }}
	r.Kind, r.Name = frame.JoinGroup, group
	return c.membership(ctx, opJoinGroup, r, opts)
}

// LeaveGroup ends what [Client.JoinGroup] began, or the client's token. Not to be
// in the group is no error. Once LeaveGroup returns nil, the connection is not a
// member, and the client does not rejoin the group. Messages that arrived before may
// still wait for their callbacks.
func (c *Client) LeaveGroup(ctx context.Context, group string, opts *GroupOptions) (Result, error) {
	r := &request{harmless: true}
	r.Kind, r.Name = frame.LeaveGroup, group
	return c.membership(ctx, opLeaveGroup, r, opts)
}

func (c *Client) membership(ctx context.Context, operation string, r *request, opts *GroupOptions) (Result, error) {
	group := r.Name
	if err := checkGroup(group); err != nil {
		return Result{}, invalid(operation, err)
	}
	if opts != nil {
		r.AckID = opts.AckID
	}
	if err := c.turns.take(ctx, group); err != nil {
		return Result{}, fail(operation, err)
	}
	defer c.turns.pass(group)
	left := r.Kind == frame.LeaveGroup && c.leaves(group) // from now on it is not rejoined
	result, err := c.do(ctx, r)
	if err != nil && left {
		c.joined(group)
	}
	return result, wrap(operation, err)
}

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
	var o SendOptions
	if opts != nil {
		o = *opts
	}
	r := new(request)
	r.Kind, r.Name = frame.SendToGroup, group
	r.NoEcho, r.AckID, r.Metadata = o.NoEcho, o.AckID, o.Metadata
	var dataErr, ttlErr error
	r.Data, dataErr = data.sendable(false)
	r.TTL, ttlErr = checkTTL(o.TTL)
	if err := cmp.Or(checkGroup(group), dataErr, ttlErr, checkMetadata(o.Metadata)); err != nil {
		return Result{}, invalid(opSendToGroup, err)
	}
	return c.send(ctx, opSendToGroup, r, o.FireAndForget)
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
	var o EventOptions
	if opts != nil {
		o = *opts
	}
	r := new(request)
	r.Kind, r.Name = frame.SendEvent, event
	r.AckID, r.Metadata = o.AckID, o.Metadata
	var dataErr error
	r.Data, dataErr = data.sendable(false)
	if err := cmp.Or(checkEvent(event), dataErr, checkMetadata(o.Metadata)); err != nil {
		return Result{}, invalid(opSendEvent, err)
	}
	return c.send(ctx, opSendEvent, r, o.FireAndForget)
}

func (c *Client) send(ctx context.Context, operation string, r *request, forget bool) (Result, error) {
	send := c.do
	if forget {
		send = c.forget
	}
	result, err := send(ctx, r)
	return result, wrap(operation, err)
}

// maxRejoining is how many groups are joined again at a time.
const maxRejoining = 32

// rejoin makes a new connection a member of the client's groups, and closes ready
// when that is done.
func (s *session) rejoin(conn *connection, ready chan struct{}) {
	groups := s.c.joinedGroups()
	if s.c.opts.DisableAutoRejoin || len(groups) == 0 {
		close(ready)
		return
	}
	s.background.Go(func() {
		defer close(ready)
		failures := make([]error, len(groups))
		var all sync.WaitGroup
		room := make(chan struct{}, maxRejoining)
		for i, group := range groups {
			room <- struct{}{}
			all.Go(func() {
				defer func() { <-room }()
				failures[i] = s.rejoinGroup(conn, group)
			})
		}
		all.Wait()
		for i, err := range failures {
			if err != nil && !isLoss(err) {
				raise(s, &s.c.onRejoinFailed, RejoinFailedEvent{Group: groups[i], Err: fail(opJoinGroup, err)})
			}
		}
	})
}

func (s *session) rejoinGroup(conn *connection, group string) error {
	if err := s.c.turns.take(s.ctx, group); err != nil {
		return err
	}
	defer s.c.turns.pass(group)
	if !s.c.isJoined(group) {
		return nil // it was left meanwhile
	}
	r := &request{harmless: true, only: conn}
	r.Kind, r.Name = frame.JoinGroup, group
	_, err := s.do(s.ctx, r)
	return err
}
