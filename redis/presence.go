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
	// maxElements is how many elements of a Repair one script applies, and maxPurged how many
	// connections one script removes, so that none keeps the server busy.
	maxElements = 100
	maxPurged   = 500
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

	event, apply, disconnect, repair, purge *rueidis.Lua
	groups, groupNames, leases              *rueidis.Lua
	lead                                    *rueidis.Lua
}

var _ presence.Store = (*PresenceStore)(nil)

// NewPresenceStore returns a store, or an error that names the invalid field. It does not
// connect.
func NewPresenceStore(cfg Config) (*PresenceStore, error) {
	cfg, err := cfg.compile()
	if err != nil {
		return nil, fmt.Errorf("redis: presence store: %w", err)
	}
	script := func(names ...string) *rueidis.Lua {
		text := presenceScript("clock")
		for _, name := range names {
			text += presenceScript(name)
		}
		return rueidis.NewLuaScriptRetryable(text)
	}
	return &PresenceStore{
		config:     cfg,
		event:      script("hub", "event"),
		apply:      script("hub", "purged", "entry", "end", "change", "apply"),
		disconnect: script("hub", "entry", "end", "disconnect"),
		repair:     script("hub", "purged", "entry", "end", "change", "repair"),
		purge:      script("hub", "entry", "end", "purge"),
		groups:     script("hub", "purged", "groups"),
		groupNames: script("hub", "purged", "group_names"),
		leases:     script("hub", "purged", "leases"),
		lead:       rueidis.NewLuaScriptRetryable(presenceScript("lead")),
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
	var kind string
	m := ev.Member
	switch ev.Kind {
	case webpubsub.EventKindDisconnected:
		return changed("record event", s.run(ctx, s.disconnect, hub, []string{milliseconds(ttl), m.ConnectionID, m.SessionID}))
	case webpubsub.EventKindConnected:
		kind = "connected"
	case webpubsub.EventKindGroupJoined:
		kind = "joined"
	case webpubsub.EventKindGroupLeft:
		kind = "left"
	default:
		return fmt.Errorf("redis: record event: its kind is %q, want connected, disconnected, joined or left", ev.Kind)
	}
	ctx, cancel := s.config.limit(ctx)
	defer cancel()
	args := append(times(lease, ttl), kind, m.ConnectionID, m.SessionID, m.UserID, ev.Group, strconv.FormatInt(ev.Order, 10))
	if m.SessionID == "" {
		result := s.run(ctx, s.event, hub, args)
		if text, err := result.ToString(); err != nil || text != "RARE" {
			return changed("record event", result)
		}
	}
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

// snapshot reads a group without a script, which would take a multiple of the time for many
// members. The revision is read before the group. If the group has changed in between, its
// revision is later, and the snapshot is of that.
func (s *PresenceStore) snapshot(ctx context.Context, hub, group string, since int64) (out presence.Snapshot, err error) {
	ctx, cancel := s.config.limit(ctx)
	defer cancel()
	key, b := s.key(hub)+":group:"+group, s.config.Client.B()
	if since != 0 {
		revision, result, err := s.read(ctx, hub, func() rueidis.Completed { return b.Hget().Key(key).Field("").Build() })
		if err != nil {
			return out, err
		}
		if changed, err := result.AsInt64(); err == nil && changed <= since {
			return presence.Snapshot{Revision: max(revision, changed), Unchanged: true}, nil
		} else if err != nil && !rueidis.IsRedisNil(err) {
			return out, err
		}
	}
	revision, result, err := s.read(ctx, hub, func() rueidis.Completed { return b.Hgetall().Key(key).Build() })
	if err != nil {
		return out, err
	}
	users, err := result.AsStrMap()
	if err != nil {
		return out, err
	}
	out.Revision = revision
	for name, user := range users {
		if name != "" {
			out.Members = append(out.Members, memberOf(name, user))
			continue
		}
		changed, err := strconv.ParseInt(user, 10, 64)
		if err != nil {
			return out, errUnexpected
		}
		out.Revision = max(revision, changed)
	}
	return out, nil
}

// read sends a command about a hub, and returns the revision before it. As long as there are
// leases that have ended, it removes them first.
func (s *PresenceStore) read(ctx context.Context, hub string, command func() rueidis.Completed) (revision int64, result rueidis.RedisResult, err error) {
	ctx, cancel := s.config.limit(ctx)
	defer cancel()
	key, b := s.key(hub), s.config.Client.B()
	for {
		results := s.config.doAll(ctx,
			b.Time().Build(),
			b.Zrange().Key(key+":leases").Min("0").Max("0").Withscores().Build(),
			b.Get().Key(key+":revision").Build(),
			command())
		now, err := results[0].AsIntSlice()
		if err == nil && len(now) != 2 {
			err = errUnexpected
		}
		if err != nil {
			return 0, result, err
		}
		first, err := results[1].AsZScores()
		if err != nil {
			return 0, result, err
		}
		if len(first) > 0 && int64(first[0].Score) <= now[0]*1000+now[1]/1000 {
			if err := s.removeExpired(ctx, hub).Error(); err != nil {
				return 0, result, err
			}
			continue
		}
		revision, err := results[2].AsInt64()
		if err != nil && !rueidis.IsRedisNil(err) {
			return 0, result, err
		}
		return revision, results[3], nil
	}
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
	_, result, err := s.read(ctx, hub, func() rueidis.Completed {
		return s.config.Client.B().Smembers().Key(s.key(hub) + ":user:" + userID).Build()
	})
	if err != nil {
		return nil, fmt.Errorf("redis: read connections of a user: %w", err)
	}
	names, err := result.AsStrSlice()
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

// key returns the name of a hub's data. What is between its braces decides which server of
// a cluster has them.
func (s *PresenceStore) key(hub string) string {
	return s.config.Prefix + ":presence:{" + url.PathEscape(hub) + "}"
}

// run runs a script on the data of a hub. While the script finds leases that have ended, run
// removes them and runs it again.
func (s *PresenceStore) run(ctx context.Context, script *rueidis.Lua, hub string, args []string) rueidis.RedisResult {
	ctx, cancel := s.config.limit(ctx)
	defer cancel()
	keys := []string{s.key(hub)}
	for {
		result := s.config.run(ctx, script, keys, args)
		m, err := result.ToMessage()
		if err != nil || !m.IsString() {
			return result
		}
		if text, _ := m.ToString(); text != "PURGE" {
			return result
		}
		if removed := s.removeExpired(ctx, hub); removed.Error() != nil {
			return removed
		}
	}
}

// removeExpired makes connections unknown whose leases have ended, some at a time.
func (s *PresenceStore) removeExpired(ctx context.Context, hub string) rueidis.RedisResult {
	return s.config.run(ctx, s.purge, []string{s.key(hub)}, []string{strconv.Itoa(maxPurged)})
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

// memberOf returns the member with a name in the data of a hub.
func memberOf(name, userID string) presence.Member {
	id, session, _ := strings.Cut(name, "\n")
	return presence.Member{ConnectionID: id, SessionID: session, UserID: userID}
}
