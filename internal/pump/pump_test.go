package pump_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/go-webpubsub/webpubsub/internal/pump"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// connect returns both ends of a WebSocket.
func connect(t *testing.T) (server, client *websocket.Conn) {
	t.Helper()
	accepted := make(chan *websocket.Conn, 1)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(w, r, nil)
		assert.NoError(t, err)
		accepted <- conn
	}))
	t.Cleanup(srv.Close)
	client, _, err := websocket.Dial(t.Context(), srv.URL, nil)
	require.NoError(t, err)
	t.Cleanup(func() { _ = client.CloseNow() })
	server = <-accepted
	require.NotNil(t, server)
	t.Cleanup(func() { _ = server.CloseNow() })
	return server, client
}

// The reader answers pings though Next is not called.
func TestPingsAreAnswered(t *testing.T) {
	t.Parallel()
	server, client := connect(t)
	r := pump.New(client)
	server.CloseRead(t.Context())
	for range 3 {
		require.NoError(t, server.Write(t.Context(), websocket.MessageText, []byte("x")))
		require.NoError(t, server.Ping(t.Context()))
	}
	require.NoError(t, client.CloseNow())
	r.Wait()
}

func TestNext(t *testing.T) {
	t.Parallel()
	server, client := connect(t)
	r := pump.New(client)
	const many = 1000 // one megabyte in total
	for i := range many {
		require.NoError(t, server.Write(t.Context(), websocket.MessageBinary, fmt.Appendf(nil, "%1000d", i)))
	}
	for i := range many {
		kind, data, err := r.Next(t.Context())
		require.NoError(t, err)
		require.Equal(t, websocket.MessageBinary, kind)
		require.Equal(t, fmt.Sprintf("%1000d", i), string(data))
	}

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, err := r.Next(ctx)
	require.ErrorIs(t, err, context.Canceled)

	require.NoError(t, server.Write(t.Context(), websocket.MessageText, []byte("still connected")))
	require.NoError(t, server.Close(websocket.StatusGoingAway, "bye"))
	r.Wait()
	_, data, err := r.Next(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "still connected", string(data))
	for range 2 {
		_, _, err = r.Next(t.Context())
		assert.Equal(t, websocket.StatusGoingAway, websocket.CloseStatus(err))
	}
}
