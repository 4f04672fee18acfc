package client

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/go-webpubsub/webpubsub/client/internal/frame"
)

const (
	// liveFor is how long a state that arrived in an update is kept although a snapshot
	// lacks it: the snapshot may be older than the update.
	liveFor = 5 * time.Minute
	// maxCleared is the number of cleared states of a group that are kept, so that a late
	// update does not set them again.
	maxCleared = 200
	// maxKnown is the number of states of a group that are kept. Others are ignored.
	maxKnown = 65_536
	// maxStateBytes limits the names and values of a group's states, which any member
	// can set. A state for which there is no room is taken for cleared.
	maxStateBytes = 16 << 20
)

// stateCache are the states of others in the groups to which the client has
// subscribed. The zero value is ready for use.
type stateCache struct {
	mu      sync.Mutex
	byGroup map[string]*groupRecords
}

// groupRecords are the states of one group, by connection.
type groupRecords struct {
	records map[string]record
	cleared int
	bytes   int // of names and values
}

type record struct {
	state frame.State
	heard time.Time // of the update; zero: of a snapshot, or no longer live
}

// add adds a group, unless it is known.
func (c *stateCache) add(group string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byGroup == nil {
		c.byGroup = make(map[string]*groupRecords)
	}
	if c.byGroup[group] == nil {
		c.byGroup[group] = &groupRecords{records: make(map[string]record)}
	}
}

// apply applies a frame of states, and returns the states that have changed. Those
// that are gone have no entries. It reports false if the group is not known.
func (c *stateCache) apply(f *groupStateFrame, now time.Time) (changed []frame.State, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	g := c.byGroup[f.group]
	if g == nil {
		return nil, false
	}
	if f.snapshot {
		return g.applySnapshot(f.states, now), true
	}
	for _, s := range f.states {
		if g.set(&s, now) {
			changed = append(changed, s)
		}
	}
	if g.cleared > maxCleared {
		g.expire(now)
		g.trim()
	}
	return changed, true
}

func (g *groupRecords) applySnapshot(states []frame.State, now time.Time) (changed []frame.State) {
	g.expire(now)
	listed := make(map[string]bool, len(states))
	for _, s := range states {
		listed[s.ConnectionID] = true
		if g.set(&s, time.Time{}) {
			changed = append(changed, s)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(g.records)) {
		r := g.records[id]
		if listed[id] || !r.heard.IsZero() {
			continue
		}
		g.remove(id)
		if r.state.Entries != nil {
			r.state.Entries = nil
			changed = append(changed, r.state)
		}
	}
	return changed
}

// set stores a state unless a later one of its connection is known. It reports whether
// that changes what a reader sees. It clears a state for which there is no room.
func (g *groupRecords) set(s *frame.State, heard time.Time) bool {
	id := s.ConnectionID
	old, known := g.records[id]
	switch {
	case known && old.state.UpdatedAt >= s.UpdatedAt, !known && len(g.records) >= maxKnown:
		return false
	case known:
		g.remove(id)
	}
	if g.bytes+sizeOfEntries(s.Entries) > maxStateBytes {
		s.Entries = nil
	}
	g.records[id] = record{*s, heard}
	g.bytes += sizeOfEntries(s.Entries)
	if s.Entries == nil {
		g.cleared++
	}
	return s.Entries != nil || old.state.Entries != nil
}

func (g *groupRecords) remove(id string) {
	s := g.records[id].state
	if s.Entries == nil {
		g.cleared--
	}
	g.bytes -= sizeOfEntries(s.Entries)
	delete(g.records, id)
}

func sizeOfEntries(entries map[string]string) (size int) {
	for name, value := range entries {
		size += len(name) + len(value)
	}
	return size
}

// expire ends the protection of updates that are no longer live.
func (g *groupRecords) expire(now time.Time) {
	for id, r := range g.records {
		if !r.heard.IsZero() && now.Sub(r.heard) >= liveFor {
			g.settle(id, r)
		}
	}
}

// settle ends the protection of an update.
func (g *groupRecords) settle(id string, r record) {
	if r.state.Entries == nil {
		g.remove(id)
		return
	}
	r.heard = time.Time{}
	g.records[id] = r
}

// trim removes the oldest cleared states beyond the limit.
func (g *groupRecords) trim() {
	if g.cleared <= maxCleared {
		return
	}
	var cleared []record
	for _, r := range g.records {
		if r.state.Entries == nil {
			cleared = append(cleared, r)
		}
	}
	slices.SortFunc(cleared, func(a, b record) int {
		return cmp.Or(a.heard.Compare(b.heard), cmp.Compare(a.state.UpdatedAt, b.state.UpdatedAt))
	})
	for _, r := range cleared[:len(cleared)-maxCleared] {
		g.remove(r.state.ConnectionID)
	}
}

// disconnected ends the protection of all updates: those that follow are not received
// until the snapshots of the next connection.
func (c *stateCache) disconnected() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, g := range c.byGroup {
		for id, r := range g.records {
			g.settle(id, r)
		}
	}
}

// forget removes a group.
func (c *stateCache) forget(group string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.byGroup, group)
}

// list returns copies of the states of a group that are not cleared, in the order of
// their connections.
func (c *stateCache) list(group string) []GroupState {
	c.mu.Lock()
	defer c.mu.Unlock()
	g := c.byGroup[group]
	if g == nil {
		return nil
	}
	var states []GroupState
	for _, id := range slices.Sorted(maps.Keys(g.records)) {
		if s := g.records[id].state; s.Entries != nil {
			states = append(states, groupStateOf(s))
		}
	}
	return states
}
