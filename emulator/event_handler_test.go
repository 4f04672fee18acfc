package emulator_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/emulator"
)

// The example of path values in docs/emulator.md.
func TestPathValueOfAHandlerInMemory(t *testing.T) {
	t.Parallel()
	handler := newHandler(t, webpubsub.Config{UserEvents: map[string]webpubsub.UserEventFunc{
		"message": webpubsub.Text(func(_ context.Context, ev *webpubsub.UserEvent, _ string) (string, error) {
			return ev.PathValue("tenant") + " " + ev.PathValue("hub"), nil
		}),
	}})
	mux := http.NewServeMux()
	mux.Handle("/webhooks/{tenant}/{hub}", handler)
	events := emulator.InMemory(mux)
	events.URLTemplate = "http://localhost/webhooks/acme/{hub}"
	emu := emulator.Start(t, emulator.Config{Hubs: map[string]emulator.Hub{"chat": {EventHandlers: []emulator.EventHandler{events}}}})

	conn, _, err := websocket.Dial(t.Context(), emu.ClientURL("chat", nil), &websocket.DialOptions{HTTPClient: dialer(t)})
	require.NoError(t, err)
	defer conn.CloseNow() //nolint:errcheck // the test is over
	require.NoError(t, conn.Write(t.Context(), websocket.MessageText, []byte("where am I?")))
	_, data, err := conn.Read(t.Context())
	require.NoError(t, err)
	require.Equal(t, "acme chat", string(data))
}
