package redis

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/rueidis"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/presence"
)

//go:embed scripts/presence/*.lua
var presenceScripts embed.FS

const (
	// maxFields limits the groups of a connection: present ones, and those that it has left.
	maxFields = 1000
	// maxElements is how many elements of a Repair one script applies, so that it does not
	// keep the server busy.
	maxElements = 100
)

// PresenceStore is a [presence.Store] in Redis. It is safe for concurrent use, and so are
// many of them on one Redis.
//
// The data of a hub are keys that begin with PREFIX:presence:{HUB}. In a cluster, a hub is
// on one server. A connection can be in up to about 1,000 groups; how many connections
// there can be is limited by the memory of the server, and a server that has none left
// returns [presence.ErrStoreFull].
type PresenceStore struct {
	config Config

	apply, repair, lead                              *rueidis.Lua
	members, groups, connections, groupNames, leases *rueidis.Lua
}

var _ presence.Store = (*PresenceStore)(nil)

// NewPresenceStore returns a store, or an error that names the invalid field. It does not
// connect.
func NewPresenceStore(cfg Config) (*PresenceStore, error) {
	return newPresenceStore(cfg, presenceScript("clock"))
}

// newPresenceStore is NewPresenceStore with a clock, which tests replace.
func newPresenceStore(cfg Config, clock string) (*PresenceStore, error) {
	cfg, err := cfg.compile()
	if err != nil {
		return nil, fmt.Errorf("redis: presence store: %w", err)
	}
	script := func(names ...string) *rueidis.Lua {
		text := clock + presenceScript("hub")
		for _, name := range names {
			text += presenceScript(name)
		}
		return rueidis.NewLuaScriptRetryable(text)
	}
	return &PresenceStore{
		config:      cfg,
		apply:       script("change", "apply"),
		repair:      script("change", "repair"),
		lead:        script("lead"),
		members:     script("members"),
		groups:      script("groups"),
		connections: script("connections"),
		groupNames:  script("group_names"),
		leases:      script("leases"),
	}, nil
}

func presenceScript(name string) string {
	text, err := presenceScripts.ReadFile("scripts/presence/" + name + ".lua")
	if err != nil {
		panic(err) // it is part of the program
	}
	return string(text)
}

// Apply implements [presence.Store].
func (s *PresenceStore) Apply(ctx context.Context, hub string, ev presence.Event, lease, ttl time.Duration) error {
	kind, err := kindOf(ev.Kind)
	if err != nil {
		return fmt.Errorf("redis: record event: %w", err)
	}
	args := append(times(lease, ttl), kind, ev.Member.ConnectionID, ev.Member.SessionID, ev.Member.UserID, ev.Group, strconv.FormatInt(ev.Order, 10))
	return changed("record event", s.run(ctx, s.apply, hub, args))
}

// Repair implements [presence.Store]. It applies a hundred elements at a time.
func (s *PresenceStore) Repair(ctx context.Context, hub string, r presence.Repair, lease, ttl time.Duration) error {
	var elements [][]string
	for _, m := range r.Add {
		elements = append(elements, []string{"add", m.ConnectionID, m.SessionID, m.UserID})
	}
	for _, m := range r.Drop {
		elements = append(elements, []string{"drop", m.ConnectionID, m.SessionID, ""})
	}
	for _, m := range r.Renew {
		elements = append(elements, []string{"renew", m.ConnectionID, m.SessionID, ""})
	}
	for _, l := range r.End {
		elements = append(elements, []string{"end", l.Member.ConnectionID, l.Member.SessionID, strconv.FormatInt(l.Expires, 10)})
	}
	var full error
	for part := range slices.Chunk(elements, maxElements) {
		args := append(times(lease, ttl), r.Group, strconv.FormatInt(r.Revision, 10))
		err := changed("repair", s.run(ctx, s.repair, hub, append(args, slices.Concat(part...)...)))
		switch {
		case errors.Is(err, presence.ErrStoreFull):
			full = err
		case err != nil:
			return err
		}
	}
	return full
}

// Members implements [presence.Store].
func (s *PresenceStore) Members(ctx context.Context, hub, group string, since int64) (presence.Snapshot, error) {
	snapshot, err := s.snapshot(ctx, hub, group, since)
	if err != nil {
		return presence.Snapshot{}, fmt.Errorf("redis: read members: %w", err)
	}
	return snapshot, nil
}

func (s *PresenceStore) snapshot(ctx context.Context, hub, group string, since int64) (out presence.Snapshot, err error) {
	result, err := s.run(ctx, s.members, hub, []string{group, strconv.FormatInt(since, 10)}).ToArray()
	if err != nil {
		return out, err
	}
	if len(result) != 2 {
		return out, errUnexpected
	}
	if out.Revision, err = result[0].AsInt64(); err != nil {
		return out, err
	}
	if result[1].IsString() {
		out.Unchanged = true
		return out, nil
	}
	users, err := result[1].AsStrSlice()
	if err != nil {
		return out, err
	}
	for pair := range slices.Chunk(users, 2) {
		if len(pair) == 2 && pair[0] != "" { // "" has the revision
			out.Members = append(out.Members, memberOf(pair[0], pair[1]))
		}
	}
	return out, nil
}

// Groups implements [presence.Store].
func (s *PresenceStore) Groups(ctx context.Context, hub, connectionID string) ([]string, error) {
	groups, err := s.run(ctx, s.groups, hub, []string{connectionID}).AsStrSlice()
	if err != nil {
		return nil, fmt.Errorf("redis: read groups of a connection: %w", err)
	}
	return groups, nil
}

// Connections implements [presence.Store].
func (s *PresenceStore) Connections(ctx context.Context, hub, userID string) ([]presence.Member, error) {
	names, err := s.run(ctx, s.connections, hub, []string{userID}).AsStrSlice()
	if err != nil {
		return nil, fmt.Errorf("redis: read connections of a user: %w", err)
	}
	var members []presence.Member
	for _, name := range names {
		members = append(members, memberOf(name, userID))
	}
	return members, nil
}

// GroupNames implements [presence.Store].
func (s *PresenceStore) GroupNames(ctx context.Context, hub, after string, limit int) ([]string, error) {
	start := "-"
	if after != "" {
		start = "(" + after
	}
	names, err := s.run(ctx, s.groupNames, hub, []string{start, strconv.Itoa(limit)}).AsStrSlice()
	if err != nil {
		return nil, fmt.Errorf("redis: read group names: %w", err)
	}
	return names, nil
}

// Leases implements [presence.Store]. Expires is in milliseconds since 1970.
func (s *PresenceStore) Leases(ctx context.Context, hub string, within time.Duration, limit int) ([]presence.Lease, error) {
	found, err := s.run(ctx, s.leases, hub, []string{milliseconds(within), strconv.Itoa(limit)}).AsStrSlice()
	if err != nil {
		return nil, fmt.Errorf("redis: read leases: %w", err)
	}
	var leases []presence.Lease
	for l := range slices.Chunk(found, 3) {
		if len(l) != 3 {
			return nil, fmt.Errorf("redis: read leases: %w", errUnexpected)
		}
		expires, err := strconv.ParseInt(l[1], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("redis: read leases: %w", errUnexpected)
		}
		leases = append(leases, presence.Lease{Member: memberOf(l[0], l[2]), Expires: expires})
	}
	return leases, nil
}

// Lead implements [presence.Store].
func (s *PresenceStore) Lead(ctx context.Context, hub, holder string, lease time.Duration) (bool, error) {
	leads, err := s.run(ctx, s.lead, hub, []string{holder, milliseconds(lease)}).AsBool()
	if err != nil {
		return false, fmt.Errorf("redis: get lead: %w", err)
	}
	return leads, nil
}

// errUnexpected reports a reply that the scripts do not return.
var errUnexpected = errors.New("the reply has an unexpected form")

// run runs a script on the data of a hub, again while it says that there is more to remove.
func (s *PresenceStore) run(ctx context.Context, script *rueidis.Lua, hub string, args []string) rueidis.RedisResult {
	key := s.config.Prefix + ":presence:{" + url.PathEscape(hub) + "}"
	for {
		result := s.config.run(ctx, script, []string{key}, args)
		if m, err := result.ToMessage(); err != nil || !m.IsString() {
			return result
		} else if text, _ := m.ToString(); text != "MORE" {
			return result
		}
	}
}

// times are the first arguments of scripts that change entries.
func times(lease, ttl time.Duration) []string {
	return []string{milliseconds(lease), milliseconds(ttl), strconv.Itoa(maxFields)}
}

// changed returns the error of a script that changes entries.
func changed(verb string, result rueidis.RedisResult) error {
	text, err := result.ToString()
	switch {
	case err != nil && strings.Contains(err.Error(), "OOM command not allowed"):
		return fmt.Errorf("redis: %s: %w: %w", verb, presence.ErrStoreFull, err)
	case err != nil:
		return fmt.Errorf("redis: %s: %w", verb, err)
	case text == "FULL":
		return fmt.Errorf("redis: %s: %w: a connection has too many groups", verb, presence.ErrStoreFull)
	}
	return nil
}

func kindOf(kind webpubsub.EventKind) (string, error) {
	switch kind {
	case webpubsub.EventKindConnected:
		return "connected", nil
	case webpubsub.EventKindDisconnected:
		return "disconnected", nil
	case webpubsub.EventKindGroupJoined:
		return "joined", nil
	case webpubsub.EventKindGroupLeft:
		return "left", nil
	default:
		return "", fmt.Errorf("its kind is %q, want connected, disconnected, joined or left", kind)
	}
}

// memberOf returns the member with a name in the data of a hub.
func memberOf(name, userID string) presence.Member {
	id, session, _ := strings.Cut(name, "\n")
	return presence.Member{ConnectionID: id, SessionID: session, UserID: userID}
}
