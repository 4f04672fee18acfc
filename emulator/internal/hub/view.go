package hub

import (
	"slices"
	"strings"
	"time"
)

// View describes a connection for display.
type View struct {
	ID          string
	UserID      string
	Subprotocol string
	Away        bool // the client has lost its link, and may resume the connection
	Resumable   bool
	Groups      []string // sorted; at most as many as were asked for
	GroupCount  int
	Permissions []string // see [role.Set.Names]
}

// View returns the view of the connection, with at most that many groups and permissions.
func (c *Connection) View(most int) View {
	c.mu.Lock()
	groups := keys(c.groups)
	out := View{ID: c.ID, Subprotocol: c.Subprotocol, Away: c.link == nil, Permissions: c.roles.Names(most), Resumable: c.Resumable()}
	c.mu.Unlock()
	if c.UserID != nil {
		out.UserID = *c.UserID
	}
	slices.Sort(groups)
	out.GroupCount, out.Groups = len(groups), groups[:min(len(groups), most)]
	return out
}

// Tally is a user or a group and its number of connections.
type Tally struct {
	Name        string
	Connections int
	States      int // of a group
}

// Users returns all users, sorted.
func (h *Hub) Users() []Tally {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return tally(h.users)
}

// Groups returns all groups, sorted.
func (h *Hub) Groups() []Tally {
	h.mu.RLock()
	defer h.mu.RUnlock()
	out := tally(h.groups)
	for i, g := range out {
		if s := h.states[g.Name]; s != nil {
			out[i].States = len(s.states)
		}
	}
	return out
}

func tally(sets map[string]map[*Connection]struct{}) []Tally {
	out := make([]Tally, 0, len(sets))
	for name, set := range sets {
		out = append(out, Tally{Name: name, Connections: len(set)})
	}
	slices.SortFunc(out, func(a, b Tally) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// Size returns the numbers of connections, users and groups.
func (h *Hub) Size() (connections, users, groups int) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return len(h.connections), len(h.users), len(h.groups)
}

// Reply sends a message to the client as the event handler's answer to an event.
func (c *Connection) Reply(m *Message) error {
	if err := c.Fits(m); err != nil {
		return err
	}
	c.send(m, time.Time{})
	return nil
}
