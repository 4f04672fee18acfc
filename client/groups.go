package client

import (
	"context"
	"errors"
	"sync"

	"github.com/go-webpubsub/webpubsub/client/internal/frame"
	"github.com/go-webpubsub/webpubsub/internal/rule"
)

const (
	opJoinGroup  = "JoinGroup"
	opLeaveGroup = "LeaveGroup"

	// maxRejoining is the number of groups that are rejoined at the same time.
	maxRejoining = 32
)

// GroupOptions are the options of joining and leaving a group. Nil and the zero
// value are the defaults.
type GroupOptions struct {
	// AckID (ackId) identifies the request, so that the service does not carry it
	// out again when the caller repeats it. Zero is a new one.
	AckID uint64
}

// JoinGroup makes the client a member of a group, on this connection and on each
// new one. The client needs the role webpubsub.joinLeaveGroup, unless its token
// contains the group. Joining a group twice is not an error.
//
// Requests to join or leave the same group, including those of a new connection,
// are sent one at a time: each waits for the answer to the one before.
func (c *Client) JoinGroup(ctx context.Context, group string, opts *GroupOptions) (Result, error) {
	return c.changeGroup(ctx, opJoinGroup, frame.Request{Kind: frame.JoinGroup, Name: group}, opts)
}

// LeaveGroup ends the membership in a group that [Client.JoinGroup] or the token
// began. Leaving a group twice is not an error. When LeaveGroup returns nil, the
// connection is not a member, and the client does not rejoin the group. Messages
// that arrived before may still wait for their callbacks. The client's state in the
// group and its subscription to the others' end too.
func (c *Client) LeaveGroup(ctx context.Context, group string, opts *GroupOptions) (Result, error) {
	return c.changeGroup(ctx, opLeaveGroup, frame.Request{Kind: frame.LeaveGroup, Name: group}, opts)
}

// changeGroup sends a request that changes what the client is in a group.
func (c *Client) changeGroup(ctx context.Context, operation string, change frame.Request, opts *GroupOptions) (Result, error) {
	if err := rule.CheckGroup(change.Name); err != nil {
		return Result{}, invalid(operation, err)
	}
	change.AckID, change.WantsAck = valueOf(opts).AckID, true
	if change.Kind == frame.JoinGroup || change.Kind == frame.LeaveGroup {
		return c.changeOn(ctx, operation, change, nil)
	}
	if err := c.checkLarge(&change); err != nil {
		return Result{}, invalid(operation, err)
	}
	for { // states need the membership, which a new connection has to restore first
		conn, err := c.restored(ctx)
		if err != nil {
			return Result{}, fail(operation, err)
		}
		result, err := c.changeOn(ctx, operation, change, conn)
		if !errors.Is(err, ErrConnectionLost) {
			return result, err
		}
	}
}

// restored waits for a connection that has rejoined its groups.
func (c *Client) restored(ctx context.Context) (*connection, error) {
	s, err := c.running()
	if err != nil {
		return nil, err
	}
	ws, err := s.connected(ctx)
	if err != nil {
		return nil, err
	}
	if c.preparationOf(ctx) != nil { // groups are rejoined after it
		return ws.conn, nil
	}
	_, err = await(ctx, ws.conn.restored, nil, nil, s.closing)
	return ws.conn, err
}

// changeOn makes a change on one connection; nil means any.
func (c *Client) changeOn(ctx context.Context, operation string, change frame.Request, only *connection) (Result, error) {
	m, unlock, err := c.groups.lock(ctx, change.Name, c.preparationOf(ctx) != nil)
	if err != nil {
		return Result{}, fail(operation, err)
	}
	defer unlock()
	undo := m.before(&change, &c.states)
	result, err := c.send(ctx, operation, &request{Request: change, idempotent: true, only: only, done: func() { m.after(&change, &c.states) }})
	if err != nil {
		undo()
	}
	return result, err
}

// rejoin joins the client's groups on a new connection and restores their states. ctx
// ends when the connection is lost for good.
func (s *session) rejoin(ctx context.Context, conn *connection) {
	groups := s.c.groups.kept()
	if s.c.opts.DisableAutoRejoin || len(groups) == 0 {
		close(conn.restored)
		return
	}
	s.background.Go(func() {
		defer close(conn.restored)
		failures := make([]error, len(groups))
		var all sync.WaitGroup
		room := make(chan struct{}, maxRejoining)
		for i, group := range groups {
			room <- struct{}{}
			all.Go(func() {
				defer func() { <-room }()
				failures[i] = s.rejoinGroup(ctx, conn, group)
			})
		}
		all.Wait()
		for i, err := range failures {
			if err != nil && !isLoss(err) {
				raise(s.dispatch, &s.c.onRejoinFailed, RejoinFailedEvent{Group: groups[i], Err: err})
			}
		}
	})
}

// rejoinGroup joins a group again, and restores the client's subscription and state.
func (s *session) rejoinGroup(ctx context.Context, conn *connection, group string) error {
	m, unlock, err := s.c.groups.lock(ctx, group, false)
	if err != nil {
		return err
	}
	defer unlock()
	again := func(operation string, r frame.Request) error {
		r.Name, r.WantsAck = group, true
		_, err := s.do(ctx, &request{Request: r, idempotent: true, only: conn})
		return fail(operation, err)
	}
	if m.joined.Load() { // LeaveGroup may have been called meanwhile
		err = again(opJoinGroup, frame.Request{Kind: frame.JoinGroup})
	}
	if err == nil && m.subscribed.Load() {
		err = again(opSubscribeGroupState, frame.Request{Kind: frame.SubscribeGroupState})
	}
	if state := m.state.Load(); err == nil && state != nil {
		err = again(opSetGroupState, frame.Request{Kind: frame.SetGroupState, State: *state})
	}
	return err
}
