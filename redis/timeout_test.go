package redis_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/redis/rueidis"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/presence"
	"github.com/go-webpubsub/webpubsub/redis"
)

// watched is a client that notes the deadline of everything that is sent.
type watched struct {
	rueidis.Client
	deadlines []time.Time
}

func (w *watched) Do(ctx context.Context, command rueidis.Completed) rueidis.RedisResult {
	w.note(ctx)
	return w.Client.Do(ctx, command)
}

func (w *watched) DoMulti(ctx context.Context, commands ...rueidis.Completed) []rueidis.RedisResult {
	w.note(ctx)
	return w.Client.DoMulti(ctx, commands...)
}

func (w *watched) note(ctx context.Context) {
	deadline, _ := ctx.Deadline()
	w.deadlines = append(w.deadlines, deadline)
}

// The Timeout is that of a call, however often it asks the server.
func TestTimeoutIsOfTheCall(t *testing.T) {
	t.Parallel()
	direct := startServer(t).client(t)
	client := &watched{Client: direct}
	s := storesWith(t, redis.Config{Client: client, Timeout: time.Minute})
	ctx := t.Context()
	begin := func() error { _, _, err := s.events.Begin(ctx, "k", "a", time.Hour); return err }
	join := func(user, group string) error {
		return s.presence.Apply(ctx, hub, joins(presence.Member{ConnectionID: "c1", UserID: user}, group), time.Hour, time.Hour)
	}
	members := func(since int64) error { _, err := s.presence.Members(ctx, hub, "g", since); return err }
	for name, call := range map[string]func() error{
		"renewal":               begin,
		"another user":          func() error { return join(fmt.Sprint("bob", len(client.deadlines)), "g") },
		"members of a revision": func() error { return members(1) },
		"an ended lease, read":  func() error { advance(t, direct, 2*time.Hour); return members(0) },
		"an ended lease, event": func() error {
			require.NoError(t, join("ann", "g"))
			advance(t, direct, 2*time.Hour)
			client.deadlines = nil
			return join("ann", "h")
		},
	} {
		require.NoError(t, begin(), name) // the call before may have ended its lease
		require.NoError(t, join("ann", "g"), name)
		client.deadlines = nil
		require.NoError(t, call(), name)
		require.Greater(t, len(client.deadlines), 1, name)
		for _, deadline := range client.deadlines {
			assert.Equal(t, client.deadlines[0], deadline, name)
		}
	}
}
