package presencetest_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/presence"
	"github.com/go-webpubsub/webpubsub/presence/presencetest"
)

// clock is a fake clock.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func memory(tb testing.TB) (presence.Store, *clock) {
	tb.Helper()
	c := &clock{now: time.Unix(0, 0)}
	s, err := presence.NewMemoryStore(&presence.MemoryStoreOptions{Now: c.Now})
	require.NoError(tb, err)
	return s, c
}

func TestMemoryStore(t *testing.T) {
	t.Parallel()
	s, c := memory(t)
	require.NoError(t, presencetest.TestStore(t.Context(), c.Advance, s))
	require.NoError(t, presencetest.TestStore(t.Context(), c.Advance, s, s, s), "again, and with several handles")
}

// The clock can be the machine's: the tests wait for less than a minute.
func TestMachineClock(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, err := presence.NewMemoryStore(nil)
		require.NoError(t, err)
		start := time.Now()
		wait := func(d time.Duration) { <-time.After(d) }
		require.NoError(t, presencetest.TestStore(t.Context(), wait, s))
		assert.Less(t, time.Since(start), time.Minute)
	})
}

func TestArguments(t *testing.T) {
	t.Parallel()
	s, c := memory(t)
	require.EqualError(t, presencetest.TestStore(t.Context(), c.Advance), "presencetest: no store given")
	require.EqualError(t, presencetest.TestStore(t.Context(), nil, s), "presencetest: advance is nil")
}

// TestRoom: the documentation of TestStore says how much room a store needs.
func TestRoom(t *testing.T) {
	t.Parallel()
	c := new(clock)
	s, err := presence.NewMemoryStore(&presence.MemoryStoreOptions{MaxConnections: 2000, MaxGroups: 300, MaxMembers: 3000, Now: c.Now})
	require.NoError(t, err)
	require.NoError(t, presencetest.TestStore(t.Context(), c.Advance, s))
}
