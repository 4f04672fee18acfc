package hub

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-webpubsub/webpubsub/emulator/internal/trace"
	"github.com/go-webpubsub/webpubsub/internal/odata"
)

// Hub holds the connections of one hub. It is safe for concurrent use.
type Hub struct {
	Config

	Name string // in lower case

	hubs *Hubs

	mu          sync.RWMutex
	connections map[string]*Connection
	users       map[string]map[*Connection]struct{}
	groups      map[string]map[*Connection]struct{}
	states      map[string]*stateGroup // by group
}

// Connect adds the connection of an accepted client, joins it to the client's first
// groups, and sends the connected frame before any message.
func (h *Hub) Connect(in *Client, out Output, link *Link) *Connection {
	c := &Connection{
		ID: in.ID, UserID: in.UserID, Subprotocol: in.Subprotocol,
		out: out, hub: h, link: link, roles: in.Roles,
		groups: make(map[string]struct{}, len(in.Groups)),
	}
	c.client = h.Trace.Clean(identity(h.Name, in.ID, in.UserID))
	c.ctx, c.cancel = context.WithCancelCause(h.hubs.ctx)
	_, c.traced = h.Tracer.Begin(trace.Operation{Kind: trace.OperationConnection, Hub: h.Name, ConnectionID: c.ID})
	if out.Delivery.Resumable() {
		c.ReconnectionToken = newID(32)
	}
	var joined []string
	h.mu.Lock()
	c.mu.Lock()
	h.connections[c.ID] = c
	if c.UserID != nil {
		insert(h.users, *c.UserID, c)
	}
	for _, g := range in.Groups {
		if insert(h.groups, g, c) {
			c.groups[g] = struct{}{}
			joined = append(joined, g)
		}
	}
	c.greetLocked()
	c.mu.Unlock()
	h.mu.Unlock()
	trace.Emit(c.ctx, h.Trace, trace.ClientRecord{Kind: trace.KindClientConnected, Client: c.Identity(), Subprotocol: c.Subprotocol})
	h.Events.Connected(c)
	for _, g := range joined {
		h.joined(c, g, trace.Context{})
	}
	return c
}

// Connection returns the connection with the id, or nil.
func (h *Hub) Connection(id string) *Connection {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.connections[id]
}

func insert(m map[string]map[*Connection]struct{}, key string, c *Connection) bool {
	set := m[key]
	if set == nil {
		set = make(map[*Connection]struct{})
		m[key] = set
	}
	if _, ok := set[c]; ok {
		return false
	}
	set[c] = struct{}{}
	return true
}

func erase(m map[string]map[*Connection]struct{}, key string, c *Connection) bool {
	set := m[key]
	if _, ok := set[c]; !ok {
		return false
	}
	if delete(set, c); len(set) == 0 {
		delete(m, key)
	}
	return true
}

// remove removes an ended connection from the hub, its user and its groups.
func (h *Hub) remove(c *Connection) {
	groups := c.Groups()
	h.mu.Lock()
	delete(h.connections, c.ID)
	if c.UserID != nil {
		erase(h.users, *c.UserID, c)
	}
	groups = slices.DeleteFunc(groups, func(g string) bool { return !erase(h.groups, g, c) }) // it has left since
	failed := make(failures)
	for _, g := range groups {
		maps.Copy(failed, h.dropStateLocked(c, g))
	}
	h.mu.Unlock()
	failed.abort()
	slices.Sort(groups)
	for _, g := range groups {
		h.left(c, g, c.closedBy)
	}
}

// joined records and notifies that a connection has joined a group.
func (h *Hub) joined(c *Connection, group string, cause trace.Context) {
	trace.Emit(c.ctx, h.Trace, trace.GroupChange{Client: c.Identity(), Kind: trace.KindGroupJoined, Group: group})
	h.Events.Joined(c, group, cause)
}

// left records and notifies that a connection has left a group.
func (h *Hub) left(c *Connection, group string, cause trace.Context) {
	trace.Emit(c.ctx, h.Trace, trace.GroupChange{Client: c.Identity(), Kind: trace.KindGroupLeft, Group: group})
	h.Events.Left(c, group, cause)
}

// FullError reports a connection that is in the maximum number of groups.
type FullError struct {
	ConnectionID string
	Groups       int
}

// Error returns the connection and its number of groups.
func (e *FullError) Error() string {
	return fmt.Sprintf("connection %s is in %d groups, the maximum", e.ConnectionID, e.Groups)
}

// join adds a connection to a group. A member stays one. The error is a [FullError].
func (h *Hub) join(c *Connection, group string, cause trace.Context) error {
	h.mu.Lock()
	c.mu.Lock()
	_, member := c.groups[group]
	full := !c.ended && !member && len(c.groups) >= h.MaxGroups
	joined := !c.ended && !full && insert(h.groups, group, c)
	if joined {
		c.groups[group] = struct{}{}
	}
	c.mu.Unlock()
	h.mu.Unlock()
	if joined {
		h.joined(c, group, cause)
	}
	if full {
		return &FullError{c.ID, h.MaxGroups}
	}
	return nil
}

// leave removes a connection from a group, if it is a member.
func (h *Hub) leave(c *Connection, group string, cause trace.Context) {
	h.mu.Lock()
	c.mu.Lock()
	left := erase(h.groups, group, c)
	delete(c.groups, group)
	c.mu.Unlock()
	failed := h.dropStateLocked(c, group)
	h.mu.Unlock()
	failed.abort()
	if left {
		h.left(c, group, cause)
	}
}

// Target selects connections of a hub. The zero Target selects all: callers must
// reject an empty id, user or group.
type Target struct {
	// At most one of these is set.
	ConnectionID string
	UserID       string
	Group        string

	// Filter and Excluded narrow the selection.
	Filter   *odata.Filter
	Excluded []string // ids

	// Cause is the trace context of what is done to the connections. Events of it have it.
	Cause trace.Context
}

// Select returns the connections of a target, in no order.
func (h *Hub) Select(t Target) []*Connection {
	h.mu.RLock()
	var out []*Connection
	switch {
	case t.ConnectionID != "":
		if c := h.connections[t.ConnectionID]; c != nil {
			out = append(out, c)
		}
	case t.UserID != "":
		out = keys(h.users[t.UserID])
	case t.Group != "":
		out = keys(h.groups[t.Group])
	default:
		out = make([]*Connection, 0, len(h.connections))
		for _, c := range h.connections {
			out = append(out, c)
		}
	}
	h.mu.RUnlock()
	if len(t.Excluded) == 0 && t.Filter == nil {
		return out
	}
	return slices.DeleteFunc(out, func(c *Connection) bool {
		return slices.Contains(t.Excluded, c.ID) || (t.Filter != nil && !t.Filter.Match(c.subject()))
	})
}

// keys returns the elements of a set. It allocates less than package maps.
func keys[K comparable](set map[K]struct{}) []K {
	out := make([]K, 0, len(set))
	for k := range set {
		out = append(out, k)
	}
	return out
}

// Send delivers a message to a target. It does not wait for clients. A message kept
// for a client expires after ttl; zero means never.
func (h *Hub) Send(t Target, m *Message, ttl time.Duration) {
	var expires time.Time
	if ttl > 0 {
		expires = h.Clock.Now().Add(ttl)
	}
	for _, c := range h.Select(t) {
		c.send(m, expires)
	}
}

// Close ends the connections of a target for the application server.
func (h *Hub) Close(t Target, reason string) {
	for _, c := range h.Select(t) {
		c.closeByServer(reason, t.Cause)
	}
}

// Shutdown aborts all connections, including those without a link.
func (h *Hub) Shutdown(code int, reason string) {
	for _, c := range h.Select(Target{}) {
		c.abort(code, reason)
	}
}

// Join adds the connections of a target to a group and returns their number. The error
// is a [FullError] about a connection that could not join.
func (h *Hub) Join(t Target, group string) (n int, err error) {
	selected := h.Select(t)
	for _, c := range selected {
		if full := h.join(c, group, t.Cause); full != nil {
			err = full
		}
	}
	return len(selected), err
}

// Leave removes the connections of a target from a group, or from all groups if group
// is empty.
func (h *Hub) Leave(t Target, group string) {
	for _, c := range h.Select(t) {
		if group != "" {
			h.leave(c, group, t.Cause)
			continue
		}
		for _, g := range c.Groups() {
			h.leave(c, g, t.Cause)
		}
	}
}

// Exists reports whether a target selects any connection.
func (h *Hub) Exists(t Target) bool { return len(h.Select(t)) > 0 }

// List returns up to limit members of a group, sorted by id and beginning after the
// given one, and reports whether there are more.
func (h *Hub) List(group, after string, limit int) (page []*Connection, more bool) {
	all := h.Select(Target{Group: group})
	slices.SortFunc(all, func(a, b *Connection) int { return strings.Compare(a.ID, b.ID) })
	from, found := slices.BinarySearchFunc(all, after, func(c *Connection, id string) int { return strings.Compare(c.ID, id) })
	if found {
		from++
	}
	all = all[from:]
	return all[:min(limit, len(all))], len(all) > limit
}
