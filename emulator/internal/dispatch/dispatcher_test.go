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

// maxConnections is the number of connections to each handler.
const maxConnections = 256

// gate blocks events until maxConnections of them have arrived.
type gate struct {
	waiting atomic.Int64
	open    chan struct{}
}

func (g *gate) pass() {
	if g.waiting.Add(1) == maxConnections {
		close(g.open)
	}
	<-g.open
}

// The number of connections to a handler is limited, and idle connections are kept:
// otherwise many events would use up the machine's ports.
func TestConnectionsAreLimitedAndKept(t *testing.T) {
	t.Parallel()
	var current atomic.Pointer[gate]
	var opened atomic.Int64
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			current.Load().pass()
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

	d := dispatch.New(dispatch.Config{Origins: []string{"localhost"}, AccessKeys: []string{"k"}, Clock: hub.SystemClock{}})
	require.NoError(t, d.SetHub("chat", []dispatch.Handler{{URLTemplate: server.URL, SystemEvents: []string{"connect"}}}))
	h := hub.New(hub.Config{}).Hub("chat")
	for round := range 3 {
		current.Store(&gate{open: make(chan struct{})})
		var clients sync.WaitGroup
		for i := range maxConnections + 50 {
			clients.Go(func() {
				_, err := d.Connect(t.Context(), h, &hub.Handshake{ConnectionID: fmt.Sprintf("%d-%d", round, i)})
				assert.NoError(t, err)
			})
		}
		clients.Wait()
	}
	assert.LessOrEqual(t, opened.Load(), int64(maxConnections+1), "one for validation requests")
	assert.True(t, d.Close(context.WithoutCancel(t.Context())))
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
	busy := make(chan struct{}, maxConnections+1)
	asked := make(chan struct{}, 2)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			busy <- struct{}{}
			<-free
		} else {
			asked <- struct{}{}
		}
		w.Header().Set("WebHook-Allowed-Origin", "*")
		w.WriteHeader(http.StatusNoContent)
	}))
	defer server.Close()

	clock := new(later)
	d := dispatch.New(dispatch.Config{Origins: []string{"localhost"}, AccessKeys: []string{"k"}, Clock: clock})
	require.NoError(t, d.SetHub("chat", []dispatch.Handler{{URLTemplate: server.URL, SystemEvents: []string{"connect"}}}))
	h := hub.New(hub.Config{}).Hub("chat")
	var clients sync.WaitGroup
	connect := func(id string) {
		clients.Go(func() {
			_, err := d.Connect(t.Context(), h, &hub.Handshake{ConnectionID: id})
			assert.NoError(t, err)
		})
	}
	for i := range maxConnections {
		connect(fmt.Sprint(i))
	}
	for range maxConnections {
		<-busy
	}
	<-asked
	clock.by.Store(int64(time.Hour)) // consent has expired
	connect("one more")
	select {
	case <-asked:
	case <-time.After(time.Minute): // not asked
		t.Error("the handler is not asked while it is busy")
	}
	close(free)
	clients.Wait()
	assert.True(t, d.Close(context.WithoutCancel(t.Context())))
}
