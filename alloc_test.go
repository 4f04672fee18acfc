//go:build !race

// With the race detector, sync.Pool drops items at random, and each miss allocates.

package webpubsub_test

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
)

const (
	allocID   = "6e1c5a0f-72d4-4b8e-9a31-0f5d2c7b8e46"
	allocKey  = "an-access-key"
	allocBody = `{"claims":{"sub":["user-42"],"aud":["https://contoso.webpubsub.azure.com/client/hubs/chat"],"role":["webpubsub.joinLeaveGroup","webpubsub.sendToGroup"]},` +
		`"query":{"access_token":["eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl"],"room":["lobby"]},` +
		`"headers":{"Connection":["Upgrade"],"Host":["contoso.webpubsub.azure.com"],"Upgrade":["websocket"],"User-Agent":["Mozilla/5.0 \"quoted\" \u00e9"],` +
		`"Origin":["https://app.example.com"],"Accept-Encoding":["gzip, deflate, br, zstd"],"Cache-Control":["no-cache"],"Sec-WebSocket-Version":["13"]},` +
		`"subprotocols":["json.webpubsub.azure.v1"],"clientCertificates":[{"thumbprint":"3f1c2e4b5a69788796a5b4c3d2e1f00112233445"}]}`
)

type allocSaid struct {
	Type string `json:"type"`
	Room string `json:"room" validate:"required,max=64"`
	From string `json:"from"`
	Seq  int64  `json:"seq"`
	Text string `json:"text" validate:"required,max=4000"`
}

// TestAllocations limits the allocations of the handler. It must not run in parallel
// with other tests, whose allocations it would count.
func TestAllocations(t *testing.T) { //nolint:paralleltest // see above
	cfg := webpubsub.Config{
		Hub:               "chat",
		ConnectionStrings: []string{"Endpoint=https://contoso.webpubsub.azure.com;AccessKey=" + allocKey + ";Version=1.0;"},
		Logger:            slog.New(slog.DiscardHandler),
		OnConnect: func(_ context.Context, ev *webpubsub.ConnectEvent) (*webpubsub.ConnectReply, error) {
			if ev.Claims.Get("sub") == "" || ev.Query.Get("room") == "" || ev.Headers.Get("origin") == "" {
				return nil, webpubsub.Unauthorized("not decoded")
			}
			return &webpubsub.ConnectReply{UserID: "u", Groups: []string{"g"}}, nil
		},
		OnConnected: func(context.Context, *webpubsub.ConnectedEvent) error { return nil },
		UserEvents: map[string]webpubsub.UserEventFunc{
			"message": func(_ context.Context, ev *webpubsub.UserEvent) (webpubsub.Reply, error) {
				return webpubsub.DataReply("text/plain", ev.Data), nil
			},
			"said": webpubsub.JSON(func(_ context.Context, ev *webpubsub.UserEvent, in allocSaid) (webpubsub.Reply, error) {
				if in.Seq != 1234 || in.Text == "" {
					return webpubsub.Reply{}, webpubsub.BadRequest("not decoded")
				}
				return webpubsub.DataReply("application/json", ev.Data), nil
			}),
		},
	}
	h, err := webpubsub.NewHandler(cfg)
	require.NoError(t, err)
	var last webpubsub.OutcomeKind
	cfg.Observe = func(_ context.Context, o webpubsub.Outcome) { last = o.Kind }
	observed, err := webpubsub.NewHandler(cfg)
	require.NoError(t, err)

	tests := []struct {
		name, typ, contentType, body, key string
		status                            int
		most                              float64
	}{
		{"raw user event", "user.message", "text/plain", strings.Repeat("text", 256), allocKey, http.StatusOK, 2},
		{"JSON user event", "user.said", "application/json", `{"type":"said","room":"lobby","from":"Ann","seq":1234,"text":"Good morning, everyone."}`, allocKey, http.StatusOK, 6},
		{"connect", "sys.connect", "application/json", allocBody, allocKey, http.StatusOK, 14}, // one for the escaped string
		{"connected", "sys.connected", "application/json", "{}", allocKey, http.StatusNoContent, 2},
		{"wrong signature", "user.message", "text/plain", "text", "another key", http.StatusUnauthorized, 2},
		{"validation", "", "", "", "", http.StatusOK, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			raw := "OPTIONS / HTTP/1.1\r\nHost: h\r\nWebHook-Request-Origin: contoso.webpubsub.azure.com\r\nce-awpsversion: 1.0\r\n\r\n"
			if tt.typ != "" {
				_, name, _ := strings.Cut(tt.typ, ".")
				raw = "POST / HTTP/1.1\r\nHost: h\r\nWebHook-Request-Origin: contoso.webpubsub.azure.com\r\nce-awpsversion: 1.0\r\nce-specversion: 1.0\r\n" +
					fmt.Sprintf("Content-Type: %s\r\nContent-Length: %d\r\nce-type: azure.webpubsub.%s\r\nce-eventName: %s\r\n", tt.contentType, len(tt.body), tt.typ, name) +
					fmt.Sprintf("ce-source: /hubs/chat/client/%[1]s\r\nce-connectionId: %[1]s\r\nce-id: 7\r\nce-time: 2026-01-01T00:00:00Z\r\nce-hub: chat\r\n", allocID) +
					fmt.Sprintf("ce-userId: u\r\nce-signature: %s,%s\r\n\r\n", webpubsub.Sign("the other key", allocID), webpubsub.Sign(tt.key, allocID))
			}
			r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(raw)))
			require.NoError(t, err)
			body := new(allocReader)
			r.Body = body
			w := &allocWriter{header: http.Header{}}
			for _, h := range []*webpubsub.Handler{h, observed} {
				allocations := testing.AllocsPerRun(200, func() {
					body.Reset(tt.body)
					clear(w.header)
					h.ServeHTTP(w, r)
				})
				require.Equal(t, tt.status, w.status)
				assert.LessOrEqual(t, allocations, tt.most)
			}
			assert.NotEmpty(t, last)
		})
	}
}

// allocReader and allocWriter do not allocate.
type allocReader struct{ strings.Reader }

func (*allocReader) Close() error { return nil }

type allocWriter struct {
	header http.Header
	status int
}

func (w *allocWriter) Header() http.Header               { return w.header }
func (w *allocWriter) WriteHeader(status int)            { w.status = status }
func (w *allocWriter) Write(p []byte) (int, error)       { return len(p), nil }
func (w *allocWriter) WriteString(s string) (int, error) { return len(s), nil }
