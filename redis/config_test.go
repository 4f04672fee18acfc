package redis_test

import (
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/redis"
)

// Each constructor checks its configuration, and names the field.
func TestConfig(t *testing.T) {
	t.Parallel()
	client := newClient(t, "redis://"+miniredis.RunT(t).Addr())
	for want, cfg := range map[string]redis.Config{
		"Client is nil, want the result of rueidis.NewClient":                  {},
		"Prefix has 65 bytes, want at most 64":                                 {Client: client, Prefix: strings.Repeat("p", 65)},
		`Prefix is "{a}", want letters, digits, and characters of "._-:" only`: {Client: client, Prefix: "{a}"},
		`Prefix is "a b", want letters, digits, and characters of "._-:" only`: {Client: client, Prefix: "a b"},
		"Timeout is -1s, want 0 or more":                                       {Client: client, Timeout: -time.Second},
	} {
		_, err := redis.NewDeduplicationStore(cfg)
		require.EqualError(t, err, "redis: deduplication store: "+want)
		_, err = redis.NewPresenceStore(cfg)
		require.EqualError(t, err, "redis: presence store: "+want)
		_, err = redis.NewHistory(cfg, redis.HistoryLimits{})
		require.EqualError(t, err, "redis: history: "+want)
	}
	for want, limits := range map[string]redis.HistoryLimits{
		"redis: history: MaxEntries is -1, want 0 or more":     {MaxEntries: -1},
		"redis: history: MaxAge is 1ms, want 0 or at least 1s": {MaxAge: time.Millisecond},
		"redis: history: MaxEntryBytes is -1, want 0 or more":  {MaxEntryBytes: -1},
	} {
		_, err := redis.NewHistory(redis.Config{Client: client}, limits)
		require.EqualError(t, err, want)
	}
}
