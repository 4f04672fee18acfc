package main_test

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	queues "github.com/go-webpubsub/webpubsub/examples/queues"
	"github.com/go-webpubsub/webpubsub/forward"
	"github.com/go-webpubsub/webpubsub/httptest"
)

const stream = "webpubsub"

// startNATS starts a server with JetStream in a directory.
func startNATS(t *testing.T, port int, dir string) *server.Server {
	t.Helper()
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: port, JetStream: true, StoreDir: dir, SyncAlways: true, NoSigs: true})
	require.NoError(t, err)
	s.Start()
	require.True(t, s.ReadyForConnections(time.Minute))
	t.Cleanup(func() { stopNATS(s) })
	return s
}

func stopNATS(s *server.Server) {
	s.Shutdown()
	s.WaitForShutdown()
}

func dial(t *testing.T, s *server.Server) (*nats.Conn, jetstream.JetStream) {
	t.Helper()
	nc, err := nats.Connect(s.ClientURL(), nats.ReconnectWait(10*time.Millisecond), nats.MaxReconnects(-1))
	require.NoError(t, err)
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	return nc, js
}

// stored returns the messages of the stream.
func stored(t *testing.T, js jetstream.JetStream) []*jetstream.RawStreamMsg {
	t.Helper()
	s, err := js.Stream(t.Context(), stream)
	require.NoError(t, err)
	state := s.CachedInfo().State
	var out []*jetstream.RawStreamMsg
	for seq := state.FirstSeq; seq <= state.LastSeq && state.Msgs > 0; seq++ {
		msg, err := s.GetMsg(t.Context(), seq)
		require.NoError(t, err)
		out = append(out, msg)
	}
	return out
}

func TestJetStream(t *testing.T) {
	t.Parallel()
	nc, js := dial(t, startNATS(t, server.RANDOM_PORT, t.TempDir()))
	sender, err := queues.NewJetStream(t.Context(), nc, stream)
	require.NoError(t, err)
	conn := connect(t, handler(t, sender.Send, nil), nil)
	_, err = conn.SendJSON(t.Context(), "say", map[string]string{"text": "hello"})
	require.NoError(t, err)
	_, err = conn.Redeliver(t.Context())
	require.NoError(t, err, "a repeat is acknowledged")
	require.NoError(t, conn.Disconnect(t.Context(), "bye"))

	all := stored(t, js)
	require.Len(t, all, 2, "and dropped")
	assert.Equal(t, "/hubs/chat/client/c1/2", all[0].Header.Get("Nats-Msg-Id"))
	assert.Equal(t, "application/cloudevents+json", all[0].Header.Get("Content-Type"))
	var ev cloudevents.Event
	require.NoError(t, json.Unmarshal(all[0].Data, &ev))
	assert.Equal(t, "azure.webpubsub.user.say", ev.Type())
	assert.JSONEq(t, `{"text":"hello"}`, string(ev.Data()))
	assert.Equal(t, traceparent, ev.Extensions()["traceparent"])
	assert.Equal(t, "Zoë", ev.Extensions()["userid"])
}

func TestJetStreamIsDown(t *testing.T) {
	t.Parallel()
	s := startNATS(t, server.RANDOM_PORT, t.TempDir())
	nc, _ := dial(t, s)
	sender, err := queues.NewJetStream(t.Context(), nc, stream)
	require.NoError(t, err)
	conn := connect(t, handler(t, sender.Send, &forward.Options{Timeout: 100 * time.Millisecond}), nil)
	stopNATS(s)
	_, err = conn.SendText(t.Context(), "say", "hello")
	requireStatus(t, http.StatusServiceUnavailable, err)
}

func TestJetStreamWithoutStream(t *testing.T) {
	t.Parallel()
	nc, js := dial(t, startNATS(t, server.RANDOM_PORT, t.TempDir()))
	sender, err := queues.NewJetStream(t.Context(), nc, stream)
	require.NoError(t, err)
	conn := connect(t, handler(t, sender.Send, nil), nil)
	require.NoError(t, js.DeleteStream(t.Context(), stream))
	_, err = conn.SendText(t.Context(), "say", "hello")
	requireStatus(t, http.StatusServiceUnavailable, err)
}

func TestJetStreamForgetsTooSoon(t *testing.T) {
	t.Parallel()
	nc, js := dial(t, startNATS(t, server.RANDOM_PORT, t.TempDir()))
	_, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: stream})
	require.NoError(t, err)
	_, err = queues.NewJetStream(t.Context(), nc, stream)
	assert.EqualError(t, err, `stream "webpubsub" remembers message ids for 2m0s, want at least 10m0s: set its duplicate window`)
}

// The server is stopped and started while clients send. Each event that succeeded is in
// the stream once.
func TestJetStreamRestarts(t *testing.T) {
	t.Parallel()
	const clients, each = 8, 50
	dir := t.TempDir()
	s := startNATS(t, server.RANDOM_PORT, dir)
	nc, js := dial(t, s)
	sender, err := queues.NewJetStream(t.Context(), nc, stream)
	require.NoError(t, err)
	h := handler(t, sender.Send, &forward.Options{Timeout: time.Second})

	var mu sync.Mutex
	succeeded := make(map[string]bool)
	half := make(chan struct{})
	var all sync.WaitGroup
	for c := range clients {
		conn, err := httptest.New(h, &httptest.Options{Retry: true}).Connect(t.Context(), &httptest.Client{ConnectionID: fmt.Sprintf("c%d", c)})
		require.NoError(t, err)
		all.Go(func() {
			for i := range each {
				text := fmt.Sprintf("%d of client %d", i, c)
				_, err := conn.SendText(t.Context(), "say", text)
				mu.Lock()
				if err == nil {
					succeeded[text] = true
					if len(succeeded) == clients*each/2 {
						close(half)
					}
				}
				mu.Unlock()
			}
		})
	}
	<-half
	address, ok := s.Addr().(*net.TCPAddr)
	require.True(t, ok)
	stopNATS(s)
	startNATS(t, address.Port, dir)
	all.Wait()

	times := make(map[string]int)
	for _, msg := range stored(t, js) {
		var ev cloudevents.Event
		require.NoError(t, json.Unmarshal(msg.Data, &ev))
		times[string(ev.Data())]++
	}
	for text := range succeeded {
		assert.Equal(t, 1, times[text], text)
	}
	assert.Len(t, succeeded, clients*each, "the service repeats for nine seconds")
}
