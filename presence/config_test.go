package presence_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/presence"
	"github.com/go-webpubsub/webpubsub/service"
)

func TestConfigErrors(t *testing.T) {
	t.Parallel()
	client, err := service.NewClientFromConnectionString("Endpoint=http://localhost;AccessKey=abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG=;Version=1.0;", "other", nil)
	require.NoError(t, err)
	for name, tc := range map[string]struct {
		change func(c *presence.Config)
		want   string
	}{
		"no hub":             {func(c *presence.Config) { c.Hub = "" }, "presence: Hub: hub \"\": want a letter, then at most 127 letters, digits or characters of _`,.[] (no hyphen, no space)"},
		"no store":           {func(c *presence.Config) { c.Store = nil }, "presence: Store is nil: set it, for example to the result of NewMemoryStore"},
		"a nil store":        {func(c *presence.Config) { c.Store = (*presence.MemoryStore)(nil) }, "presence: Store is nil: set it, for example to the result of NewMemoryStore"},
		"a nil lister":       {func(c *presence.Config) { c.Lister = (*lister)(nil) }, "presence: Lister is a nil *presence_test.lister"},
		"another hub":        {func(c *presence.Config) { c.Lister = presence.FromService(client) }, `presence: Lister is for hub "other", want Hub, which is "chat": its rounds would remove everybody`},
		"a blank group":      {func(c *presence.Config) { c.Groups = []string{"a", " "} }, `presence: Groups[1]: group " ": want 1 to 1024 characters of UTF-8, not blank, without line feed`},
		"Interval":           {func(c *presence.Config) { c.Interval = time.Millisecond }, "presence: Interval is 1ms, want 0 for the default, or at least 1s"},
		"TTL":                {func(c *presence.Config) { c.TTL = -1 }, "presence: TTL is -1ns, want 0 for the default, or at least 1s"},
		"WatchInterval":      {func(c *presence.Config) { c.WatchInterval = 1 }, "presence: WatchInterval is 1ns, want 0 for the default, or at least 1ms"},
		"MaxChecks":          {func(c *presence.Config) { c.MaxChecks = -1 }, "presence: MaxChecks is -1, want 0 for the default, or at least 1"},
		"MaxListed":          {func(c *presence.Config) { c.MaxListed = -1 }, "presence: MaxListed is -1, want 0 for the default, or at least 1"},
		"Parallel":           {func(c *presence.Config) { c.Parallel = -1 }, "presence: Parallel is -1, want 0 for the default, or at least 1"},
		"Lease":              {func(c *presence.Config) { c.Lease = time.Millisecond }, "presence: Lease is 1ms, want 0 for the default, or at least 1s"},
		"Lease for a Lister": {func(c *presence.Config) { c.Lister, c.Lease = new(lister), 3*time.Minute }, "presence: Lease is 3m0s, want 0 for the default, or at least 4m0s"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := presence.Config{Hub: "Chat", Store: memory(t)}
			tc.change(&cfg)
			_, err := presence.NewTracker(cfg)
			require.EqualError(t, err, tc.want)
		})
	}
}

func TestFromServiceOfNil(t *testing.T) {
	t.Parallel()
	assert.Nil(t, presence.FromService(nil))
}

func TestMemoryStoreOptions(t *testing.T) {
	t.Parallel()
	for want, opts := range map[string]presence.MemoryStoreOptions{
		"presence: memory store: MaxConnections is -1, want 0 or more": {MaxConnections: -1},
		"presence: memory store: MaxMembers is -1, want 0 or more":     {MaxMembers: -1},
		"presence: memory store: MaxGroups is -1, want 0 or more":      {MaxGroups: -1},
	} {
		_, err := presence.NewMemoryStore(&opts)
		require.EqualError(t, err, want)
	}
}
