package dispatch_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/emulator/internal/client"
	"github.com/go-webpubsub/webpubsub/emulator/internal/dispatch"
	"github.com/go-webpubsub/webpubsub/emulator/internal/hub"
)

// maxConnections is how many connections are made to one handler.
const maxConnections = 256

// gate holds events until as many are there as connections are made.
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

// Connections to a handler are bounded and kept: an emulator that opens one for each
// event leaves none of the machine's ports for others.
func TestConnectionsToAHandler(t *testing.T) {
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

	d := dispatch.New(dispatch.Config{Origins: []string{"localhost"}, AccessKeys: []string{"k"}, Clock: hub.SystemClock{}, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, d.SetHub("chat", []dispatch.Handler{{URLTemplate: server.URL, SystemEvents: []string{"connect"}}}))
	h := hub.New("chat", hub.SystemClock{}, d)
	for round := range 3 {
		current.Store(&gate{open: make(chan struct{})})
		var clients sync.WaitGroup
		for i := range maxConnections + 50 {
			clients.Go(func() {
				_, err := d.Connect(t.Context(), h, &client.Handshake{ConnectionID: fmt.Sprintf("%d-%d", round, i)})
				assert.NoError(t, err)
			})
		}
		clients.Wait()
	}
	assert.LessOrEqual(t, opened.Load(), int64(maxConnections))
	assert.True(t, d.Close(context.WithoutCancel(t.Context())))
}
