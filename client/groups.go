package client

import (
	"context"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

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
	return c.changeGroup(ctx, opJoinGroup, frame.JoinGroup, group, opts)
}

// LeaveGroup ends the membership in a group that [Client.JoinGroup] or the token
// began. Leaving a group twice is not an error. When LeaveGroup returns nil, the
// connection is not a member, and the client does not rejoin the group. Messages
// that arrived before may still wait for their callbacks.
func (c *Client) LeaveGroup(ctx context.Context, group string, opts *GroupOptions) (Result, error) {
	return c.changeGroup(ctx, opLeaveGroup, frame.LeaveGroup, group, opts)
}

func (c *Client) changeGroup(ctx context.Context, operation string, kind frame.RequestKind, group string, opts *GroupOptions) (Result, error) {
	if err := rule.CheckGroup(group); err != nil {
		return Result{}, invalid(operation, err)
	}
	m, err := c.groups.lock(ctx, group)
	if err != nil {
		return Result{}, fail(operation, err)
	}
	defer c.groups.unlock(group, m)
	r := &request{Request: frame.Request{Kind: kind, Name: group, AckID: valueOf(opts).AckID, WantsAck: true}, idempotent: true}
	was := m.joined.Load()
	if kind == frame.LeaveGroup {
		m.joined.Store(false) // from now on a new connection does not rejoin it
	} else {
		r.done = func() { m.joined.Store(true) }
	}
	result, err := c.send(ctx, operation, r)
	if err != nil && was {
		m.joined.Store(true)
	}
	return result, err
}

// rejoin joins the client's groups on a new connection and then closes done.
func (s *session) rejoin(ctx context.Context, conn *connection, done chan struct{}) {
	groups := s.c.groups.joined()
	if s.c.opts.DisableAutoRejoin || len(groups) == 0 {
		close(done)
		return
	}
	s.background.Go(func() {
		defer close(done)
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
				raise(s.dispatch, &s.c.onRejoinFailed, RejoinFailedEvent{Group: groups[i], Err: fail(opJoinGroup, err)})
			}
		}
	})
}

func (s *session) rejoinGroup(ctx context.Context, conn *connection, group string) error {
	m, err := s.c.groups.lock(ctx, group)
	if err != nil {
		return err
	}
	defer s.c.groups.unlock(group, m)
	if !m.joined.Load() {
		return nil // LeaveGroup was called meanwhile
	}
	_, err = s.do(ctx, &request{Request: frame.Request{Kind: frame.JoinGroup, Name: group, WantsAck: true}, idempotent: true, only: conn})
	return err
}

// groups are the groups that the client has joined or is joining or leaving. The
// zero value is ready for use.
type groups struct {
	mu     sync.Mutex
	byName map[string]*membership
}

// membership is the client's membership in one group. One request at a time changes
// it: a join that is sent again after a recovery must not overtake a leave.
type membership struct {
	joined atomic.Bool
	locked chan struct{} // holds an element while a request is under way
	users  int           // requests under way or waiting
}

// lock waits until no other request changes the membership.
func (g *groups) lock(ctx context.Context, group string) (*membership, error) {
	g.mu.Lock()
	m := g.byName[group]
	if m == nil {
		if g.byName == nil {
			g.byName = make(map[string]*membership)
		}
		m = &membership{locked: make(chan struct{}, 1)}
		g.byName[group] = m
	}
	m.users++
	g.mu.Unlock()
	select {
	case m.locked <- struct{}{}: // also when ctx has ended
		return m, nil
	default:
	}
	select {
	case m.locked <- struct{}{}:
		return m, nil
	case <-ctx.Done():
		g.drop(group, m)
		return nil, ctx.Err()
	}
}

func (g *groups) unlock(group string, m *membership) {
	<-m.locked
	g.drop(group, m)
}

func (g *groups) drop(group string, m *membership) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if m.users--; m.users == 0 && !m.joined.Load() {
		delete(g.byName, group)
	}
}

// joined returns the names of the groups that the client has joined.
func (g *groups) joined() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	var names []string
	for _, name := range slices.Sorted(maps.Keys(g.byName)) {
		if g.byName[name].joined.Load() {
			names = append(names, name)
		}
	}
	return names
}
