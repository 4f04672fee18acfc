package httptest_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	nethttptest "net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/httptest"
)

func TestNewPanics(t *testing.T) {
	t.Parallel()
	h := http.NotFoundHandler()
	tests := map[string]struct {
		handler http.Handler
		opts    *httptest.Options
	}{
		"nothing":                   {nil, nil},
		"handler and transport":     {h, &httptest.Options{Transport: http.DefaultTransport}},
		"connection string":         {h, &httptest.Options{ConnectionString: "nonsense"}},
		"no key":                    {h, &httptest.Options{ConnectionString: "Endpoint=https://a.test"}},
		"hub":                       {h, &httptest.Options{Hub: "my-hub"}},
		"relative URL":              {h, &httptest.Options{URL: "/eventhandler"}},
		"other scheme":              {h, &httptest.Options{URL: "tunnel:///eventhandler"}},
		"unknown parameter":         {h, &httptest.Options{URL: "http://a.test/{user}"}},
		"parameter in host":         {h, &httptest.Options{URL: "http://{hub}.test/"}},
		"parameter in host no path": {h, &httptest.Options{URL: "http://{hub}.test"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert.Panics(t, func() { httptest.New(test.handler, test.opts) })
		})
	}
}

// New rejects a URL that no server can have.
func TestURLsThatCannotBeReached(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"http://a.test:99999/?code=secret": `httptest: options: URL: "http://a.test:99999/?…": port 99999: want a number from 1 to 65535`,
		"http://a.test:0/{event}":          `httptest: options: URL: "http://a.test:0/{event}": port 0: want a number from 1 to 65535`,
		"http://:80/":                      `httptest: options: URL: "http://:80/": the host is missing`,
		"http://u:secret@a.test/":          `httptest: options: URL: "http://…@a.test/": user information and fragment are not allowed`,
		"http://a{hub}/?code=secret":       `httptest: options: URL: "http://a{hub}/?…": parameters are not allowed in the host`,
		"http://a.test\n/?code=secret":     `httptest: options: URL: "http://a.test\n/?…": not a URL`,
		"/eventhandler":                    `httptest: options: URL: "/eventhandler": want an absolute http or https URL`,
	} {
		assert.PanicsWithValue(t, want, func() { httptest.New(nil, &httptest.Options{URL: url}) })
	}
}

func TestKeysAreNotPrinted(t *testing.T) {
	t.Parallel()
	opts := httptest.Options{ConnectionString: "Endpoint=https://a.test;AccessKey=primary-secret;", SecondaryKey: "secondary-secret"}
	svc := httptest.New(http.NotFoundHandler(), &opts)
	var out strings.Builder
	logger := slog.New(slog.NewTextHandler(&out, nil))
	for _, v := range []any{opts, &opts, svc} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%t"} {
			_, _ = fmt.Fprintf(&out, verb, v)
		}
		logger.Info("x", "v", v)
	}
	assert.NotContains(t, out.String(), "secret")
}

func TestUE28ValidationRequest(t *testing.T) {
	t.Parallel()
	h := &script{answer: func(w http.ResponseWriter, _ int) {
		w.Header().Set("WebHook-Allowed-Origin", "localhost")
		w.Header().Set("Set-Cookie", "a=1")
	}}
	svc := httptest.New(h, &httptest.Options{URL: "http://app.test/events/{hub}/{event}?code=1"})
	require.NoError(t, svc.Validate(t.Context()))
	require.NoError(t, svc.Validate(t.Context()))
	for _, r := range h.seen {
		assert.Equal(t, "/events/chat/validate?code=1", r.Path)
		assert.Equal(t, http.Header{"Webhook-Request-Origin": {"localhost"}, "Ce-Awpsversion": {"1.0"}}, r.Header)
	}
}

func TestUE123URLTemplate(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ template, event, want string }{
		"dotted name":     {"http://h.test/api/{HUB}/{event}", "room.a", "http://h.test/api/chat/room.a"},
		"to be escaped":   {"http://h.test/api/{hub}/{Event}", "a b/c?d", "http://h.test/api/chat/a%20b%2Fc%3Fd"},
		"in the query":    {"https://h.test/api?e={event}&code=1", "a&code=2", "https://h.test/api?e=a%26code%3D2&code=1"},
		"no parameters":   {"http://h.test:7071/api", "say", "http://h.test:7071/api"},
		"looks like more": {"http://h.test/{event}", "{hub}", "http://h.test/%7Bhub%7D"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			svc := httptest.New(nil, &httptest.Options{URL: test.template})
			req, err := svc.NewRequest(t.Context(), httptest.Event{Name: test.event})
			require.NoError(t, err)
			assert.Equal(t, test.want, req.URL.String())
		})
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	h := newHandler(t, webpubsub.Config{ConnectionStrings: []string{httptest.ConnectionString}, Logger: quiet()})
	require.NoError(t, httptest.New(h, nil).Validate(t.Context()))
	require.NoError(t, httptest.New(h, &httptest.Options{Origins: []string{"replica.test", "LOCALHOST"}}).Validate(t.Context()))

	err := httptest.New(h, &httptest.Options{Origins: []string{"localhost.evil.test"}}).Validate(t.Context())
	var denied *httptest.NoConsentError
	require.ErrorAs(t, err, &denied)
	assert.Equal(t, http.MethodOptions, denied.Method)
	assert.Equal(t, 200, denied.Status)
	assert.Empty(t, denied.AllowedOrigins)
	assert.Contains(t, string(denied.Body), "localhost.evil.test")
	assert.True(t, strings.HasPrefix(denied.Error(), "httptest: "))

	var methods []string
	onlyGet := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		methods = append(methods, r.Method)
		if r.Method == http.MethodOptions {
			http.NotFound(w, r)
			return
		}
		h.ServeHTTP(w, r)
	})
	require.NoError(t, httptest.New(onlyGet, nil).Validate(t.Context()))
	assert.Equal(t, []string{"OPTIONS", "GET"}, methods)

	panics := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("boom") })
	var delivery *httptest.DeliveryError
	require.ErrorAs(t, httptest.New(panics, nil).Validate(t.Context()), &delivery)
}

func TestOrigins(t *testing.T) {
	t.Parallel()
	h := new(script)
	svc := httptest.New(h, &httptest.Options{Origins: []string{"a.test", "b.test"}})
	_, err := svc.Connect(t.Context(), nil)
	require.NoError(t, err)
	assert.Equal(t, []string{"a.test, b.test"}, h.seen[0].Header["Webhook-Request-Origin"])
}

func TestNetworkRoundTrip(t *testing.T) {
	t.Parallel()
	server := nethttptest.NewServer(newHandler(t, fullConfig()))
	defer server.Close()
	svc := httptest.New(nil, &httptest.Options{URL: server.URL})
	require.NoError(t, svc.Validate(t.Context()))
	conn, err := svc.Connect(t.Context(), nil)
	require.NoError(t, err)
	got, err := conn.SendText(t.Context(), "message", "hello")
	require.NoError(t, err)
	assert.Equal(t, "hello", got.Text())
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	calls := 0
	server := nethttptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls++
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	}))
	defer server.Close()
	_, err := httptest.New(nil, &httptest.Options{URL: server.URL}).Connect(t.Context(), nil)
	var rejected *httptest.RejectedError
	require.ErrorAs(t, err, &rejected)
	assert.Equal(t, http.StatusTemporaryRedirect, rejected.Status)
	assert.Equal(t, 1, calls)
}

func TestCanceledContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	h := new(script)
	_, err := httptest.New(h, &httptest.Options{Retry: true}).Connect(ctx, nil)
	require.ErrorIs(t, err, context.Canceled)
	assert.Empty(t, h.seen)
}

func TestDoErrors(t *testing.T) {
	t.Parallel()
	calls := 0
	svc := httptest.New(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { calls++; panic("boom") }), &httptest.Options{Retry: true})
	req, err := svc.NewValidationRequest(t.Context())
	require.NoError(t, err)
	_, err = svc.Do(req)
	var delivery *httptest.DeliveryError
	require.ErrorAs(t, err, &delivery)
	assert.Equal(t, 1, calls, "Do does not retry")
	assert.Equal(t, "validate", delivery.Event)
}
