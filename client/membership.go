package client

import (
	"context"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/go-webpubsub/webpubsub/client/internal/frame"
)

// groups are the groups that the client is a member of, or whose state it has set or
// subscribed to, and those for which a request is under way. The zero value is ready
// for use.
type groups struct {
	mu     sync.Mutex
	byName map[string]*membership
}

// membership is what the client is in one group. One request at a time changes it: a
// join that is sent again after a recovery must not overtake a leave.
type membership struct {
	joined     atomic.Bool
	subscribed atomic.Bool                       // to the states of others
	state      atomic.Pointer[map[string]string] // the client's own; nil: none
	locked     chan struct{}                     // holds an element while a request is under way
	preparing  chan struct{}                     // the same for requests that prepare a connection
	users      int                               // requests under way or waiting
}

// before is called before a request is sent. What the request ends is not restored by a
// new connection from now on, unless undo is called. States may arrive before the
// answer to a subscription.
func (m *membership) before(r *frame.Request, states *stateCache) (undo func()) {
	switch {
	case r.Kind == frame.LeaveGroup && m.joined.Swap(false):
		return func() { m.joined.Store(true) }
	case r.Kind == frame.SubscribeGroupState && !m.subscribed.Swap(true):
		states.add(r.Name)
		return func() {
			m.subscribed.Store(false)
			states.forget(r.Name)
		}
	case r.Kind == frame.UnsubscribeGroupState && m.subscribed.Swap(false):
		return func() { m.subscribed.Store(true) }
	case r.Kind == frame.SetGroupState && r.State == nil:
		was := m.state.Swap(nil)
		return func() { m.state.CompareAndSwap(nil, was) } // OnNewConnection may have set another
	}
	return func() {}
}

// after is called when the service has carried out a request.
func (m *membership) after(r *frame.Request, states *stateCache) {
	switch r.Kind {
	case frame.JoinGroup:
		m.joined.Store(true)
	case frame.LeaveGroup:
		m.joined.Store(false)
		m.subscribed.Store(false)
		m.state.Store(nil)
		states.forget(r.Name)
	case frame.UnsubscribeGroupState:
		states.forget(r.Name)
	case frame.SetGroupState:
		if r.State != nil {
			m.state.Store(&r.State)
		}
	default:
	}
}

// isKept reports whether a new connection has something to restore.
func (m *membership) isKept() bool {
	return m.joined.Load() || m.subscribed.Load() || m.state.Load() != nil
}

// lock waits until no other request changes the membership. Requests that prepare a
// connection wait for each other only: all others wait for them.
func (g *groups) lock(ctx context.Context, group string, preparing bool) (m *membership, unlock func(), err error) {
	g.mu.Lock()
	if m = g.byName[group]; m == nil {
		if g.byName == nil {
			g.byName = make(map[string]*membership)
		}
		m = &membership{locked: make(chan struct{}, 1), preparing: make(chan struct{}, 1)}
		g.byName[group] = m
	}
	m.users++
	g.mu.Unlock()
	locked := m.locked
	if preparing {
		locked = m.preparing
	}
	unlock = func() {
		<-locked
		g.drop(group, m)
	}
	select {
	case locked <- struct{}{}: // also when ctx has ended
		return m, unlock, nil
	default:
	}
	select {
	case locked <- struct{}{}:
		return m, unlock, nil
	case <-ctx.Done():
		g.drop(group, m)
		return nil, nil, ctx.Err()
	}
}

func (g *groups) drop(group string, m *membership) {
	g.mu.Lock()
	defer g.mu.Unlock()
	m.users--
	g.tidyLocked(group, m)
}

func (g *groups) tidyLocked(group string, m *membership) {
	if m.users == 0 && !m.isKept() {
		delete(g.byName, group)
	}
}

// kept returns the names of the groups that a new connection restores.
func (g *groups) kept() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	var names []string
	for _, name := range slices.Sorted(maps.Keys(g.byName)) {
		if g.byName[name].isKept() {
			names = append(names, name)
		}
	}
	return names
}

// forgetStates forgets the states that a new connection does not restore.
func (g *groups) forgetStates(states *stateCache) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for name, m := range g.byName {
		m.subscribed.Store(false)
		m.state.Store(nil)
		states.forget(name)
		g.tidyLocked(name, m)
	}
}

// state returns the client's own state in a group; nil if there is none.
func (g *groups) state(group string) *map[string]string {
	g.mu.Lock()
	defer g.mu.Unlock()
	if m := g.byName[group]; m != nil {
		return m.state.Load()
	}
	return nil
}
