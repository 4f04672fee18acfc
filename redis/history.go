package redis

import (
	"context"
	_ "embed" // the scripts
	"errors"
	"fmt"
	"iter"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/rueidis"

	"github.com/go-webpubsub/webpubsub"
)

//go:embed scripts/append.lua
var appendScript string

// HistoryLimits are the limits of each room of a [History].
type HistoryLimits struct {
	// MaxEntries is how many entries a room keeps. Zero means [DefaultHistoryEntries].
	MaxEntries int
	// MaxAge is how long a room keeps an entry. Zero means [DefaultHistoryAge]. It is at
	// least a second.
	MaxAge time.Duration
	// MaxEntryBytes is the length of the longest entry. Zero means
	// [DefaultHistoryEntryBytes]. A room takes up to MaxEntries times MaxEntryBytes of
	// memory.
	MaxEntryBytes int
}

// Defaults of [HistoryLimits].
const (
	DefaultHistoryEntries    = 1000
	DefaultHistoryAge        = 24 * time.Hour
	DefaultHistoryEntryBytes = 64 << 10
)

const (
	maxRoom    = 3072 // bytes of the longest name of a group, which has 1,024 UTF-16 code units
	maxOnceKey = 256
	pageSize   = 128 // entries that After reads at once
)

// Errors of [History].
var (
	// ErrEntryTooLong reports that an entry is longer than MaxEntryBytes.
	ErrEntryTooLong = errors.New("entry is too long")
	// ErrEntryGone reports that the history does not have an entry, or no longer: entries
	// after it may be missing, too.
	ErrEntryGone = errors.New("entry is not in the history")

	errInvalidID = errors.New("the id of the entry is invalid")
)

// Entry is an entry of a [History].
type Entry struct {
	// ID orders the entries of a room. Later entries have greater ids.
	ID string
	// Time is when the entry was appended, by the clock of the server.
	Time time.Time
	// Data is what was appended.
	Data []byte
}

// History keeps the last entries of rooms, for clients that come later or come back. It is
// safe for concurrent use.
//
// A room is one stream, PREFIX:history:{ROOM}, which expires. In a cluster, the rooms are
// distributed over all servers. Room names are those of the application, for example
// groups of one hub; choose different prefixes for several hubs. A name has 1 to 3,072
// bytes.
type History struct {
	config             Config
	limits             HistoryLimits
	append, appendOnce *rueidis.Lua
}

// NewHistory returns a history, or an error that names the invalid field. It does not
// connect.
func NewHistory(cfg Config, limits HistoryLimits) (*History, error) {
	cfg, err := cfg.compile()
	if err != nil {
		return nil, fmt.Errorf("redis: history: %w", err)
	}
	switch {
	case limits.MaxEntries == 0:
		limits.MaxEntries = DefaultHistoryEntries
	case limits.MaxEntries < 0:
		return nil, fmt.Errorf("redis: history: MaxEntries is %d, want 0 or more", limits.MaxEntries)
	}
	switch {
	case limits.MaxAge == 0:
		limits.MaxAge = DefaultHistoryAge
	case limits.MaxAge < time.Second:
		return nil, fmt.Errorf("redis: history: MaxAge is %v, want 0 or at least %v", limits.MaxAge, time.Second)
	}
	switch {
	case limits.MaxEntryBytes == 0:
		limits.MaxEntryBytes = DefaultHistoryEntryBytes
	case limits.MaxEntryBytes < 0:
		return nil, fmt.Errorf("redis: history: MaxEntryBytes is %d, want 0 or more", limits.MaxEntryBytes)
	}
	return &History{
		config:     cfg,
		limits:     limits,
		append:     rueidis.NewLuaScript(appendScript), // a repetition would append twice
		appendOnce: rueidis.NewLuaScriptRetryable(appendScript),
	}, nil
}

// Append appends data to a room and drops entries that exceed the limits. If it returns an
// error other than [ErrEntryTooLong], it is not known whether the data was appended.
func (h *History) Append(ctx context.Context, room string, data []byte) (Entry, error) {
	key, err := h.key(room)
	if err != nil {
		return Entry{}, fmt.Errorf("redis: append to history: %w", err)
	}
	return h.add(ctx, h.append, []string{key}, data)
}

// AppendOnce is Append for an event that may be handled twice, since its process can end
// before the answer is stored. It appends data once for each room and key, which has 1 to
// 256 bytes and names the event, for example by its connection id and id. Within
// [webpubsub.DefaultAnswerTTL], a repetition returns the ID and Time of the first call.
func (h *History) AppendOnce(ctx context.Context, room, key string, data []byte) (Entry, error) {
	stream, err := h.key(room)
	if err != nil {
		return Entry{}, fmt.Errorf("redis: append to history: %w", err)
	}
	if key == "" || len(key) > maxOnceKey {
		return Entry{}, fmt.Errorf("redis: append to history: the key has %d bytes, want 1 to %d", len(key), maxOnceKey)
	}
	return h.add(ctx, h.appendOnce, []string{stream, stream + ":once:" + key}, data)
}

func (h *History) add(ctx context.Context, script *rueidis.Lua, keys []string, data []byte) (Entry, error) {
	if len(data) > h.limits.MaxEntryBytes {
		return Entry{}, fmt.Errorf("redis: append to history: %w: it has %d bytes, want at most %d", ErrEntryTooLong, len(data), h.limits.MaxEntryBytes)
	}
	args := []string{
		string(data), // a copy, since the command may be sent after its deadline
		strconv.Itoa(h.limits.MaxEntries), milliseconds(h.limits.MaxAge), milliseconds(webpubsub.DefaultAnswerTTL),
	}
	id, err := h.config.run(ctx, script, keys, args).ToString()
	if err != nil {
		return Entry{}, fmt.Errorf("redis: append to history: %w", err)
	}
	t, err := timeOf(id)
	if err != nil {
		return Entry{}, fmt.Errorf("redis: append to history: %w", err)
	}
	return Entry{ID: id, Time: t, Data: data}, nil
}

// Last returns the last n entries of a room, the oldest of them first. It returns fewer if
// there are fewer, and at most MaxEntries.
func (h *History) Last(ctx context.Context, room string, n int) ([]Entry, error) {
	key, err := h.key(room)
	switch {
	case err != nil:
		return nil, fmt.Errorf("redis: read history: %w", err)
	case n < 0:
		return nil, fmt.Errorf("redis: read history: n is %d, want 0 or more", n)
	case n == 0:
		return nil, nil
	}
	n = min(n, h.limits.MaxEntries)
	entries, oldest, err := h.read(ctx, h.config.Client.B().Xrevrange().Key(key).End("+").Start("-").Count(int64(n)).Build())
	if err != nil {
		return nil, fmt.Errorf("redis: read history: %w", err)
	}
	slices.Reverse(entries)
	for len(entries) > 0 && entries[0].Time.Before(oldest) {
		entries = entries[1:]
	}
	return entries, nil
}

// After returns the entries of a room that follow the one with an id, the oldest first. It
// reads them a page at a time while the caller consumes them. An error is the last
// element: [ErrEntryGone] if the history does not have the entry any more, so that what
// followed it may be missing. The id may be one that a client sent.
func (h *History) After(ctx context.Context, room, id string) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		for more := true; more; {
			page, oldest, err := h.page(ctx, room, id)
			if err != nil {
				yield(Entry{}, fmt.Errorf("redis: read history: %w", err))
				return
			}
			for _, e := range page {
				if !e.Time.Before(oldest) && !yield(e, nil) {
					return
				}
				id = e.ID
			}
			more = len(page) == pageSize
		}
	}
}

// page returns the entries that follow an id. It reads that entry, too: if it is there,
// nothing that follows it was dropped.
func (h *History) page(ctx context.Context, room, id string) (entries []Entry, oldest time.Time, err error) {
	key, err := h.key(room)
	if err != nil {
		return nil, oldest, err
	}
	if _, err := timeOf(id); err != nil {
		return nil, oldest, err
	}
	entries, oldest, err = h.read(ctx, h.config.Client.B().Xrange().Key(key).Start(id).End("+").Count(pageSize+1).Build())
	if err != nil {
		return nil, oldest, err
	}
	if len(entries) == 0 || entries[0].ID != id {
		return nil, oldest, ErrEntryGone
	}
	return entries[1:], oldest, nil
}

// read returns the entries that a command reads, and the time of the oldest that is not
// too old. Until something is appended, a room can have entries that are.
func (h *History) read(ctx context.Context, command rueidis.Completed) (entries []Entry, oldest time.Time, err error) {
	results := h.config.doAll(ctx, h.config.Client.B().Time().Build(), command)
	now, err := results[0].AsIntSlice()
	if err == nil && len(now) != 2 {
		err = errUnexpected
	}
	if err != nil {
		return nil, oldest, err
	}
	found, err := results[1].AsXRange()
	if err != nil {
		return nil, oldest, err
	}
	entries = make([]Entry, len(found))
	for i, e := range found {
		t, err := timeOf(e.ID)
		if err != nil {
			return nil, oldest, err
		}
		entries[i] = Entry{ID: e.ID, Time: t, Data: []byte(e.FieldValues["d"])}
	}
	return entries, time.Unix(now[0], now[1]*int64(time.Microsecond)).Add(-h.limits.MaxAge), nil
}

// Delete removes all entries of a room.
func (h *History) Delete(ctx context.Context, room string) error {
	key, err := h.key(room)
	if err != nil {
		return fmt.Errorf("redis: delete history: %w", err)
	}
	if err := h.config.do(ctx, h.config.Client.B().Del().Key(key).Build()).Error(); err != nil {
		return fmt.Errorf("redis: delete history: %w", err)
	}
	return nil
}

// key returns the key of a room's stream. What is between its braces decides which server
// of a cluster has it. The name is escaped so that no name can end the braces.
func (h *History) key(room string) (string, error) {
	if room == "" || len(room) > maxRoom {
		return "", fmt.Errorf("the name of the room has %d bytes, want 1 to %d", len(room), maxRoom)
	}
	return h.config.Prefix + ":history:{" + url.PathEscape(room) + "}", nil
}

// timeOf returns the time in an id, which is two numbers with a hyphen between them.
func timeOf(id string) (time.Time, error) {
	milli, sequence, _ := strings.Cut(id, "-")
	t, err := strconv.ParseUint(milli, 10, 63)
	if err != nil {
		return time.Time{}, errInvalidID
	}
	if _, err := strconv.ParseUint(sequence, 10, 64); err != nil {
		return time.Time{}, errInvalidID
	}
	return time.UnixMilli(int64(t)), nil
}
