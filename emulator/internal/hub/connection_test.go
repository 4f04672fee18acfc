package hub_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/emulator/internal/hub"
	"github.com/go-webpubsub/webpubsub/emulator/internal/role"
	"github.com/go-webpubsub/webpubsub/emulator/internal/subprotocol"
	"github.com/go-webpubsub/webpubsub/emulator/internal/trace"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// late is a clock whose timers cannot be stopped. The test fires them, also after Stop,
// as if Stop had been too late.
type late struct {
	now   time.Time
	fires []func()
}

func (c *late) Now() time.Time { return c.now }
func (c *late) AfterFunc(_ time.Duration, f func()) (stop func() bool) {
	c.fires = append(c.fires, f)
	return func() bool { return false }
}

// ends is an event handler that records the reasons of disconnected events, and counts
// members of groups by joined and left events.
type ends struct {
	hub.EventHandler // nil: its other methods are not called

	mu      sync.Mutex
	reasons []string
	members int
}

func (*ends) Connected(*hub.Connection) {}
func (e *ends) Joined(*hub.Connection, string, trace.Context) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.members++
}
func (e *ends) Left(*hub.Connection, string, trace.Context) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.members--
}
func (e *ends) Disconnected(_ *hub.Connection, reason string, _ trace.Context) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.reasons = append(e.reasons, reason)
}

func (e *ends) all() []string { e.mu.Lock(); defer e.mu.Unlock(); return e.reasons }

func newHub(clock hub.Clock, events hub.EventHandler) *hub.Hub {
	return hub.New(hub.Config{Events: events, Clock: clock, MaxGroups: hub.DefaultMaxGroups}).Hub("chat")
}

func output(name string) hub.Output { return subprotocol.Choose(name, subprotocol.Raw{}).Output() }

func newLink(frames *[]string) *hub.Link {
	l := hub.NewLink(func(batch []hub.Frame) error {
		for _, f := range batch {
			if f.SequenceID != 0 {
				f.Data = f.Codec.AppendSequenced(nil, f.Data, f.SequenceID)
			}
			*frames = append(*frames, string(f.Data))
		}
		return nil
	}, func() {})
	l.Open()
	return l
}

func connect(t *testing.T, h *hub.Hub, l *hub.Link) *hub.Connection {
	t.Helper()
	roles, err := role.Parse([]string{"webpubsub.sendToGroup"})
	require.NoError(t, err)
	return h.Connect(&hub.Client{ID: "c", Roles: roles, Groups: []string{"g"}}, output(wire.SubprotocolJSONReliable), l)
}

// A connection ends once, without a deadlock, when everything that can end it happens at
// the same time.
func TestConnectionEndsOnce(t *testing.T) {
	t.Parallel()
	for range 50 {
		synctest.Test(t, func(t *testing.T) {
			seen := &ends{}
			h := newHub(hub.SystemClock{}, seen)
			var frames, others [][]string
			frames, others = make([][]string, 1), make([][]string, 4)
			l := newLink(&frames[0])
			c := connect(t, h, l)
			var all sync.WaitGroup
			for i := range others {
				all.Go(func() {
					if r := c.Recover(c.ReconnectionToken); r != nil {
						r.Resume(newLink(&others[i]))
					}
				})
			}
			all.Go(func() { c.Lost(l, hub.Loss{Final: true, Reason: "lost"}) })
			all.Go(func() { c.CloseByServer("") })
			all.Go(func() { h.Shutdown(hub.CloseGoingAway, "stop") })
			all.Go(func() { _, _ = h.Join(hub.Target{}, "x") })
			all.Go(func() { h.Leave(hub.Target{}, "") })
			all.Go(func() { h.Send(hub.Target{}, &hub.Message{Type: hub.Text}, 0) })
			all.Wait()
			synctest.Wait()
			h.Shutdown(hub.CloseGoingAway, "stop")
			assert.Len(t, seen.all(), 1)
			assert.Zero(t, seen.members, "as many left events as joined events")
			assert.False(t, h.Exists(hub.Target{}))
			assert.False(t, h.Exists(hub.Target{Group: "x"}), "groups without connections do not exist")
			pass := time.After(time.Minute)
			<-pass
		})
	}
}
