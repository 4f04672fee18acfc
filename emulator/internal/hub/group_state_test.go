package hub_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/emulator/internal/hub"
	"github.com/go-webpubsub/webpubsub/emulator/internal/role"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// watcher is a client that keeps the states of group g, as clients do.
type watcher struct {
	t      *testing.T
	link   *hub.Link
	mu     sync.Mutex
	states map[string]string
	times  map[string]int64
}

func newWatcher(t *testing.T) *watcher {
	t.Helper()
	w := &watcher{t: t, states: make(map[string]string), times: make(map[string]int64)}
	w.link = hub.NewLink(func(batch []hub.Frame) error {
		for _, f := range batch {
			if err := w.write(f); err != nil {
				return err
			}
		}
		return nil
	}, func() {})
	w.link.Open()
	return w
}

func (w *watcher) write(f hub.Frame) error {
	var m struct {
		Type  string
		Items []struct {
			ConnectionID string
			State        map[string]string
			UpdatedAt    int64
		}
	}
	if f.Kind == hub.FrameClose {
		return nil
	}
	if err := json.Unmarshal(f.Data, &m); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if m.Type == "groupStateSnapshot" {
		clear(w.states)
		clear(w.times)
	}
	for _, item := range m.Items {
		assert.Greater(w.t, item.UpdatedAt, w.times[item.ConnectionID], "%s", f.Data)
		w.times[item.ConnectionID] = item.UpdatedAt
		delete(w.states, item.ConnectionID)
		if item.State != nil {
			w.states[item.ConnectionID] = item.State["k"]
		}
	}
	return nil
}

func (w *watcher) all() map[string]string {
	w.link.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.states
}

func stateClient(t *testing.T, id string) *hub.Client {
	t.Helper()
	roles, err := role.Parse([]string{"webpubsub.joinLeaveGroup", "webpubsub.getGroupState", "webpubsub.setGroupState"})
	require.NoError(t, err)
	return &hub.Client{ID: id, Groups: []string{"g"}, Roles: roles}
}

// TestGroupStateConverges has clients set and clear their states, leave, join and end at the
// same time. Whoever watches from the beginning has in the end what a new client gets.
func TestGroupStateConverges(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHub(hub.SystemClock{}, &ends{})
		first, last := newWatcher(t), newWatcher(t)
		h.Connect(stateClient(t, "first"), output(wire.SubprotocolJSON), first.link).Do(hub.SubscribeGroupState{Group: "g"})
		synctest.Wait()
		var running sync.WaitGroup
		for i := range 8 {
			seed := rand.New(rand.NewPCG(uint64(i), 1))
			running.Go(func() {
				w := newWatcher(t)
				c := h.Connect(stateClient(t, fmt.Sprint("c", i)), output(wire.SubprotocolJSON), w.link)
				for n := range 100 {
					switch seed.IntN(8) {
					case 0:
						c.Do(hub.LeaveGroup{Group: "g"})
					case 1:
						c.Do(hub.SubscribeGroupState{Group: "g"})
					case 2:
						c.Do(hub.SetGroupState{Group: "g"})
					case 3:
						h.Leave(hub.Target{ConnectionID: c.ID}, "g") // as REST does, beside the client's requests
					default:
						c.Do(hub.JoinGroup{Group: "g"})
						c.Do(hub.SetGroupState{Group: "g", State: map[string]string{"k": fmt.Sprint(n)}})
					}
				}
				if i%2 == 0 {
					c.End(hub.CloseNormal, "end")
				}
			})
		}
		running.Wait()
		synctest.Wait()
		h.Connect(stateClient(t, "last"), output(wire.SubprotocolJSON), last.link).Do(hub.SubscribeGroupState{Group: "g"})
		synctest.Wait()
		assert.Equal(t, last.all(), first.all())
		assert.NotContains(t, last.all(), "c0", "its connection has ended")
		h.Shutdown(hub.CloseGoingAway, "end")
	})
}

// TestGroupStateOfSlowSubscriber checks that a subscriber that cannot receive an update is
// closed, and the others receive it.
func TestGroupStateOfSlowSubscriber(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := new(ends)
		h := newHub(hub.SystemClock{}, e)
		w, silent := newWatcher(t), newWatcher(t) // silent acknowledges nothing
		h.Connect(stateClient(t, "silent"), output(wire.SubprotocolJSONReliable), silent.link).Do(hub.SubscribeGroupState{Group: "g"})
		synctest.Wait()
		c := h.Connect(stateClient(t, "c"), output(wire.SubprotocolJSON), w.link)
		c.Do(hub.SubscribeGroupState{Group: "g"})
		for n := range 1001 {
			c.Do(hub.SetGroupState{Group: "g", State: map[string]string{"k": fmt.Sprint(n)}})
		}
		synctest.Wait()
		assert.Equal(t, []string{"The reliable message buffer is full."}, e.all())
		assert.Equal(t, map[string]string{"c": "1000"}, w.all())
		h.Shutdown(hub.CloseGoingAway, "end")
	})
}
