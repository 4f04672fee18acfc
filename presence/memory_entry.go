package presence

import (
	"container/heap"
	"time"
)

// set changes the entry of a connection for a group, or adds it. An absent entry expires.
func (s *MemoryStore) set(h *memoryHub, c *memoryConnection, group string, to entryState, ttl time.Time) error {
	e := c.entries[group]
	if e == nil {
		if err := s.makeRoom(c); err != nil {
			return err
		}
		e = &memoryEntry{connection: c, group: group, entryState: entryState{present: true}}
		c.entries[group] = e
		s.members++
	} else if !e.present {
		heap.Remove(&s.absent, e.index)
	}
	e.entryState = to
	if !to.present {
		e.until = ttl
		heap.Push(&s.absent, e)
	}
	h.show(e)
	return nil
}

// show updates the group of an entry that has changed.
func (h *memoryHub) show(e *memoryEntry) {
	g := h.groups[e.group]
	if e.present && g == nil {
		g = &memoryGroup{members: make(map[*memoryConnection]struct{})}
		h.groups[e.group] = g
	}
	if e.present {
		g.members[e.connection] = struct{}{}
	}
	h.touch(e)
	if !e.present && g != nil {
		h.hide(e)
	}
}

// touch records a change of an entry.
func (h *memoryHub) touch(e *memoryEntry) {
	h.revision++
	e.revision = h.revision
	if g := h.groups[e.group]; g != nil {
		g.changed = h.revision
	}
}

// hide removes a connection from the members of a group.
func (h *memoryHub) hide(e *memoryEntry) {
	g := h.groups[e.group]
	if delete(g.members, e.connection); len(g.members) == 0 {
		delete(h.groups, e.group)
	}
}

// erase removes an entry.
func (s *MemoryStore) erase(e *memoryEntry) {
	h := e.connection.hub
	if e.present {
		h.touch(e)
		h.hide(e)
	} else {
		heap.Remove(&s.absent, e.index)
	}
	delete(e.connection.entries, e.group)
	s.members--
}

// makeRoom forgets absent entries until there is room for one more, of this connection if it
// has too many.
func (s *MemoryStore) makeRoom(c *memoryConnection) error {
	if len(c.entries) >= s.maxGroups {
		var first *memoryEntry
		for _, e := range c.entries {
			if !e.present && (first == nil || e.until.Before(first.until)) {
				first = e
			}
		}
		if first == nil {
			return ErrStoreFull
		}
		s.erase(first)
	}
	if s.members >= s.maxMembers {
		if len(s.absent) == 0 {
			return ErrStoreFull
		}
		s.erase(s.absent[0])
	}
	return nil
}
