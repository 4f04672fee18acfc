package hub

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-webpubsub/webpubsub/emulator/internal/role"
	"github.com/go-webpubsub/webpubsub/emulator/internal/trace"
)

// Limits of group state. They are those of Microsoft's emulator, whose revision of
// September 2026 had group state.
const (
	maxGroupState    = 512 // bytes of all keys and values
	maxSnapshotItems = 200
)

// GroupStates are states of connections in the group of a message.
type GroupStates struct {
	// Snapshot means that the items are the states of the group. Otherwise they are
	// changes.
	Snapshot bool
	Items    []GroupState
}

// GroupState is the state of one connection in a group.
type GroupState struct {
	ConnectionID string
	UserID       *string           // nil: none
	Entries      map[string]string // nil: the state has been cleared
	// UpdatedAt is in milliseconds since 1970. It is greater than that of any earlier
	// state of the connection.
	UpdatedAt int64
}

// stateGroup holds the states of a group. Only members have a state or subscribe.
type stateGroup struct {
	states      map[*Connection]GroupState
	subscribers map[*Connection]struct{}
}

// failures are connections that could not receive a message, with the reasons.
type failures map[*Connection]string

// abort closes the connections. It must be called without locks.
func (f failures) abort() {
	for c, reason := range f {
		c.abort(ClosePolicy, reason)
	}
}

// refuseStatesLocked returns an error unless the client has a permission and is a member
// of the group. Microsoft's emulator has the rule for members.
func (h *Hub) refuseStatesLocked(c *Connection, a role.Action, what, group string) *RequestError {
	if !c.Allows(a, group) {
		return forbidden(what, group)
	}
	if _, member := h.groups[group][c]; !member {
		return &RequestError{Name: "Forbidden", Message: fmt.Sprintf("The client is not a member of group '%s'.", group)}
	}
	return nil
}

// setGroupState sets or clears the client's state in a group, and sends it to all
// subscribers.
func (c *Connection) setGroupState(req SetGroupState) *RequestError {
	size := 0
	for k, v := range req.State {
		size += len(k) + len(v)
	}
	h := c.hub
	h.mu.Lock()
	refused := h.refuseStatesLocked(c, role.SetState, "set its state in", req.Group)
	if refused == nil && size > maxGroupState {
		refused = &RequestError{Name: "BadRequest", Message: fmt.Sprintf("The state has %d bytes of keys and values, the maximum is %d.", size, maxGroupState)}
	}
	var failed failures
	if refused == nil {
		failed = h.setStateLocked(c, req.Group, req.State)
	}
	h.mu.Unlock()
	failed.abort()
	if refused == nil {
		kind := trace.KindGroupStateSet
		if req.State == nil {
			kind = trace.KindGroupStateCleared
		}
		trace.Emit(c.ctx, h.Trace, trace.GroupState{Client: c.Identity(), Kind: kind, Group: req.Group, Entries: req.State})
	}
	return refused
}

// subscribeGroupState subscribes the client to the states of a group. After the ack it
// receives all states, then each change.
func (c *Connection) subscribeGroupState(req SubscribeGroupState) *RequestError {
	if !c.begin(req.AckID) {
		return nil
	}
	h := c.hub
	h.mu.Lock()
	refused := h.refuseStatesLocked(c, role.GetState, "get the states of", req.Group)
	c.sendAck(req.AckID, refused)
	failure := ""
	if refused == nil {
		g := h.stateGroupLocked(req.Group)
		g.subscribers[c] = struct{}{}
		failure = c.deliver(g.snapshot(req.Group), time.Time{})
	}
	h.mu.Unlock()
	c.recordAck(req.AckID, refused)
	if refused == nil {
		trace.Emit(c.ctx, h.Trace, trace.GroupState{Client: c.Identity(), Kind: trace.KindGroupStateSubscribed, Group: req.Group})
	}
	if failure != "" {
		c.abort(ClosePolicy, failure)
	}
	return refused
}

func (c *Connection) unsubscribeGroupState(group string) {
	h := c.hub
	h.mu.Lock()
	if g := h.states[group]; g != nil {
		delete(g.subscribers, c)
		h.tidyLocked(group)
	}
	h.mu.Unlock()
	trace.Emit(c.ctx, h.Trace, trace.GroupState{Client: c.Identity(), Kind: trace.KindGroupStateUnsubscribed, Group: group})
}

func (h *Hub) stateGroupLocked(group string) *stateGroup {
	g := h.states[group]
	if g == nil {
		g = &stateGroup{make(map[*Connection]GroupState), make(map[*Connection]struct{})}
		h.states[group] = g
	}
	return g
}

func (h *Hub) tidyLocked(group string) {
	if g := h.states[group]; len(g.states) == 0 && len(g.subscribers) == 0 {
		delete(h.states, group)
	}
}

// snapshot returns a message with the states of a group, by connection id. What exceeds
// the maximum is left out.
func (g *stateGroup) snapshot(group string) *Message {
	out := &GroupStates{Snapshot: true, Items: make([]GroupState, 0, len(g.states))}
	for _, s := range g.states {
		out.Items = append(out.Items, s)
	}
	slices.SortFunc(out.Items, func(a, b GroupState) int { return strings.Compare(a.ConnectionID, b.ConnectionID) })
	out.Items = out.Items[:min(len(out.Items), maxSnapshotItems)]
	return &Message{Group: group, States: out}
}

// setStateLocked sets a member's state, or clears it if it is nil.
func (h *Hub) setStateLocked(c *Connection, group string, entries map[string]string) failures {
	c.stateTime = max(h.Clock.Now().UnixMilli(), c.stateTime+1)
	state := GroupState{ConnectionID: c.ID, UserID: c.UserID, Entries: entries, UpdatedAt: c.stateTime}
	g := h.stateGroupLocked(group)
	if entries == nil {
		delete(g.states, c)
	} else {
		g.states[c] = state
	}
	m := &Message{Group: group, States: &GroupStates{Items: []GroupState{state}}}
	failed := make(failures)
	for s := range g.subscribers {
		if reason := s.deliver(m, time.Time{}); reason != "" {
			failed[s] = reason
		}
	}
	h.tidyLocked(group)
	return failed
}

// dropStateLocked ends the state and the subscription of a connection that has left a
// group.
func (h *Hub) dropStateLocked(c *Connection, group string) failures {
	g := h.states[group]
	if g == nil {
		return nil
	}
	delete(g.subscribers, c)
	if _, ok := g.states[c]; ok {
		return h.setStateLocked(c, group, nil)
	}
	h.tidyLocked(group)
	return nil
}
