package presence

import (
	"container/heap"
	"time"
)

// memoryHub is the data of a hub in a [MemoryStore].
type memoryHub struct {
	revision    int64
	connections map[string]map[string]*memoryConnection // by ConnectionID, by SessionID
	users       map[string]map[*memoryConnection]struct{}
	groups      map[string]*memoryGroup // with members
	leader      string
	leads       time.Time // until then
}

// memoryGroup is a group with members.
type memoryGroup struct {
	members map[*memoryConnection]struct{}
	changed int64 // the revision of the last change of an entry
}

// memoryConnection is a connection that is live or has ended.
type memoryConnection struct {
	expiring
	hub     *memoryHub
	key     Member // without UserID
	userID  string
	told    bool // of an event
	isEnded bool
	endedAt int64 // the revision
	entries map[string]*memoryEntry
}

func (c *memoryConnection) member() Member {
	return Member{ConnectionID: c.key.ConnectionID, SessionID: c.key.SessionID, UserID: c.userID}
}

// memoryEntry is the entry of a connection for a group. It is in the heap of absent entries
// if it is not present.
type memoryEntry struct {
	expiring
	entryState
	connection *memoryConnection
	group      string
	revision   int64
}

type entryState struct {
	present bool
	order   int64
}

// connection returns a connection that is live or has ended, or nil.
func (h *memoryHub) connection(m Member) *memoryConnection {
	return h.connections[m.ConnectionID][m.SessionID]
}

// listed returns what listings have shown of the connection of a session, or nil.
func (h *memoryHub) listed(m Member) *memoryConnection {
	c := h.connection(Member{ConnectionID: m.ConnectionID})
	if m.SessionID == "" || c == nil || c.isEnded {
		return nil
	}
	return c
}

// lock locks the store and removes what has expired.
func (s *MemoryStore) lock(hub string) (*memoryHub, time.Time) {
	s.mu.Lock()
	now := s.now()
	for len(s.live) > 0 && !now.Before(s.live[0].until) {
		s.forget(s.live[0])
	}
	for len(s.ended) > 0 && !now.Before(s.ended[0].until) {
		s.forget(s.ended[0])
	}
	for len(s.absent) > 0 && !now.Before(s.absent[0].until) {
		s.erase(s.absent[0])
	}
	h := s.hubs[hub]
	if h == nil {
		h = &memoryHub{
			connections: make(map[string]map[string]*memoryConnection),
			users:       make(map[string]map[*memoryConnection]struct{}),
			groups:      make(map[string]*memoryGroup),
		}
		s.hubs[hub] = h
	}
	return h, now
}

// connect returns a connection that is live and has its lease renewed. It returns nil if
// the connection has ended or there is no room for it.
func (s *MemoryStore) connect(h *memoryHub, m Member, lease time.Time) (*memoryConnection, error) {
	c := h.connection(m)
	if c == nil {
		var err error
		if c, err = s.newConnection(h, m); err != nil {
			return nil, err
		}
		c.until = lease
		heap.Push(&s.live, c)
	}
	if c.isEnded {
		return nil, nil
	}
	s.renew(c, lease)
	s.setUser(c, m.UserID)
	return c, nil
}

// disconnect ends a connection, whether it is known or not.
func (s *MemoryStore) disconnect(h *memoryHub, m Member, ttl time.Time) error {
	if c := h.connection(m); c != nil {
		if c.isEnded {
			return nil
		}
		s.end(c, ttl)
	} else {
		c, err := s.newConnection(h, m)
		if err != nil {
			return err
		}
		s.setEnded(c, ttl)
	}
	if listed := h.listed(m); listed != nil {
		s.forget(listed)
	}
	return nil
}

// newConnection returns a connection that is not in a heap yet.
func (s *MemoryStore) newConnection(h *memoryHub, m Member) (*memoryConnection, error) {
	if s.connections >= s.maxConnections {
		if len(s.ended) == 0 {
			return nil, ErrStoreFull
		}
		s.forget(s.ended[0])
	}
	s.connections++
	c := &memoryConnection{hub: h, key: Member{ConnectionID: m.ConnectionID, SessionID: m.SessionID}, entries: make(map[string]*memoryEntry)}
	if h.connections[m.ConnectionID] == nil {
		h.connections[m.ConnectionID] = make(map[string]*memoryConnection)
	}
	h.connections[m.ConnectionID][m.SessionID] = c
	return c, nil
}

func (s *MemoryStore) renew(c *memoryConnection, lease time.Time) {
	if c.until.Before(lease) {
		c.until = lease
		heap.Fix(&s.live, c.index)
	}
}

// setUser sets the user of a live connection, unless it is empty.
func (s *MemoryStore) setUser(c *memoryConnection, userID string) {
	if userID == "" || userID == c.userID {
		return
	}
	c.hub.dropUser(c)
	c.userID = userID
	if c.hub.users[userID] == nil {
		c.hub.users[userID] = make(map[*memoryConnection]struct{})
	}
	c.hub.users[userID][c] = struct{}{}
	for _, e := range c.entries { // their Members have another user now
		c.hub.touch(e)
	}
}

func (h *memoryHub) dropUser(c *memoryConnection) {
	if delete(h.users[c.userID], c); len(h.users[c.userID]) == 0 {
		delete(h.users, c.userID)
	}
}

// end makes a live connection an ended one.
func (s *MemoryStore) end(c *memoryConnection, ttl time.Time) {
	s.eraseAll(c)
	heap.Remove(&s.live, c.index)
	s.setEnded(c, ttl)
}

// setEnded makes a connection an ended one that is in no heap.
func (s *MemoryStore) setEnded(c *memoryConnection, ttl time.Time) {
	c.hub.revision++
	c.isEnded, c.endedAt, c.until = true, c.hub.revision, ttl
	heap.Push(&s.ended, c)
}

// forget makes a connection unknown.
func (s *MemoryStore) forget(c *memoryConnection) {
	if c.isEnded {
		heap.Remove(&s.ended, c.index)
	} else {
		s.eraseAll(c)
		heap.Remove(&s.live, c.index)
	}
	sessions := c.hub.connections[c.key.ConnectionID]
	if delete(sessions, c.key.SessionID); len(sessions) == 0 {
		delete(c.hub.connections, c.key.ConnectionID)
	}
	s.connections--
}

// eraseAll removes the entries and the user of a connection.
func (s *MemoryStore) eraseAll(c *memoryConnection) {
	for _, e := range c.entries {
		s.erase(e)
	}
	c.hub.dropUser(c)
	c.userID = ""
}
