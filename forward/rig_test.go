package forward_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	stdhttptest "net/http/httptest"
	"strings"
	"sync"
	"testing"

	cloudevents "github.com/cloudevents/sdk-go/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/forward"
	"github.com/go-webpubsub/webpubsub/httptest"
)

// queue is a receiver that drops repeats by their message id.
type queue struct {
	mu       sync.Mutex
	events   []cloudevents.Event
	known    map[string]bool
	received int // repeats included
}

// Send is a [forward.Sender].
func (q *queue) Send(_ context.Context, ev cloudevents.Event) cloudevents.Result {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.received++
	if id := forward.MessageID(ev); !q.known[id] {
		if q.known == nil {
			q.known = make(map[string]bool)
		}
		q.known[id] = true
		q.events = append(q.events, ev)
	}
	return cloudevents.ResultACK
}

// types returns the types of the events, without their common prefix.
func (q *queue) types() []string {
	var out []string
	for _, ev := range q.events {
		out = append(out, strings.TrimPrefix(ev.Type(), "azure.webpubsub."))
	}
	return out
}

// interceptor returns the result of To.
func interceptor(t *testing.T, sender forward.Sender, opts *forward.Options) webpubsub.Interceptor {
	t.Helper()
	i, err := forward.To(sender, opts)
	require.NoError(t, err)
	return i
}

// handler returns a handler with the interceptor, and otherwise the config.
func handler(t *testing.T, cfg webpubsub.Config, i webpubsub.Interceptor) *webpubsub.Handler {
	t.Helper()
	cfg.ConnectionStrings = []string{httptest.ConnectionString}
	cfg.Interceptors = append(cfg.Interceptors, i)
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	h, err := webpubsub.NewHandler(cfg)
	require.NoError(t, err)
	return h
}

// connect connects a client to a service in front of the handler.
func connect(t *testing.T, h http.Handler, opts *httptest.Options) *httptest.Conn {
	t.Helper()
	conn, err := httptest.New(h, opts).Connect(t.Context(), &httptest.Client{UserID: "ann", ConnectionID: "c1"})
	require.NoError(t, err)
	return conn
}

// statusOf returns the status with which an event was rejected.
func statusOf(t *testing.T, err error) int {
	t.Helper()
	var rejected *httptest.RejectedError
	require.ErrorAs(t, err, &rejected)
	return rejected.Status
}

// request is a user event of the connection c1.
func request(t *testing.T, svc *httptest.Service, ev httptest.Event) *http.Request {
	t.Helper()
	r, err := svc.NewRequest(t.Context(), ev)
	require.NoError(t, err)
	return r
}

// serve answers a request in memory and returns the status.
func serve(t *testing.T, h http.Handler, r *http.Request) int {
	t.Helper()
	w := stdhttptest.NewRecorder()
	r.RequestURI = r.URL.RequestURI()
	h.ServeHTTP(w, r)
	return w.Code
}

var errDown = errors.New("the broker is down")

// one returns the only event of the queue.
func (q *queue) one(t *testing.T) cloudevents.Event {
	t.Helper()
	require.Len(t, q.events, 1)
	assert.NoError(t, q.events[0].Validate())
	return q.events[0]
}
