package routers_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/gofiber/fiber/v3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/examples/routers"
)

const (
	origin     = "contoso.webpubsub.azure.com"
	key        = "not a real key, only one for tests"
	connection = "0f9c97a2f0bf4706afe87a14e0797b11"
)

func TestMain(m *testing.M) {
	gin.SetMode(gin.TestMode) // gin prints its routes otherwise
	m.Run()
}

// startRouter serves the handler on a loopback listener until the test ends.
type startRouter func(t *testing.T, h http.Handler) (url string)

func allRouters() map[string]startRouter {
	return map[string]startRouter{
		"ServeMux": netHTTP(routers.ServeMux),
		"chi":      netHTTP(routers.Chi),
		"gin":      netHTTP(routers.Gin),
		"echo":     netHTTP(routers.Echo),
		"gorilla":  netHTTP(routers.Gorilla),
		"fiber":    startFiber,
	}
}

func netHTTP(mount func(http.Handler) http.Handler) startRouter {
	return func(t *testing.T, h http.Handler) string {
		srv := httptest.NewServer(mount(h))
		t.Cleanup(srv.Close)
		return srv.URL
	}
}

func startFiber(t *testing.T, h http.Handler) string {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	app := routers.Fiber(h)
	served := make(chan error, 1)
	go func() { served <- app.Listener(ln, fiber.ListenConfig{DisableStartupMessage: true}) }()
	t.Cleanup(func() {
		assert.NoError(t, app.Shutdown())
		assert.NoError(t, <-served)
	})
	return "http://" + ln.Addr().String()
}

// seen stores the arguments of the functions beyond the end of their requests.
type seen struct {
	mu      sync.Mutex
	tenants []string
	users   []string
}

func (s *seen) add(ev *webpubsub.Meta) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tenants = append(s.tenants, ev.PathValue("tenant"))
	s.users = append(s.users, ev.UserID)
}

func newHandler(t *testing.T) (*webpubsub.Handler, *seen) {
	t.Helper()
	kept := new(seen)
	h, err := webpubsub.NewHandler(webpubsub.Config{
		Hub:               "chat",
		Logger:            slog.New(slog.DiscardHandler),
		ConnectionStrings: []string{"Endpoint=https://" + origin + ";AccessKey=" + key + ";Version=1.0;"},
		OnConnect: func(_ context.Context, ev *webpubsub.ConnectEvent) (*webpubsub.ConnectReply, error) {
			kept.add(&ev.Meta)
			return &webpubsub.ConnectReply{
				UserID: ev.Claims.Get("sub"),
				Groups: []string{"tenant-" + ev.PathValue("tenant")},
				State:  webpubsub.RawState("c3RhdGU="),
			}, nil
		},
		UserEvents: map[string]webpubsub.UserEventFunc{
			"message": webpubsub.Text(func(_ context.Context, ev *webpubsub.UserEvent, in string) (string, error) {
				kept.add(&ev.Meta)
				return ev.PathValue("tenant") + ": " + in, nil
			}),
		},
	})
	require.NoError(t, err)
	return h, kept
}

// answer is the answer to a request, with its body.
type answer struct {
	status int
	header http.Header
	body   string
}

func send(t *testing.T, method, url, body string, header http.Header) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	require.NoError(t, err)
	r.Header = header
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(r)
	require.NoError(t, err)
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return answer{status: res.StatusCode, header: res.Header, body: string(data)}
}

// event returns the header of an event: kind is "sys.connect" or "user.message".
func event(kind, user string) http.Header {
	_, name, _ := strings.Cut(kind, ".")
	h := http.Header{}
	for k, v := range map[string]string{
		"WebHook-Request-Origin": origin,
		"Content-Type":           "text/plain; charset=utf-8",
		"ce-awpsversion":         "1.0",
		"ce-specversion":         "1.0",
		"ce-type":                "azure.webpubsub." + kind,
		"ce-source":              "/hubs/chat/client/" + connection,
		"ce-id":                  "2",
		"ce-time":                "2026-01-01T00:00:00Z",
		"ce-signature":           webpubsub.Sign(key, connection),
		"ce-userId":              user,
		"ce-connectionId":        connection,
		"ce-hub":                 "chat",
		"ce-eventName":           name,
	} {
		h.Set(k, v)
	}
	return h
}

func TestRouters(t *testing.T) {
	t.Parallel()
	for name, start := range allRouters() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, kept := newHandler(t)
			url := start(t, h)
			t.Run("validation", func(t *testing.T) { testValidation(t, url+"/webhooks/acme") })
			t.Run("connect", func(t *testing.T) { testConnect(t, url+"/webhooks/acme") })
			t.Run("user event", func(t *testing.T) { testUserEvent(t, url) })
			t.Run("refused", func(t *testing.T) { testRefused(t, url+"/webhooks/acme", kept) })
			t.Run("kept", func(t *testing.T) { testKept(t, url, kept) })
		})
	}
}

// validation returns the header of a validation request.
func validation(origins ...string) http.Header {
	return http.Header{"Webhook-Request-Origin": origins, "Ce-Awpsversion": {"1.0"}}
}

func testValidation(t *testing.T, url string) {
	for _, method := range []string{http.MethodOptions, http.MethodGet} {
		consent := send(t, method, url, "", validation(origin))
		assert.Equal(t, http.StatusOK, consent.status, method)
		assert.Equal(t, []string{origin}, consent.header.Values("WebHook-Allowed-Origin"), method)

		stranger := send(t, method, url, "", validation(origin+".evil.test"))
		assert.Equal(t, http.StatusOK, stranger.status, method)
		assert.Empty(t, stranger.header.Values("WebHook-Allowed-Origin"), method)

		lines := send(t, method, url, "", validation(origin, "replica.example"))
		assert.Equal(t, []string{origin}, lines.header.Values("WebHook-Allowed-Origin"), method)
	}
}

func testConnect(t *testing.T, url string) {
	header := event("sys.connect", "")
	header.Del("ce-userId")
	header.Set("Content-Type", "application/json; charset=utf-8")
	got := send(t, http.MethodPost, url, `{"claims":{"sub":["vic"]},"query":{},"headers":{},"subprotocols":[],"clientCertificates":[]}`, header)
	assert.Equal(t, http.StatusOK, got.status)
	assert.Equal(t, "application/json; charset=utf-8", got.header.Get("Content-Type"))
	assert.Equal(t, "c3RhdGU=", got.header.Get("ce-connectionState"))
	var reply struct {
		UserID string   `json:"userId"`
		Groups []string `json:"groups"`
	}
	require.NoError(t, json.Unmarshal([]byte(got.body), &reply))
	assert.Equal(t, "vic", reply.UserID)
	assert.Equal(t, []string{"tenant-acme"}, reply.Groups)
}

func testUserEvent(t *testing.T, url string) {
	for _, tc := range []struct{ name, path, tenant string }{
		{"plain", "acme", "acme"},
		{"UTF-8", "caf%C3%A9", "café"},
		{"space", "a%20b", "a b"},
		{"plus is not a space", "a+b", "a+b"},
		{"percent", "100%25", "100%"},
	} {
		got := send(t, http.MethodPost, url+"/webhooks/"+tc.path, "hello", event("user.message", "vic"))
		assert.Equal(t, http.StatusOK, got.status, tc.name)
		assert.Equal(t, "text/plain; charset=utf-8", got.header.Get("Content-Type"), tc.name)
		assert.Equal(t, tc.tenant+": hello", got.body, tc.name)
	}

	unknown := event("user.unheard", "vic")
	assert.Equal(t, http.StatusNoContent, send(t, http.MethodPost, url+"/webhooks/acme", "hello", unknown).status)

	lines := event("user.message", "vic")
	lines["Ce-Signature"] = []string{webpubsub.Sign(key, connection), webpubsub.Sign("another key", connection)}
	assert.Equal(t, http.StatusOK, send(t, http.MethodPost, url+"/webhooks/acme", "hello", lines).status,
		"signatures in several lines, ours first")
}

func testRefused(t *testing.T, url string, kept *seen) {
	before := len(kept.tenants)
	for _, tc := range []struct {
		name   string
		method string
		change func(http.Header)
		status int
	}{
		{"signature with another key", http.MethodPost, func(h http.Header) {
			h.Set("ce-signature", webpubsub.Sign("another key", connection))
		}, http.StatusUnauthorized},
		{"signature for another connection", http.MethodPost, func(h http.Header) {
			h.Set("ce-signature", webpubsub.Sign(key, "another connection"))
		}, http.StatusUnauthorized},
		{"no signature", http.MethodPost, func(h http.Header) { h.Del("ce-signature") }, http.StatusUnauthorized},
		{"origin not ours", http.MethodPost, func(h http.Header) { h.Set("WebHook-Request-Origin", "evil.test") }, http.StatusUnauthorized},
		{"two users", http.MethodPost, func(h http.Header) { h.Add("ce-userId", "root") }, http.StatusBadRequest},
		{"another hub", http.MethodPost, func(h http.Header) { h.Set("ce-hub", "news") }, http.StatusNotFound},
		{"PUT", http.MethodPut, func(http.Header) {}, http.StatusMethodNotAllowed},
	} {
		header := event("user.message", "vic")
		tc.change(header)
		got := send(t, tc.method, url, "hello", header)
		assert.Equal(t, tc.status, got.status, "%s: %s", tc.name, got.body)
	}
	assert.Len(t, kept.tenants, before, "a refused event reached its function")
}

// testKept: strings do not change after the end of their request.
func testKept(t *testing.T, url string, kept *seen) {
	transport := new(http.Transport) // one connection, so that its buffers are used again
	defer transport.CloseIdleConnections()
	client := http.Client{Transport: transport}
	users := []string{"alice", "bobby", "carol", "david", "élan"}
	before := len(kept.users)
	for _, user := range users {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/webhooks/of-"+user, strings.NewReader("hello"))
		require.NoError(t, err)
		r.Header = event("user.message", user)
		res, err := client.Do(r)
		require.NoError(t, err)
		_, err = io.Copy(io.Discard, res.Body)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		require.Equal(t, http.StatusOK, res.StatusCode)
	}
	assert.Equal(t, users, kept.users[before:])
	assert.Equal(t, []string{"of-alice", "of-bobby", "of-carol", "of-david", "of-élan"}, kept.tenants[before:])
}
