package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	nethttptest "net/http/httptest"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/emulator"
	"github.com/go-webpubsub/webpubsub/httptest"
)

// counter is a connection's state.
type counter struct {
	Count int `json:"count"`
}

// lossy loses the first answers to user events, as a proxy does that answers 502.
type lossy struct {
	http.Handler
	lose int32
	lost atomic.Int32
}

func (l *lossy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("ce-eventName") != "add" || l.lost.Load() >= l.lose {
		l.Handler.ServeHTTP(w, r)
		return
	}
	l.lost.Add(1)
	l.Handler.ServeHTTP(nethttptest.NewRecorder(), r)
	w.WriteHeader(http.StatusBadGateway)
}

// TestEmulatorRepeatsAnEvent: the emulator delivers an event again whose answer was lost. It
// takes effect once, and the client and the connection's sealed state get the answer of the
// first delivery.
func TestEmulatorRepeatsAnEvent(t *testing.T) {
	t.Parallel()
	keys, err := webpubsub.NewSealKeys([]byte("a key for tests: 32 bytes, fixed"))
	require.NoError(t, err)
	state := webpubsub.State[counter]{Seal: keys, Required: true}
	store, err := webpubsub.NewMemoryStore(nil)
	require.NoError(t, err)
	var added atomic.Int32
	repeats := make(chan webpubsub.Outcome, 10)
	h, err := webpubsub.NewHandler(webpubsub.Config{
		Logger:            slog.New(slog.DiscardHandler),
		ConnectionStrings: []string{httptest.ConnectionString},
		Deduplication:     webpubsub.Deduplication{Store: store},
		Observe: func(_ context.Context, o webpubsub.Outcome) {
			if o.Kind == webpubsub.OutcomeRepeated {
				repeats <- o
			}
		},
		OnConnect: func(context.Context, *webpubsub.ConnectEvent) (*webpubsub.ConnectReply, error) {
			return &webpubsub.ConnectReply{State: state.Set(counter{Count: 40})}, nil
		},
		UserEvents: map[string]webpubsub.UserEventFunc{
			"add": func(_ context.Context, ev *webpubsub.UserEvent) (webpubsub.Reply, error) {
				c, err := state.Get(ev)
				if err != nil {
					return webpubsub.Reply{}, err
				}
				c.Count++
				reply := webpubsub.TextReply(fmt.Sprintf("count %d, added %d", c.Count, added.Add(1)))
				reply.State = state.Set(c)
				return reply, nil
			},
		},
	})
	require.NoError(t, err)
	front := &lossy{Handler: h, lose: 1}
	w := newWorld(t, emulator.Config{Origin: "localhost", Hubs: map[string]emulator.Hub{hub: {EventHandlers: []emulator.EventHandler{emulator.InMemory(front)}}}})

	p := w.user("ann")
	for i := range 2 {
		p.send(fmt.Sprintf(`{"type":"event","event":"add","ackId":%d,"dataType":"text","data":""}`, i+1))
		p.hears("server", "text", fmt.Sprintf("count %d, added %d", 41+i, 1+i))
		require.JSONEq(t, fmt.Sprintf(`{"type":"ack","ackId":%d,"success":true}`, i+1), p.read())
	}
	o := <-repeats
	assert.Equal(t, "add", o.Function)
	assert.Equal(t, http.StatusOK, o.Status)
	assert.Empty(t, repeats)
}

// mortal is a process's access to a store, which ends with the process. The process ends
// in a function, so it does not come to Finish.
type mortal struct {
	webpubsub.DeduplicationStore
	dead atomic.Bool
}

var errDead = errors.New("process has ended")

func (m *mortal) Begin(ctx context.Context, key, claim string, lease time.Duration) (webpubsub.ClaimState, []byte, error) {
	if m.dead.Load() {
		return 0, nil, errDead
	}
	return m.DeduplicationStore.Begin(ctx, key, claim, lease)
}

func (m *mortal) Abandon(ctx context.Context, key, claim string, ttl time.Duration) error {
	if m.dead.Load() {
		return errDead
	}
	return m.DeduplicationStore.Abandon(ctx, key, claim, ttl)
}

// TestProcessDies: a process dies while it handles an event. The claim expires before the
// service's last delivery, which another process handles, once. Lease and retries are the
// defaults.
func TestProcessDies(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		runs      time.Duration   // until the process dies
		delivered []time.Duration // to the other process
	}{
		"at once":                       {0, []time.Duration{1 * time.Second, 4 * time.Second, 9 * time.Second}},
		"just before the claim renewed": {1999 * time.Millisecond, []time.Duration{2999 * time.Millisecond, 5999 * time.Millisecond, 10999 * time.Millisecond}},
		"just after the claim renewed":  {2001 * time.Millisecond, []time.Duration{3001 * time.Millisecond, 6001 * time.Millisecond, 11001 * time.Millisecond}},
		"after a long time":             {91 * time.Second, []time.Duration{92 * time.Second, 95 * time.Second, 100 * time.Second}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				store, err := webpubsub.NewMemoryStore(nil)
				require.NoError(t, err)
				dying := &mortal{DeduplicationStore: store}
				start := time.Now()
				var begun, handled int
				var statuses []int
				process := func(store webpubsub.DeduplicationStore, f webpubsub.UserEventFunc) *webpubsub.Handler {
					h, err := webpubsub.NewHandler(webpubsub.Config{
						Logger:            slog.New(slog.DiscardHandler),
						ConnectionStrings: []string{httptest.ConnectionString},
						Deduplication:     webpubsub.Deduplication{Store: store},
						Fallback:          f,
						Observe: func(_ context.Context, o webpubsub.Outcome) {
							if o.EventKind == webpubsub.EventKindUser {
								statuses = append(statuses, o.Status)
							}
						},
					})
					require.NoError(t, err)
					return h
				}
				first := process(dying, func(context.Context, *webpubsub.UserEvent) (webpubsub.Reply, error) {
					begun++
					<-time.After(tc.runs)
					dying.dead.Store(true)
					panic(http.ErrAbortHandler) // the connection breaks
				})
				second := process(store, func(context.Context, *webpubsub.UserEvent) (webpubsub.Reply, error) {
					handled++
					return webpubsub.TextReply("handled"), nil
				})
				var delivered []time.Duration
				front := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.Header.Get("ce-eventName") != "pay" || !dying.dead.Load() {
						first.ServeHTTP(w, r)
						return
					}
					delivered = append(delivered, time.Since(start))
					second.ServeHTTP(w, r)
				})
				svc := httptest.New(front, &httptest.Options{Retry: true})
				conn, err := svc.Connect(t.Context(), nil)
				require.NoError(t, err)
				msg, err := conn.SendText(t.Context(), "pay", "1")
				require.NoError(t, err)
				assert.Equal(t, "handled", msg.Text())
				assert.Equal(t, []int{1, 1}, []int{begun, handled})
				assert.Equal(t, []int{503, 503, 200}, statuses[len(statuses)-3:])
				assert.Equal(t, tc.delivered, delivered)

				msg, err = conn.Redeliver(t.Context())
				require.NoError(t, err)
				assert.Equal(t, "handled", msg.Text(), "no more")
				assert.Equal(t, []int{1, 1}, []int{begun, handled})
			})
		})
	}
}
