package presence

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/go-webpubsub/webpubsub"
)

// MemoryStoreOptions are the limits of a [MemoryStore]. A nil *MemoryStoreOptions is all
// defaults.
type MemoryStoreOptions struct {
	// MaxConnections is the number of connections of all hubs, live and ended. Zero means
	// [DefaultMaxConnections].
	MaxConnections int
	// MaxMembers is the number of entries of all groups, present and absent. Zero means
	// [DefaultMaxMembers].
	MaxMembers int
	// MaxGroups is the number of entries of one connection. Zero means
	// [DefaultMaxGroups].
	MaxGroups int
	// Now returns the time. Nil means [time.Now].
	Now func() time.Time
}

// Defaults of [MemoryStoreOptions].
const (
	DefaultMaxConnections = 100_000
	DefaultMaxMembers     = 1_000_000
	DefaultMaxGroups      = 1_000
)

// MemoryStore is a [Store] in memory, for trackers in one process. What it remembers ends
// with the process. If it is full, it forgets that a connection has ended or has left a
// group, those first that would expire first, but never who is connected or in a group.
// It starts no goroutines and is safe for concurrent use.
type MemoryStore struct {
	maxConnections, maxMembers, maxGroups int
	now                                   func() time.Time

	mu          sync.Mutex
	hubs        map[string]*memoryHub
	connections int
	members     int
	live        expiryHeap[*memoryConnection] // their leases
	ended       expiryHeap[*memoryConnection] // their TTLs
	absent      expiryHeap[*memoryEntry]      // their TTLs
}

var _ Store = (*MemoryStore)(nil)

// NewMemoryStore returns an empty store, or an error that names the invalid option.
func NewMemoryStore(opts *MemoryStoreOptions) (*MemoryStore, error) {
	var o MemoryStoreOptions
	if opts != nil {
		o = *opts
	}
	for _, option := range []struct {
		name  string
		value int
	}{{"MaxConnections", o.MaxConnections}, {"MaxMembers", o.MaxMembers}, {"MaxGroups", o.MaxGroups}} {
		if option.value < 0 {
			return nil, fmt.Errorf("presence: memory store: %s is %d, want 0 or more", option.name, option.value)
		}
	}
	s := &MemoryStore{
		maxConnections: cmp.Or(o.MaxConnections, DefaultMaxConnections),
		maxMembers:     cmp.Or(o.MaxMembers, DefaultMaxMembers),
		maxGroups:      cmp.Or(o.MaxGroups, DefaultMaxGroups),
		now:            o.Now,
		hubs:           make(map[string]*memoryHub),
	}
	if s.now == nil {
		s.now = time.Now
	}
	return s, nil
}

// String returns the number of connections and members, and no names.
func (s *MemoryStore) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return fmt.Sprintf("presence.MemoryStore(%d of %d connections, %d of %d members)", s.connections, s.maxConnections, s.members, s.maxMembers)
}

// GoString is String.
func (s *MemoryStore) GoString() string { return s.String() }

// Format is String, whatever the verb.
func (s *MemoryStore) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// LogValue is String.
func (s *MemoryStore) LogValue() slog.Value { return slog.StringValue(s.String()) }

// Apply implements [Store].
func (s *MemoryStore) Apply(_ context.Context, hub string, ev Event, lease, ttl time.Duration) error {
	h, now := s.lock(hub)
	defer s.mu.Unlock()
	if ev.Kind == webpubsub.EventKindDisconnected {
		return s.disconnect(h, ev.Member, now.Add(ttl))
	}
	c, err := s.connect(h, ev.Member, now.Add(lease))
	if c == nil {
		return err
	}
	c.told = true
	if ev.Kind != webpubsub.EventKindGroupJoined && ev.Kind != webpubsub.EventKindGroupLeft {
		return nil
	}
	if e := c.entries[ev.Group]; e != nil && e.order >= ev.Order {
		return nil
	}
	if err := s.set(h, c, ev.Group, entryState{present: ev.Kind == webpubsub.EventKindGroupJoined, order: ev.Order}, now.Add(ttl)); err != nil {
		return err
	}
	if listed := h.listed(c.key); listed != nil && listed.entries[ev.Group] != nil {
		s.erase(listed.entries[ev.Group])
		if len(listed.entries) == 0 {
			s.forget(listed)
		}
	}
	return nil
}

// Members implements [Store].
func (s *MemoryStore) Members(_ context.Context, hub, group string, since int64) (Snapshot, error) {
	h, _ := s.lock(hub)
	defer s.mu.Unlock()
	g := h.groups[group]
	switch {
	case g == nil: // when it changed was forgotten with its last member
		return Snapshot{Revision: h.revision}, nil
	case since != 0 && g.changed <= since:
		return Snapshot{Revision: h.revision, Unchanged: true}, nil
	}
	members := make([]Member, 0, len(g.members))
	for c := range g.members {
		members = append(members, c.member())
	}
	return Snapshot{Revision: h.revision, Members: members}, nil
}

// Groups implements [Store].
func (s *MemoryStore) Groups(_ context.Context, hub, connectionID string) ([]string, error) {
	h, _ := s.lock(hub)
	defer s.mu.Unlock()
	seen := make(map[string]struct{})
	var groups []string
	for _, c := range h.connections[connectionID] {
		for name, e := range c.entries {
			if _, ok := seen[name]; !ok && e.present {
				seen[name] = struct{}{}
				groups = append(groups, name)
			}
		}
	}
	return groups, nil
}

// Connections implements [Store].
func (s *MemoryStore) Connections(_ context.Context, hub, userID string) ([]Member, error) {
	h, _ := s.lock(hub)
	defer s.mu.Unlock()
	var members []Member
	for c := range h.users[userID] {
		members = append(members, c.member())
	}
	return members, nil
}

// GroupNames implements [Store].
func (s *MemoryStore) GroupNames(_ context.Context, hub, after string, limit int) ([]string, error) {
	h, _ := s.lock(hub)
	defer s.mu.Unlock()
	var names []string
	for name := range h.groups {
		if name > after {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names[:min(limit, len(names))], nil
}

// Leases implements [Store].
func (s *MemoryStore) Leases(_ context.Context, hub string, within time.Duration, limit int) ([]Lease, error) {
	h, now := s.lock(hub)
	defer s.mu.Unlock()
	var found []*memoryConnection
	for _, c := range s.live {
		if c.hub == h && c.until.Before(now.Add(within)) {
			found = append(found, c)
		}
	}
	slices.SortFunc(found, func(a, b *memoryConnection) int { return a.until.Compare(b.until) })
	found = found[:min(limit, len(found))]
	leases := make([]Lease, 0, len(found))
	for _, c := range found {
		leases = append(leases, Lease{Member: c.member(), Expires: c.until.UnixNano()})
	}
	return leases, nil
}

// Repair implements [Store].
func (s *MemoryStore) Repair(_ context.Context, hub string, r Repair, lease, ttl time.Duration) error {
	h, now := s.lock(hub)
	defer s.mu.Unlock()
	var full error
	for _, m := range r.Add {
		full = cmp.Or(full, s.add(h, r, m, now.Add(lease)))
	}
	for _, m := range r.Drop {
		if c := h.connection(m); c != nil && !c.isEnded {
			if e := c.entries[r.Group]; e != nil && e.present && e.revision <= r.Revision {
				full = cmp.Or(full, s.set(h, c, r.Group, entryState{order: e.order}, now.Add(ttl)))
			}
		}
	}
	for _, m := range r.Renew {
		if c := h.connection(m); c != nil && !c.isEnded {
			s.renew(c, now.Add(lease))
		}
	}
	for _, l := range r.End {
		switch c := h.connection(l.Member); {
		case c == nil || c.isEnded || c.until.UnixNano() != l.Expires:
		case c.told:
			_ = s.disconnect(h, c.key, now.Add(ttl)) // there is room, since the connection is known
		default:
			s.forget(c)
		}
	}
	return full
}

// add adds a member that the service lists.
func (s *MemoryStore) add(h *memoryHub, r Repair, m Member, lease time.Time) error {
	if m.SessionID == "" && h.hasNewer(m.ConnectionID, r) {
		return nil
	}
	c, err := s.connect(h, m, lease)
	if c == nil {
		return err
	}
	to := entryState{present: true}
	if e := c.entries[r.Group]; e != nil {
		if e.present || e.revision > r.Revision {
			return nil
		}
		to.order = e.order
	}
	return s.set(h, c, r.Group, to, time.Time{})
}

// hasNewer reports whether a session of a connection has ended or changed its entry since a
// listing.
func (h *memoryHub) hasNewer(connectionID string, r Repair) bool {
	for session, c := range h.connections[connectionID] {
		if session == "" {
			continue
		}
		if c.isEnded && c.endedAt > r.Revision {
			return true
		}
		if e := c.entries[r.Group]; e != nil && e.revision > r.Revision {
			return true
		}
	}
	return false
}

// Lead implements [Store].
func (s *MemoryStore) Lead(_ context.Context, hub, holder string, lease time.Duration) (bool, error) {
	h, now := s.lock(hub)
	defer s.mu.Unlock()
	if h.leader != holder && now.Before(h.leads) {
		return false, nil
	}
	h.leader, h.leads = holder, now.Add(lease)
	return true, nil
}
