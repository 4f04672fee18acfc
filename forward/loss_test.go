package forward_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	stdhttptest "net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"

	cloudevents "github.com/cloudevents/sdk-go/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/forward"
	"github.com/go-webpubsub/webpubsub/httptest"
)

// network is between service and handler. It loses events, and answers to them.
type network struct {
	h http.Handler

	mu   sync.Mutex
	rand *rand.Rand
}

func (n *network) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n.cut()
	answer := stdhttptest.NewRecorder()
	n.h.ServeHTTP(answer, r)
	n.cut()
	w.WriteHeader(answer.Code)
}

func (n *network) cut() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.rand.IntN(4) == 0 {
		panic(http.ErrAbortHandler)
	}
}

// unreliable is a queue that fails in every way, before and after it has stored an event.
type unreliable struct {
	queue

	lock sync.Mutex
	rand *rand.Rand
}

func (u *unreliable) Send(ctx context.Context, ev cloudevents.Event) cloudevents.Result {
	u.lock.Lock()
	stores, fate := u.rand.IntN(3) > 0, u.rand.IntN(10)
	u.lock.Unlock()
	if stores {
		_ = u.queue.Send(ctx, ev)
	}
	switch {
	case fate == 0:
		return errDown
	case fate == 1:
		panic("no")
	case fate == 2:
		panic(http.ErrAbortHandler)
	case fate == 3:
		<-ctx.Done()
		return ctx.Err()
	case !stores:
		return cloudevents.ResultNACK
	}
	return cloudevents.ResultACK
}

// Whatever fails on the way, an event that the service sees succeed is in the queue,
// once, and its function has run.
func TestNothingAcknowledgedIsLost(t *testing.T) {
	t.Parallel()
	const connections, each = 20, 50
	for _, handleFirst := range []bool{false, true} {
		t.Run(fmt.Sprintf("HandleFirst=%t", handleFirst), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var handled sync.Map
				q := unreliable{rand: rand.New(rand.NewPCG(1, 2))}
				h := handler(t, webpubsub.Config{Fallback: func(_ context.Context, ev *webpubsub.UserEvent) (webpubsub.Reply, error) {
					handled.Store(string(ev.Data), true)
					return webpubsub.Reply{}, nil
				}}, interceptor(t, q.Send, &forward.Options{HandleFirst: handleFirst}))
				lossy := &network{h: h, rand: rand.New(rand.NewPCG(3, 4))}
				var succeeded sync.Map
				var all sync.WaitGroup
				for c := range connections {
					all.Go(func() {
						id := fmt.Sprintf("c%d", c)
						conn := connectThrough(t, httptest.New(lossy, &httptest.Options{Retry: true}), id)
						for i := range each {
							text := fmt.Sprintf("%s %d", id, i)
							if _, err := conn.SendText(t.Context(), "say", text); err == nil {
								succeeded.Store(text, true)
							}
						}
					})
				}
				all.Wait()
				check(t, &q, &handled, &succeeded, connections*each)
			})
		})
	}
}

// connectThrough connects a client of a network that loses events.
func connectThrough(t *testing.T, svc *httptest.Service, id string) *httptest.Conn {
	t.Helper()
	for range 10 {
		if conn, err := svc.Connect(t.Context(), &httptest.Client{ConnectionID: id}); err == nil {
			return conn
		}
	}
	panic("all deliveries of connect events were cut")
}

func check(t *testing.T, q *unreliable, handled, succeeded *sync.Map, events int) {
	t.Helper()
	times := make(map[string]int)
	for _, ev := range q.events {
		times[string(ev.Data())]++
	}
	n := 0
	for text := range succeeded.Range {
		n++
		assert.Equal(t, 1, times[text.(string)], "%s in the queue", text)
		_, ok := handled.Load(text)
		assert.True(t, ok, "%s was not handled", text)
	}
	require.Greater(t, n, events/2, "most events succeed")
	require.Less(t, n, events, "some events fail four times")
	assert.Greater(t, q.received, len(q.events), "some events were sent again")
}
