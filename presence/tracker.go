package presence

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
)

// Tracker tracks who is in which group of a hub. It is safe for concurrent use.
type Tracker struct {
	cfg       Config
	watchers  watchers
	lastGroup atomic.Pointer[string] // of the last round
}

// NewTracker returns a tracker, or an error that names the invalid field. Add its
// [Tracker.Intercept] to [github.com/go-webpubsub/webpubsub.Config.Interceptors], and call
// [Tracker.Run].
func NewTracker(cfg Config) (*Tracker, error) {
	c, err := cfg.complete()
	if err != nil {
		return nil, fmt.Errorf("presence: %w", err)
	}
	t := &Tracker{cfg: c, watchers: watchers{byGroup: make(map[string]map[chan struct{}]struct{})}}
	t.lastGroup.Store(new(string))
	return t, nil
}

// Members returns the connections in a group, sorted by ConnectionID. The slice is empty if
// there are none.
func (t *Tracker) Members(ctx context.Context, group string) ([]Member, error) {
	s, err := t.cfg.Store.Members(ctx, t.cfg.Hub, group, 0)
	if err != nil {
		return nil, fmt.Errorf("presence: members of a group: %w", err)
	}
	return onePerID(s.Members), nil
}

// Groups returns the names of the groups that a connection is in, sorted. For MQTT, the
// connection id is the client id.
func (t *Tracker) Groups(ctx context.Context, connectionID string) ([]string, error) {
	groups, err := t.cfg.Store.Groups(ctx, t.cfg.Hub, connectionID)
	if err != nil {
		return nil, fmt.Errorf("presence: groups of a connection: %w", err)
	}
	slices.Sort(groups)
	return groups, nil
}

// Connections returns the connections of a user, sorted by ConnectionID, whether they are in
// a group or not. The slice is empty if there are none, and for the empty user.
func (t *Tracker) Connections(ctx context.Context, userID string) ([]Member, error) {
	if userID == "" {
		return nil, nil
	}
	members, err := t.cfg.Store.Connections(ctx, t.cfg.Hub, userID)
	if err != nil {
		return nil, fmt.Errorf("presence: connections of a user: %w", err)
	}
	return onePerID(members), nil
}

// Online reports whether a user has a connection.
func (t *Tracker) Online(ctx context.Context, userID string) (bool, error) {
	members, err := t.Connections(ctx, userID)
	return len(members) > 0, err
}

// onePerID sorts members and keeps one of those with the same ConnectionID: sessions of an
// MQTT client, of which the tracker does not know yet that one has ended.
func onePerID(members []Member) []Member {
	slices.SortFunc(members, byID)
	return slices.CompactFunc(members, func(a, b Member) bool { return a.ConnectionID == b.ConnectionID })
}

func byID(a, b Member) int {
	return cmp.Or(cmp.Compare(a.ConnectionID, b.ConnectionID), cmp.Compare(b.SessionID, a.SessionID))
}

// watchers are the watchers of this process, which learn of its events at once.
type watchers struct {
	mu      sync.Mutex
	byGroup map[string]map[chan struct{}]struct{}
}
