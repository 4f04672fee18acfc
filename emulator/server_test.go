package emulator_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/emulator"
)

func newHandler(t *testing.T, cfg webpubsub.Config) http.Handler {
	t.Helper()
	cfg.ConnectionStrings = []string{emulator.ConnectionString("http://127.0.0.1", emulator.DefaultAccessKey)}
	h, err := webpubsub.NewHandler(cfg)
	require.NoError(t, err)
	return h
}

func TestEcho(t *testing.T) {
	t.Parallel()
	events := make(chan string, 10)
	h := newHandler(t, webpubsub.Config{
		OnConnect: func(_ context.Context, ev *webpubsub.ConnectEvent) (*webpubsub.ConnectReply, error) {
			events <- "connect " + ev.Query.Get("room")
			return &webpubsub.ConnectReply{UserID: "ann", Groups: []string{"lobby"}}, nil
		},
		OnConnected: func(_ context.Context, ev *webpubsub.ConnectedEvent) error {
			events <- "connected " + ev.UserID
			return nil
		},
		OnGroupJoined: func(_ context.Context, ev *webpubsub.GroupJoinedEvent) error {
			events <- "joined " + ev.Group
			return nil
		},
		OnGroupLeft: func(_ context.Context, ev *webpubsub.GroupLeftEvent) error { events <- "left " + ev.Group; return nil },
		OnDisconnected: func(_ context.Context, ev *webpubsub.DisconnectedEvent) error {
			events <- "disconnected " + ev.Reason
			return nil
		},
		UserEvents: map[string]webpubsub.UserEventFunc{
			"message": webpubsub.Text(func(_ context.Context, _ *webpubsub.UserEvent, in string) (string, error) {
				return strings.ToUpper(in), nil
			}),
		},
	})
	emu := emulator.Start(t, emulator.Config{Hubs: map[string]emulator.Hub{"Chat": {EventHandlers: []emulator.EventHandler{emulator.InMemory(h)}}}})
	ctx := t.Context()
	conn, _, err := websocket.Dial(ctx, emu.ClientURL("chat", nil)+"&room=a", nil)
	require.NoError(t, err)
	require.NoError(t, conn.Write(ctx, websocket.MessageText, []byte("hello")))
	kind, data, err := conn.Read(ctx)
	require.NoError(t, err)
	require.Equal(t, websocket.MessageText, kind)
	require.Equal(t, "HELLO", string(data))
	require.NoError(t, conn.Close(websocket.StatusNormalClosure, "bye"))
	seen := make(map[string]bool)
	for range 5 {
		seen[<-events] = true
	}
	require.Equal(t, map[string]bool{"connect a": true, "connected ann": true, "joined lobby": true, "left lobby": true, "disconnected bye": true}, seen)
}
