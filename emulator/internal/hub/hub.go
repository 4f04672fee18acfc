package hub

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-webpubsub/webpubsub/emulator/internal/odata"
	"github.com/go-webpubsub/webpubsub/emulator/internal/trace"
)

// Hub holds the connections of one hub. It is safe for concurrent use.
type Hub struct {
	Name string

	hubs *Hubs

	mu          sync.RWMutex
	connections map[string]*Connection
	users       map[string]map[*Connection]struct{}
	groups      map[string]map[*Connection]struct{}
}

func newHub(name string, hubs *Hubs) *Hub {
	return &Hub{
		Name:        name,
		hubs:        hubs,
		connections: make(map[string]*Connection),
		users:       make(map[string]map[*Connection]struct{}),
		groups:      make(map[string]map[*Connection]struct{}),
	}
}

// Connect adds the connection of an accepted client over a link, puts it into its
// first groups, and greets the client: it is greeted before it gets any message.
func (h *Hub) Connect(in *Client, out Output, link *Link) *Connection {
	c := &Connection{
		ID: in.ID, UserID: in.UserID, Subprotocol: in.Subprotocol,
		out: out, hub: h, link: link, roles: in.Roles,
		groups: make(map[string]struct{}, len(in.Groups)),
	}
	c.ctx, c.cancel = context.WithCancelCause(h.hubs.ctx)
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
	trace.Emit(c.ctx, h.hubs.Trace, trace.ClientConnected{Client: c.Identity(), Subprotocol: c.Subprotocol})
	h.hubs.Events.Connected(c)
	for _, g := range joined {
		h.hubs.Events.Joined(c, g)
	}
	return c
}

// Connection gives a connection by id, nil if there is none.
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
	if _, there := set[c]; there {
		return false
	}
	set[c] = struct{}{}
	return true
}

func erase(m map[string]map[*Connection]struct{}, key string, c *Connection) bool {
	set := m[key]
	if _, there := set[c]; !there {
		return false
	}
	if delete(set, c); len(set) == 0 {
		delete(m, key)
	}
	return true
}

// remove takes an ended connection out of everything.
func (h *Hub) remove(c *Connection) {
	groups := c.Groups()
	h.mu.Lock()
	delete(h.connections, c.ID)
	if c.UserID != nil {
		erase(h.users, *c.UserID, c)
	}
	groups = slices.DeleteFunc(groups, func(g string) bool { return !erase(h.groups, g, c) }) // it has just left
	h.mu.Unlock()
	slices.Sort(groups)
	for _, g := range groups {
		h.hubs.Events.Left(c, g)
	}
}

// A FullError is about a connection that cannot join one more group.
type FullError struct {
	ConnectionID string
	Groups       int
}

// Error returns the connection and its number of groups.
func (e *FullError) Error() string {
	return fmt.Sprintf("connection %s is in %d groups, which is the most", e.ConnectionID, e.Groups)
}

// join puts a connection into a group; being in it already is fine. Its error is a
// [FullError].
func (h *Hub) join(c *Connection, group string) error {
	h.mu.Lock()
	c.mu.Lock()
	_, member := c.groups[group]
	full := !c.ended && !member && len(c.groups) >= h.hubs.MaxGroups
	joined := !c.ended && !full && insert(h.groups, group, c)
	if joined {
		c.groups[group] = struct{}{}
	}
	c.mu.Unlock()
	h.mu.Unlock()
	if joined {
		h.hubs.Events.Joined(c, group)
	}
	if full {
		return &FullError{c.ID, h.hubs.MaxGroups}
	}
	return nil
}

// leave takes a connection out of a group; not being in it is fine.
func (h *Hub) leave(c *Connection, group string) {
	h.mu.Lock()
	c.mu.Lock()
	left := erase(h.groups, group, c)
	delete(c.groups, group)
	c.mu.Unlock()
	h.mu.Unlock()
	if left {
		h.hubs.Events.Left(c, group)
	}
}

// Target selects connections of a hub. The zero Target is all of them, so an id,
// user or group that somebody else gave must be known not to be empty.
type Target struct {
	// At most one of these is set.
	ConnectionID string
	UserID       string
	Group        string

	// Filter and Excluded narrow the selection down.
	Filter   *odata.Filter
	Excluded []string
}

// Select gives the connections that a target means, in no order.
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

func keys(set map[*Connection]struct{}) []*Connection {
	out := make([]*Connection, 0, len(set))
	for c := range set {
		out = append(out, c)
	}
	return out
}

// Send delivers a message to a target. The hub does not wait for any client.
func (h *Hub) Send(t Target, m *Message, ttl time.Duration) {
	var expires time.Time
	if ttl > 0 {
		expires = h.hubs.Clock.Now().Add(ttl)
	}
	for _, c := range h.Select(t) {
		c.send(m, expires)
	}
}

// Close ends the connections of a target as the REST API does.
func (h *Hub) Close(t Target, reason string) {
	for _, c := range h.Select(t) {
		c.CloseByServer(reason)
	}
}

// Shutdown ends all connections because the hub does, those that wait for their
// clients too.
func (h *Hub) Shutdown(code int, reason string) {
	for _, c := range h.Select(Target{}) {
		c.abort(code, reason)
	}
}

// Join puts the connections of a target into a group and returns how many there
// are. Those that cannot join one more stay out; the error is about one of them.
func (h *Hub) Join(t Target, group string) (n int, err error) {
	selected := h.Select(t)
	for _, c := range selected {
		if full := h.join(c, group); full != nil {
			err = full
		}
	}
	return len(selected), err
}

// Leave takes the connections of a target out of a group, or out of all groups if
// group is empty.
func (h *Hub) Leave(t Target, group string) {
	for _, c := range h.Select(t) {
		if group != "" {
			h.leave(c, group)
			continue
		}
		for _, g := range c.Groups() {
			h.leave(c, g)
		}
	}
}

// Exists tells whether a target means any connection.
func (h *Hub) Exists(t Target) bool { return len(h.Select(t)) > 0 }

// List gives up to limit members of a group in the order of their ids, beginning
// after one, and whether there are more.
func (h *Hub) List(group, after string, limit int) (page []*Connection, more bool) {
	all := h.Select(Target{Group: group})
	slices.SortFunc(all, func(a, b *Connection) int { return strings.Compare(a.ID, b.ID) })
	from, _ := slices.BinarySearchFunc(all, after, func(c *Connection, id string) int {
		if c.ID <= id {
			return -1
		}
		return 1
	})
	all = all[from:]
	if len(all) > limit {
		return all[:limit], true
	}
	return all, false
}

// Len counts the connections.
func (h *Hub) Len() int {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return len(h.connections)
}
