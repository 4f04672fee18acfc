package dispatch_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/emulator/internal/dispatch"
	"github.com/go-webpubsub/webpubsub/emulator/internal/hub"
)

// connections is the maximum number of connections to a handler. It is small, so that a
// machine that is busy with other tests does not exceed time limits.
const connections = 8

// gate blocks events until as many of them as there are connections have arrived.
type gate struct {
	waiting atomic.Int64
	open    chan struct{}
}

func (g *gate) pass() {
	if g.waiting.Add(1) == connections {
		close(g.open)
	}
	<-g.open
}

// caller connects clients whose connect events go to the URL of a handler.
type caller struct {
	*dispatch.Dispatcher
	hub     *hub.Hub
	clients sync.WaitGroup
}

// newCaller returns a caller of a handler that has consented: it connects one client.
func newCaller(t *testing.T, url string, clock hub.Clock) *caller {
	t.Helper()
	c := &caller{
		Dispatcher: dispatch.New(dispatch.Config{Origins: []string{"localhost"}, AccessKeys: []string{"k"}, Connections: connections, Clock: clock}),
		hub:        hub.New(hub.Config{}).Hub("chat"),
	}
	require.NoError(t, c.SetHub("chat", []dispatch.Handler{{URLTemplate: url, SystemEvents: []string{"connect"}}}))
	c.connect(t, "first")
	c.clients.Wait()
	return c
}

// connect connects a client in a goroutine.
func (c *caller) connect(t *testing.T, id string) {
	t.Helper()
	c.clients.Go(func() {
		_, err := c.Connect(t.Context(), c.hub, &hub.Handshake{ConnectionID: id})
		assert.NoError(t, err)
	})
}

// close closes the dispatcher after all clients have an answer.
func (c *caller) close(t *testing.T) {
	t.Helper()
	c.clients.Wait()
	assert.True(t, c.Close(context.WithoutCancel(t.Context())))
}

// The number of connections to a handler is limited, and idle connections are kept:
// otherwise many events would use up the machine's ports.
func TestConnectionsAreLimitedAndKept(t *testing.T) {
	t.Parallel()
	current := new(atomic.Pointer[gate]) // nil: open
	var opened atomic.Int64
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if g := current.Load(); g != nil && r.Method == http.MethodPost {
			g.pass()
		}
		w.Header().Set("WebHook-Allowed-Origin", "*")
		w.WriteHeader(http.StatusNoContent)
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	server.Start()
	defer server.Close()

	c := newCaller(t, server.URL, hub.SystemClock{})
	for round := range 3 {
		current.Store(&gate{open: make(chan struct{})})
		for i := range connections + 5 {
			c.connect(t, fmt.Sprintf("%d-%d", round, i))
		}
		c.clients.Wait()
	}
	assert.LessOrEqual(t, opened.Load(), int64(connections+1), "one for validation requests")
	c.close(t)
}

// later is a clock that is ahead of the machine's.
type later struct {
	hub.SystemClock
	by atomic.Int64
}

func (l *later) Now() time.Time { return time.Now().Add(time.Duration(l.by.Load())) }

// Validation requests reach a handler whose connections are all busy with events.
func TestValidationOfBusyHandler(t *testing.T) {
	t.Parallel()
	free := make(chan struct{})
	busy := make(chan struct{}, connections+1)
	asked := make(chan struct{}, 2)
	var blocks atomic.Bool
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			asked <- struct{}{}
		} else if blocks.Load() {
			busy <- struct{}{}
			<-free
		}
		w.Header().Set("WebHook-Allowed-Origin", "*")
		w.WriteHeader(http.StatusNoContent)
	}))
	defer server.Close()

	clock := new(later)
	c := newCaller(t, server.URL, clock)
	<-asked
	blocks.Store(true)
	for i := range connections {
		c.connect(t, fmt.Sprint(i))
	}
	for range connections {
		<-busy
	}
	clock.by.Store(int64(time.Hour)) // consent has expired
	c.connect(t, "one more")
	select {
	case <-asked:
	case <-time.After(time.Minute): // not asked
		t.Error("the handler is not asked while it is busy")
	}
	close(free)
	c.close(t)
}
