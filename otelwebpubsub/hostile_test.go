package otelwebpubsub_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	stdtest "net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/httptest"
	"github.com/go-webpubsub/webpubsub/otelwebpubsub"
)

// TestCardinality sends 100,000 requests with random names, hubs, methods, types and
// header values, which a handler for any hub accepts without a signature. The attribute
// sets stay few.
func TestCardinality(t *testing.T) {
	t.Parallel()
	const requests = 100_000
	r := newRig(t, otelwebpubsub.Options{})
	cfg := webpubsub.Config{
		Verifier: webpubsub.InsecureSkipVerify{}, AllowedOrigins: []string{"*"}, Logger: slog.New(slog.DiscardHandler),
		UserEvents: map[string]webpubsub.UserEventFunc{"say": reply, "shout": reply},
		Fallback: func(context.Context, *webpubsub.UserEvent) (webpubsub.Reply, error) {
			return webpubsub.Reply{}, fmt.Errorf("%w: %s", webpubsub.BadRequest("no"), text8())
		},
	}
	h, err := webpubsub.NewHandler(r.Handler(cfg))
	require.NoError(t, err)
	for range requests {
		h.ServeHTTP(stdtest.NewRecorder(), hostile(t))
	}
	counted := int64(0)
	for _, p := range r.points(t, "webpubsub.handler.requests") {
		counted += p.value
	}
	assert.Equal(t, int64(requests), counted)
	// 33 hubs, and for each of them a few outcomes of 6 kinds and 2 names.
	limits := map[string]int{"webpubsub.handler.requests": 1500, "messaging.process.duration": 600, "webpubsub.handler.payload.size": 600}
	for _, m := range r.metrics(t) {
		limit, ok := limits[m.Name]
		require.True(t, ok, m.Name)
		assert.LessOrEqual(t, len(r.points(t, m.Name)), limit, m.Name)
		assert.NotEmpty(t, r.points(t, m.Name), m.Name)
		delete(limits, m.Name)
	}
	assert.Empty(t, limits)
	hubs, names := make(map[string]bool), make(map[string]bool)
	for _, p := range r.points(t, "webpubsub.handler.requests") {
		hub, _ := p.attrs.Value("messaging.destination.name")
		name, _ := p.attrs.Value("messaging.operation.name")
		hubs[hub.AsString()], names[name.AsString()] = true, true
	}
	assert.Len(t, hubs, 34, "32, one for all others, and none")
	assert.Equal(t, map[string]bool{"": true, "_OTHER": true, "say": true, "shout": true, "connect": true, "connected": true, "disconnected": true, "joined": true, "left": true}, names)
	spans := make(map[string]bool)
	for _, s := range r.spans.Ended() {
		spans[s.Name()] = true
	}
	assert.LessOrEqual(t, len(spans), 9, "names of spans")
}

// TestCardinalityOfOneHub: with Config.Hub no hub of a stranger is an attribute.
func TestCardinalityOfOneHub(t *testing.T) {
	t.Parallel()
	r := newRig(t, otelwebpubsub.Options{})
	h, err := webpubsub.NewHandler(r.Handler(webpubsub.Config{
		Hub: "chat", ConnectionStrings: []string{httptest.ConnectionString}, Logger: slog.New(slog.DiscardHandler),
		UserEvents: map[string]webpubsub.UserEventFunc{"say": reply},
	}))
	require.NoError(t, err)
	for range 2000 {
		h.ServeHTTP(stdtest.NewRecorder(), hostile(t))
	}
	for set := range r.values(t, "webpubsub.handler.requests") {
		assert.Contains(t, set, "messaging.destination.name=chat,")
	}
	assert.LessOrEqual(t, len(r.points(t, "webpubsub.handler.requests")), 40)
	assert.Empty(t, r.spans.Ended(), "requests that are not verified have no span")
	assert.Empty(t, r.points(t, "messaging.process.duration"))
}

func text8() string { return fmt.Sprintf("%08x", rand.Uint32()) }

func pick(list ...string) string { return list[rand.IntN(len(list))] }

// hostile returns a request with random values, some of which the service sends too.
func hostile(tb testing.TB) *http.Request {
	tb.Helper()
	method := pick("POST", "POST", "POST", "POST", "OPTIONS", "GET", strings.ToUpper("x"+text8()))
	req, err := http.NewRequestWithContext(tb.Context(), method, "/"+text8(), bytes.NewReader([]byte(pick("{}", `{"group":"`+text8()+`"}`, text8()))))
	require.NoError(tb, err)
	name := pick("say", "shout", text8())
	for key, value := range map[string]string{
		"Webhook-Request-Origin":           text8() + ".test",
		"Ce-Awpsversion":                   "1.0",
		"Ce-Specversion":                   pick("1.0", "1.0", "1.0", text8()),
		"Ce-Type":                          pick("azure.webpubsub.user."+name, "azure.webpubsub.user."+name, "azure.webpubsub.sys.connect", "azure.webpubsub.sys.connected", "azure.webpubsub.sys.disconnected", "azure.webpubsub.gp.joined", "azure.webpubsub.gp.left", "azure.webpubsub.gp."+text8(), "azure.webpubsub."+text8()),
		"Ce-Source":                        "/" + text8(),
		"Ce-Id":                            text8(),
		"Ce-Hub":                           pick("chat", text8()),
		"Ce-Connectionid":                  text8(),
		"Ce-Userid":                        text8(),
		"Ce-Eventname":                     name,
		"Ce-Connectionstate":               text8(),
		"Ce-Signature":                     "sha256=" + text8(),
		"Content-Type":                     pick("text/plain", "application/json", "text/plain", text8()+"/"+text8()),
		"Traceparent":                      "00-" + strings.Repeat(text8(), 4) + "-" + strings.Repeat(text8(), 2) + "-01",
		"Tracestate":                       text8() + "=" + text8(),
		"X-Webpubsub-Metadata-Traceparent": text8(),
	} {
		req.Header.Set(key, value)
	}
	return req
}
