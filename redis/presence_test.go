package redis_test

import (
	"context"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/rueidis"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/presence"
	"github.com/go-webpubsub/webpubsub/presence/presencetest"
	"github.com/go-webpubsub/webpubsub/redis"
)

func presenceStore(tb testing.TB, client rueidis.Client) *redis.PresenceStore {
	tb.Helper()
	s, err := redis.NewPresenceStore(redis.Config{Client: client})
	require.NoError(tb, err)
	return s
}

// shiftedClock is a clock that function advance moves.
const shiftedClock = `
local function clock()
	local time = redis.call('TIME')
	return time[1] * 1000 + math.floor(time[2] / 1000) + (redis.call('GET', KEYS[1] .. ':shift') or 0)
end
`

// slowPresence is a store whose times are a hundred times as long, so that a busy machine
// does not let a lease end between two calls.
type slowPresence struct{ presence.Store }

func (s slowPresence) Apply(ctx context.Context, hub string, ev presence.Event, lease, ttl time.Duration) error {
	return s.Store.Apply(ctx, hub, ev, slowdown*lease, slowdown*ttl)
}

func (s slowPresence) Leases(ctx context.Context, hub string, within time.Duration, limit int) ([]presence.Lease, error) {
	return s.Store.Leases(ctx, hub, slowdown*within, limit)
}

func (s slowPresence) Repair(ctx context.Context, hub string, r presence.Repair, lease, ttl time.Duration) error {
	return s.Store.Repair(ctx, hub, r, slowdown*lease, slowdown*ttl)
}

func (s slowPresence) Lead(ctx context.Context, hub, holder string, lease time.Duration) (bool, error) {
	return s.Store.Lead(ctx, hub, holder, slowdown*lease)
}

func testPresenceStore(t *testing.T, clients ...rueidis.Client) {
	t.Helper()
	var stores []presence.Store
	for _, c := range clients {
		s, err := redis.NewPresenceStoreWithClock(redis.Config{Client: c}, shiftedClock)
		require.NoError(t, err)
		stores = append(stores, slowPresence{s})
	}
	wait := func(d time.Duration) { advance(t, clients[0], slowdown*d) }
	require.NoError(t, presencetest.TestStore(t.Context(), wait, stores...))
}

func TestPresenceStore(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	testPresenceStore(t, s.client(t))
	testPresenceStore(t, s.client(t), s.client(t), s.client(t))
}

func TestPresenceStoreOnMiniredis(t *testing.T) {
	t.Parallel()
	m := miniredis.RunT(t)
	s := presenceStore(t, newClient(t, "redis://"+m.Addr()))
	now := time.Now()
	m.SetTime(now)
	wait := func(d time.Duration) {
		now = now.Add(d)
		m.SetTime(now)
		m.FastForward(d)
	}
	require.NoError(t, presencetest.TestStore(t.Context(), wait, s, s))
}
