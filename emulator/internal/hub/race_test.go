package hub_test

import (
	"context"
	"encoding/json"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/emulator/internal/hub"
	"github.com/go-webpubsub/webpubsub/emulator/internal/role"
	"github.com/go-webpubsub/webpubsub/emulator/internal/subprotocol"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// late is a clock whose timers cannot be stopped any more: they fire when the
// test says so, as one does that fires in the moment in which it is stopped.
type late struct {
	now   time.Time
	fires []func()
}

func (c *late) Now() time.Time { return c.now }
func (c *late) AfterFunc(_ time.Duration, f func()) hub.Timer {
	c.fires = append(c.fires, f)
	return never{}
}

type never struct{}

func (never) Stop() bool { return false }

// ends is an observer that counts the ends of connections, and those that are in
// groups by what it has heard.
type ends struct {
	mu      sync.Mutex
	reasons []string
	members int
}

func (*ends) Connected(*hub.Connection)        {}
func (e *ends) Joined(*hub.Connection, string) { e.mu.Lock(); defer e.mu.Unlock(); e.members++ }
func (e *ends) Left(*hub.Connection, string)   { e.mu.Lock(); defer e.mu.Unlock(); e.members-- }
func (e *ends) Disconnected(_ *hub.Connection, reason string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.reasons = append(e.reasons, reason)
}

func (e *ends) all() []string { e.mu.Lock(); defer e.mu.Unlock(); return e.reasons }

// TestGreetedInItsGroups: a client that has been greeted is in its first groups,
// and hears the greeting before anything that is said there.
func TestGreetedInItsGroups(t *testing.T) {
	t.Parallel()
	greeted := make(chan struct{})
	h := hub.New("chat", hub.SystemClock{}, &slow{until: greeted})
	var frames []string
	members := 0
	l := hub.NewLink(func(f hub.Frame) error {
		if frames = append(frames, string(f.Data)); len(frames) == 1 {
			members = len(h.Select(hub.Target{Group: "lobby"}))
			close(greeted)
		}
		return nil
	}, func() {})
	l.Open()
	h.Connect(context.Background(), hub.Client{ID: "c", Codec: subprotocol.Choose(wire.SubprotocolJSON), Groups: []string{"lobby", "lobby"}}, l)
	h.Send(hub.Target{Group: "lobby"}, &hub.Message{Type: hub.Text, Data: []byte("hello")}, 0)
	l.Wait()
	assert.Equal(t, 1, members)
	require.Len(t, frames, 2)
	assert.Contains(t, frames[0], "connected")
	assert.Contains(t, frames[1], "hello")
}

// slow is an observer that learns of a connection only when its client has been
// greeted.
type slow struct {
	ends
	until chan struct{}
}

func (s *slow) Connected(*hub.Connection) { <-s.until }

func newLink(frames *[]string) *hub.Link {
	l := hub.NewLink(func(f hub.Frame) error {
		*frames = append(*frames, string(f.Data))
		return nil
	}, func() {})
	l.Open()
	return l
}

func connect(t *testing.T, h *hub.Hub, l *hub.Link) *hub.Connection {
	t.Helper()
	roles, err := role.Parse([]string{"webpubsub.sendToGroup"})
	require.NoError(t, err)
	return h.Connect(context.Background(), hub.Client{ID: "c", Codec: subprotocol.Choose(wire.SubprotocolJSONReliable), Roles: roles, Groups: []string{"g"}}, l)
}

func TestEndsThatComeTooLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		clock, seen := &late{now: time.Now()}, &ends{}
		h := hub.New("chat", clock, seen)
		var first, second, third []string
		l1, l2, l3 := newLink(&first), newLink(&second), newLink(&third)
		c := connect(t, h, l1)
		require.True(t, h.Recover("c", c.ReconnectionToken).TakeUp(l2))
		c.Lost(l1, true, "the old socket's goodbye")
		assert.True(t, c.Serves(l2))
		c.Lost(l2, false, "cut")
		require.Len(t, clock.fires, 1)
		late := h.Recover("c", c.ReconnectionToken)
		require.True(t, h.Recover("c", c.ReconnectionToken).TakeUp(l3))
		assert.False(t, late.TakeUp(newLink(&third)), "an earlier attempt")
		clock.fires[0]() // the window ends while the client is back
		assert.True(t, c.Serves(l3))
		c.Lost(l3, false, "cut again")
		clock.fires[0]() // the first window has no say over the second
		require.NotNil(t, h.Connection("c"))
		assert.Empty(t, seen.all())
		clock.fires[1]()
		assert.Nil(t, h.Connection("c"))
		assert.Nil(t, h.Recover("c", c.ReconnectionToken))
		clock.fires[1]()
		c.End(hub.CloseNormal, "again")
		assert.Equal(t, []string{"The connection recovery timeout expired."}, seen.all())
		synctest.Wait()
	})
}

func TestStreamTimerThatComesTooLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		clock := &late{now: time.Now()}
		h := hub.New("chat", clock, &ends{})
		var frames []string
		c := connect(t, h, newLink(&frames))
		_ = c.StartStream("s", "nobody", true, time.Second)
		clock.now = clock.now.Add(999 * time.Millisecond)
		c.StreamData("s", 1, &hub.Message{Type: hub.Text})
		clock.now = clock.now.Add(time.Millisecond)
		clock.fires[0]() // the timer of the start, which the data was too late to stop
		c.StreamData("s", 2, &hub.Message{Type: hub.Text})
		synctest.Wait()
		var last map[string]any
		require.NoError(t, json.Unmarshal([]byte(frames[len(frames)-1]), &last))
		assert.Equal(t, map[string]any{"type": "streamAck", "streamId": "s", "expectedSequenceId": 3.0}, last)
	})
}

// Everything that can end a connection at once, at once: it ends once, and
// nothing deadlocks.
func TestEndsAtTheSameTime(t *testing.T) {
	t.Parallel()
	for range 50 {
		synctest.Test(t, func(t *testing.T) {
			seen := &ends{}
			h := hub.New("chat", hub.SystemClock{}, seen)
			var frames, others [][]string
			frames, others = make([][]string, 1), make([][]string, 4)
			l := newLink(&frames[0])
			c := connect(t, h, l)
			var all sync.WaitGroup
			for i := range others {
				all.Go(func() {
					if r := h.Recover("c", c.ReconnectionToken); r != nil {
						r.TakeUp(newLink(&others[i]))
					}
				})
			}
			all.Go(func() { c.Lost(l, true, "lost") })
			all.Go(func() { c.CloseByServer("") })
			all.Go(func() { h.Shutdown(hub.CloseGoingAway, "stop") })
			all.Go(func() { _, _ = h.Join(hub.Target{}, "x") })
			all.Go(func() { h.Leave(hub.Target{}, "") })
			all.Go(func() { h.Send(hub.Target{}, &hub.Message{Type: hub.Text}, 0) })
			all.Wait()
			h.Shutdown(hub.CloseGoingAway, "stop")
			assert.Len(t, seen.all(), 1)
			assert.Zero(t, seen.members, "who is told of the groups is told once")
			assert.Zero(t, h.Len())
			assert.False(t, h.Exists(hub.Target{Group: "x"}), "no group keeps an ended connection")
			pass := time.After(time.Minute)
			<-pass
		})
	}
}
