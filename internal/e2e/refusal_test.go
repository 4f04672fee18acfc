package e2e_test

import (
	"context"
	"log/slog"
	"net/http"
	"testing"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/emulator"
	"github.com/go-webpubsub/webpubsub/httptest"
	"github.com/go-webpubsub/webpubsub/service"
)

// What the client of a refused event receives, with and without RefusalReply, as
// documented at Error and Config.
func TestRefusals(t *testing.T) {
	t.Parallel()
	const told = `{"error":{"status":409,"message":"the price is already 12"}}`
	for name, tc := range map[string]struct {
		reply             func(context.Context, *webpubsub.UserEvent, *webpubsub.Error) (webpubsub.Reply, bool)
		acked, invocation []string // frames
		raw               string   // frame, or else closed
	}{
		"without RefusalReply": {
			nil,
			[]string{`{"type":"ack","ackId":1,"success":false,"error":{"name":"InternalServerError","message":"Internal server error"}}`},
			[]string{`{"type":"invokeResponse","invocationId":"i","success":false,"error":{"name":"InternalServerError","message":"Internal server error"}}`},
			"",
		},
		"with JSONRefusal": {
			webpubsub.JSONRefusal,
			[]string{`{"type":"message","from":"server","dataType":"json","data":` + told + `}`, `{"type":"ack","ackId":1,"success":true}`},
			[]string{`{"type":"invokeResponse","invocationId":"i","success":true,"dataType":"json","data":` + told + `}`},
			told,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			refuse := func(context.Context, *webpubsub.UserEvent) (webpubsub.Reply, error) {
				return webpubsub.Reply{}, webpubsub.Conflict("the price is already 12")
			}
			h, err := webpubsub.NewHandler(webpubsub.Config{
				Logger:            slog.New(slog.DiscardHandler),
				ConnectionStrings: []string{httptest.ConnectionString},
				UserEvents:        map[string]webpubsub.UserEventFunc{"bid": refuse, "message": refuse},
				RefusalReply:      tc.reply,
			})
			require.NoError(t, err)
			w := newWorld(t, emulator.Config{Origin: "localhost", Hubs: map[string]emulator.Hub{hub: {EventHandlers: []emulator.EventHandler{emulator.Local(h)}}}})

			p := w.user("ann")
			p.send(`{"type":"event","event":"bid","ackId":1,"dataType":"json","data":{"price":11}}`)
			for _, frame := range tc.acked {
				require.JSONEq(t, frame, p.read())
			}
			p.send(`{"type":"invoke","invocationId":"i","target":"event","event":"bid","dataType":"json","data":{"price":11}}`)
			for _, frame := range tc.invocation {
				require.JSONEq(t, frame, p.read())
			}
			p.quiet()

			access, err := w.client.ClientAccess(t.Context(), &service.ClientAccessOptions{UserID: "bob"})
			require.NoError(t, err)
			raw, resp, err := websocket.Dial(t.Context(), access.URL(), nil)
			require.NoError(t, err)
			require.Equal(t, http.StatusSwitchingProtocols, resp.StatusCode)
			defer func() { _ = raw.CloseNow() }()
			for range 2 { // the client stays connected
				require.NoError(t, raw.Write(t.Context(), websocket.MessageText, []byte("11")))
				_, data, err := raw.Read(t.Context())
				if tc.raw == "" {
					assert.Equal(t, websocket.StatusInternalError, websocket.CloseStatus(err), "%v", err)
					break
				}
				require.NoError(t, err)
				require.JSONEq(t, tc.raw, string(data))
			}
		})
	}
}
