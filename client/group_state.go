package client

import (
	"context"
	"fmt"
	"maps"
	"time"
	"unicode/utf8"

	"github.com/go-webpubsub/webpubsub/client/internal/frame"
	"github.com/go-webpubsub/webpubsub/internal/excerpt"
)

const (
	opSetGroupState         = "SetGroupState"
	opClearGroupState       = "ClearGroupState"
	opSubscribeGroupState   = "SubscribeGroupState"
	opUnsubscribeGroupState = "UnsubscribeGroupState"
)

// GroupState is the state of a connection in a group: a few texts that the others see,
// such as whether a user is typing. It ends with the connection or its membership.
type GroupState struct {
	// ConnectionID (connectionId) is the connection that has set the state.
	ConnectionID string
	// UserID (userId) is the user of the connection; empty if there is none.
	UserID string
	// State (state) is nil if the state was cleared or has ended. [Client.GroupStates]
	// returns no such states.
	State map[string]string
	// UpdatedAt (updatedAt) is the time of the service, in milliseconds, which rises
	// with each change of a connection's state.
	UpdatedAt time.Time
}

func groupStateOf(s frame.State) GroupState {
	return GroupState{ConnectionID: s.ConnectionID, UserID: s.UserID, State: maps.Clone(s.Entries), UpdatedAt: time.UnixMilli(s.UpdatedAt)}
}

// GroupStateEvent is a change of states in a group to which the client has subscribed.
type GroupStateEvent struct {
	// Group (group) is the name of the group.
	Group string
	// Changed (items) are the states that differ from those known before.
	Changed []GroupState
	// Snapshot reports that the service has sent all states of the group, after a
	// subscription. Changed may then be empty.
	Snapshot bool
}

// groupStateFrame is a message of the service about states, which waits for the
// dispatcher.
type groupStateFrame struct {
	group    string
	states   []frame.State
	snapshot bool
}

// SetGroupState replaces the state of this connection in a group, which the client must
// have joined. Nil is an empty state. The client needs the role
// webpubsub.setGroupState. It sets the state again on each new connection, until
// [Client.ClearGroupState] or [Client.LeaveGroup] ends it.
//
// Requests that concern the same group are sent one at a time, as by
// [Client.JoinGroup]. The service does not document group state yet.
func (c *Client) SetGroupState(ctx context.Context, group string, state map[string]string, opts *GroupOptions) (Result, error) {
	entries := make(map[string]string, len(state))
	for name, value := range state {
		if !utf8.ValidString(name) || !utf8.ValidString(value) {
			return Result{}, invalid(opSetGroupState, fmt.Errorf("state %s: want names and values of UTF-8", excerpt.Name(name)))
		}
		entries[name] = value
	}
	return c.changeGroup(ctx, opSetGroupState, frame.Request{Kind: frame.SetGroupState, Name: group, State: entries}, opts)
}

// ClearGroupState ends the state of this connection in a group. Clearing a state twice
// is not an error.
func (c *Client) ClearGroupState(ctx context.Context, group string, opts *GroupOptions) (Result, error) {
	return c.changeGroup(ctx, opClearGroupState, frame.Request{Kind: frame.SetGroupState, Name: group}, opts)
}

// OwnGroupState returns a copy of the state that this client has set in a group. It
// reports false if there is none.
func (c *Client) OwnGroupState(group string) (state map[string]string, ok bool) {
	if own := c.groups.state(group); own != nil {
		return maps.Clone(*own), true
	}
	return nil, false
}

// SubscribeGroupState makes the client receive the states of all connections in a
// group, which the client must have joined, on this connection and on each new one. The
// client needs the role webpubsub.getGroupState. The service sends a snapshot of all
// states, and then their changes; see [Client.OnGroupState]. The snapshot may arrive
// after SubscribeGroupState has returned.
func (c *Client) SubscribeGroupState(ctx context.Context, group string, opts *GroupOptions) (Result, error) {
	return c.changeGroup(ctx, opSubscribeGroupState, frame.Request{Kind: frame.SubscribeGroupState, Name: group}, opts)
}

// UnsubscribeGroupState ends a subscription and forgets the states of the group, as
// [Client.LeaveGroup] does.
func (c *Client) UnsubscribeGroupState(ctx context.Context, group string, opts *GroupOptions) (Result, error) {
	return c.changeGroup(ctx, opUnsubscribeGroupState, frame.Request{Kind: frame.UnsubscribeGroupState, Name: group}, opts)
}

// GroupStates returns copies of the states in a group to which the client has
// subscribed, in the order of their connections. They include the client's own. They
// are those of the last [GroupStateEvent] whose callbacks have been called. While the
// client has no connection, they are the last known ones.
func (c *Client) GroupStates(group string) []GroupState { return c.states.list(group) }

// OnGroupState registers a callback for states that have changed. All callbacks share
// the event and must not change it.
func (c *Client) OnGroupState(f func(ctx context.Context, ev GroupStateEvent)) (unregister func()) {
	return c.onGroupState.add(f)
}

// deliverStates applies a message about states and calls the callbacks. Messages of an
// ended subscription are dropped.
func (d *dispatcher) deliverStates(f *groupStateFrame) {
	changed, subscribed := d.c.states.apply(f, time.Now())
	if !subscribed || len(changed) == 0 && !f.snapshot {
		return
	}
	ev := GroupStateEvent{Group: f.group, Snapshot: f.snapshot}
	for _, s := range changed {
		ev.Changed = append(ev.Changed, groupStateOf(s))
	}
	fire(d.callbacks, d, &d.c.onGroupState, ev)
}
