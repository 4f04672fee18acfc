package service_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	azlog "github.com/Azure/azure-sdk-for-go/sdk/azcore/log"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/tracing"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/service"
	"github.com/go-webpubsub/webpubsub/service/filter"
)

// shown returns a value printed in all ways.
func shown(tb testing.TB, v any) string {
	tb.Helper()
	var b bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%T", "%p", "%10.5v", "% +#v"} {
		fmt.Fprintf(&b, verb+"\n", v)
		fmt.Fprintf(&b, verb+"\n", []any{v})
		fmt.Fprintf(&b, verb+"\n", struct{ hidden any }{v})
	}
	level := &slog.HandlerOptions{Level: slog.LevelDebug}
	for _, h := range []slog.Handler{slog.NewTextHandler(&b, level), slog.NewJSONHandler(&b, level)} {
		slog.New(h).Info("m", "v", v, slog.Group("g", "v", v), "in", struct{ V any }{v}, "list", []any{v})
	}
	if data, err := json.Marshal(v); err == nil { // not all values are for JSON
		b.Write(data)
	}
	return b.String()
}

// holdsNone asserts that a text has none of the secrets, plain, in hexadecimal or in
// JSON.
func holdsNone(tb testing.TB, what, text string, secrets ...string) {
	tb.Helper()
	for _, s := range append(secrets, "access_token=", "eyJ") {
		for _, form := range []string{s, fmt.Sprintf("%x", s), fmt.Sprintf("%X", s), fmt.Sprintf("%d", []byte(s)), url.QueryEscape(s)} {
			if strings.Contains(text, form) {
				assert.Failf(tb, "a secret is shown", "%s shows %q in:\n%s", what, form, text)
			}
		}
	}
}

func TestValuesShowNoSecret(t *testing.T) {
	t.Parallel()
	key, err := service.NewAccessKey(testKey)
	require.NoError(t, err)
	f := &fake{answer: func(int, *http.Request) (*http.Response, error) { return reply(200, nil, `{"token":"eyJmade"}`), nil }}
	byKey, err := service.NewClientWithKey(testEndpoint, testHub, key, over(f))
	require.NoError(t, err)
	byEntra := entraClient(t, &credential{}, over(f))
	signed, err := byKey.ClientAccess(t.Context(), nil)
	require.NoError(t, err)
	made, err := byEntra.ClientAccess(t.Context(), nil)
	require.NoError(t, err)
	f.seen = nil // the transport is a part of the client
	secrets := []string{testKey, entraToken, signed.Token(), made.Token()}

	type around struct {
		access  service.ClientAccess
		Pointer *service.ClientAccess
		key     *service.AccessKey
		client  *service.Client
	}
	values := map[string]any{
		"key": key, "client": byKey, "Entra client": byEntra, "client's fields": *byKey,
		"access": signed, "access made": made, "pointer": &signed, "around": around{signed, &made, key, byKey}, "pointer around": &around{signed, &made, key, byKey},
		"all": byKey.All(), "group": byKey.Group("g"), "user": byKey.User("u"), "connection": byKey.Connection("c"),
		"member": service.Member{}, "options": *over(f), "send options": service.SendOptions{}, "close options": service.CloseOptions{},
		"access options": service.ClientAccessOptions{}, "list options": service.ListOptions{},
		"protocol": service.ProtocolMQTT, "permission": service.JoinLeaveGroup, "error": &service.Error{Err: service.ErrInvalid},
	}
	searched := map[string]bool{}
	for name, v := range values {
		holdsNone(t, name, shown(t, v), secrets...)
		searched[strings.TrimPrefix(strings.TrimPrefix(fmt.Sprintf("%T", v), "*"), "service.")] = true
	}
	api, err := os.ReadFile("../internal/archtest/testdata/api/service.txt")
	require.NoError(t, err)
	types := regexp.MustCompile(`(?m)^type (\w+)`).FindAllSubmatch(api, -1)
	require.NotEmpty(t, types)
	for _, match := range types {
		assert.True(t, searched[string(match[1])], "no value of the exported type %s was searched", match[1])
	}
	assert.Equal(t, "REDACTED", key.String())
	assert.Equal(t, "REDACTED", fmt.Sprintf("%#v", key))
	assert.Equal(t, `service.Client(https://name.webpubsub.azure.com, hub "chat")`, fmt.Sprintf("%+v", byKey))
	assert.Equal(t, "wss://name.webpubsub.azure.com/client/hubs/chat", fmt.Sprintf("%#v", signed))
	assert.Equal(t, "wss://name.webpubsub.azure.com/client/hubs/chat", signed.String())
}

// TestErrorsAndLogsShowNoSecret calls every operation with every failure, and with
// success, and searches all errors and all logs of azcore. It is not parallel, since
// azcore has one listener per process.
func TestErrorsAndLogsShowNoSecret(t *testing.T) { //nolint:paralleltest // azcore's listener is global
	var log strings.Builder
	azlog.SetListener(func(ev azlog.Event, text string) { log.WriteString(string(ev) + " " + text + "\n") })
	defer azlog.SetListener(nil)

	echo := func(status int) func(int, *http.Request) (*http.Response, error) {
		return func(_ int, req *http.Request) (*http.Response, error) {
			token := req.Header.Get("Authorization")
			if status < 300 {
				if !strings.HasSuffix(req.URL.Path, ":generateToken") {
					token = ""
				}
				return reply(status, []string{"Content-Type", "application/json"}, `{"message":"you sent `+token+`","token":"`+token+`"}`), nil
			}
			resp := reply(status, []string{
				"Content-Type", "application/json", "X-Ms-Error-Code", token, "Server", token, "Location", "https://b.example/?t=" + token,
				"Www-Authenticate", `Bearer error="invalid_token", error_description="` + token + `"`,
			}, `{"code":"`+token+`","message":"you sent `+token+`","target":"`+token+`","inner":{"code":"`+token+`"},"errors":{"`+token+`":["`+token+`"]}}`)
			resp.Status += " " + token
			return resp, nil
		}
	}
	text := func(_ int, req *http.Request) (*http.Response, error) {
		return reply(400, []string{"Content-Type", "text/plain"}, "you sent "+req.Header.Get("Authorization")), nil
	}
	quoted := func(_ int, req *http.Request) (*http.Response, error) {
		return nil, &url.Error{Op: "Post", URL: req.URL.String(), Err: fmt.Errorf("failed to parse Location header %q", req.Header.Get("Authorization"))}
	}
	broken := func(_ int, req *http.Request) (*http.Response, error) {
		return nil, fmt.Errorf("around: %w", &url.Error{Op: "Post", URL: req.URL.String() + "&access_token=eyJ", Err: &net.OpError{Op: "dial", Err: errors.New("refused")}})
	}
	for name, answer := range map[string]func(int, *http.Request) (*http.Response, error){
		"200": echo(200), "202": echo(202), "307": echo(307), "401": echo(401), "404": echo(404), "503": echo(503), "text": text, "broken": broken, "quoted": quoted,
	} {
		for _, op := range operations() {
			synctest.Test(t, func(t *testing.T) {
				f := &fake{answer: answer}
				opts := logging(f)
				opts.TracingProvider = tracesTo(&log)
				for _, c := range []*service.Client{keyClient(t, opts), entraClient(t, &credential{}, opts)} {
					err := op.call(t.Context(), c)
					secrets := []string{testKey, entraToken}
					for _, got := range f.requests() {
						secrets = append(secrets, got.bearer(t))
					}
					for what := op.name + " " + name; err != nil; err = errors.Unwrap(err) {
						text := shown(t, err)
						holdsNone(t, what, text, secrets...)
						if name == "broken" {
							assert.NotContains(t, text, "webpubsub.azure.com", what)
						}
					}
					holdsNone(t, "log of "+op.name+" "+name, log.String(), secrets...)
					if name == "broken" {
						assert.NotContains(t, log.String(), "brien", "a filter is in the log")
					}
					log.Reset()
				}
			})
		}
	}
}

// tracesTo writes all that a tracer receives.
func tracesTo(log *strings.Builder) tracing.Provider {
	return tracing.NewProvider(func(name, version string) tracing.Tracer {
		return tracing.NewTracer(func(ctx context.Context, name string, o *tracing.SpanOptions) (context.Context, tracing.Span) {
			fmt.Fprintf(log, "span %s %+v\n", name, o)
			return ctx, tracing.NewSpan(tracing.SpanImpl{
				AddEvent:      func(name string, attributes ...tracing.Attribute) { fmt.Fprintln(log, name, attributes) },
				SetAttributes: func(attributes ...tracing.Attribute) { fmt.Fprintln(log, attributes) },
				SetStatus:     func(_ tracing.SpanStatus, text string) { fmt.Fprintln(log, text) },
			})
		}, nil)
	}, nil)
}

// TestTransportsShowNoSecret: errors of net/http for redirects and proxies contain
// URLs and answers.
func TestTransportsShowNoSecret(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var secrets []string
	srv := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		mu.Lock()
		secrets = append(secrets, token)
		mu.Unlock()
		switch {
		case strings.Contains(r.URL.Path, "/users/wrong"):
			w.Header().Set("Location", "http://%zz/?access_token="+token)
		case strings.Contains(r.URL.Path, "/users/missing"):
		default:
			w.Header().Set("Location", r.URL.Path+"?access_token="+token)
		}
		w.WriteHeader(http.StatusTemporaryRedirect)
		_, _ = w.Write([]byte(token)) //nolint:gosec // to the test itself
	})
	proxy := newServer(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusProxyAuthRequired)
	})
	proxyURL, err := url.Parse(strings.Replace(proxy, "//", "//user:password@", 1))
	require.NoError(t, err)
	proxied := &http.Client{Transport: &http.Transport{Proxy: http.ProxyURL(proxyURL)}}
	t.Cleanup(proxied.CloseIdleConnections)
	following := &http.Client{Transport: new(http.Transport)}
	t.Cleanup(following.CloseIdleConnections)

	for _, test := range []struct {
		name, endpoint, user string
		transport            *http.Client
		err                  string
	}{
		{"not followed", srv, "somewhere", nil, "307 Temporary Redirect: want status 200"},
		{"malformed", srv, "wrong", nil, `failed to parse Location header "http://%zz/?access_token=REDACTED": parse "http://%zz/?access_token=REDACTED": invalid URL escape "%zz"`},
		{"round and round", srv, "somewhere", following, "stopped after 10 redirects"},
		{"to nowhere", srv, "missing", following, "307 Temporary Redirect: want status 200"},
		{"proxy refuses a tunnel", testEndpoint, "u", proxied, "Proxy Authentication Required"},
		{"proxy refuses a request", "http://name.example", "u", proxied, "407 Proxy Authentication Required"},
	} {
		opts := new(service.Options)
		opts.Retry.MaxRetries = -1
		if test.transport != nil {
			opts.Transport = test.transport
		}
		c, err := service.NewClientFromConnectionString("Endpoint="+test.endpoint+";AccessKey="+testKey, testHub, opts)
		require.NoError(t, err)
		_, err = c.User(test.user).Exists(t.Context())
		require.EqualError(t, err, "service: UserExists: "+test.err, test.name)
		for ; err != nil; err = errors.Unwrap(err) {
			text := shown(t, err)
			var azure *azcore.ResponseError
			if errors.As(err, &azure) {
				text += fmt.Sprint(azure.RawResponse.Header, azure.RawResponse.Request.Header)
				assert.Nil(t, azure.RawResponse.Request.Response, test.name)
			}
			for _, secret := range append(secrets, testKey, "password") {
				assert.NotContains(t, text, secret, test.name)
			}
		}
	}
	assert.NotEmpty(t, secrets)
}

// logging makes azcore log all it can.
func logging(f *fake) *service.Options {
	opts := over(f)
	opts.Logging.AllowedHeaders = []string{"authorization", "Authorization"}
	opts.Logging.IncludeBody = true
	return opts
}

// TestResponseErrorHasNoToken: the request and answer of an error are safe to dump.
func TestResponseErrorHasNoToken(t *testing.T) {
	t.Parallel()
	f := &fake{answer: func(_ int, req *http.Request) (*http.Response, error) {
		resp := reply(401, nil, "bad token "+req.Header.Get("Authorization"))
		resp.Request = req
		return resp, nil
	}}
	err := entraClient(t, &credential{}, once(f)).All().SendText(t.Context(), "hi", &service.SendOptions{Filter: filter.All()})
	require.ErrorContains(t, err, "service: SendToAll: 401 Unauthorized: bad token Bearer REDACTED (")
	var azure *azcore.ResponseError
	require.ErrorAs(t, err, &azure)
	assert.Equal(t, "REDACTED", azure.RawResponse.Request.Header.Get("Authorization"))
	assert.Equal(t, http.MethodPost, azure.RawResponse.Request.Method)
	holdsNone(t, "response error", fmt.Sprintf("%+v", *azure.RawResponse.Request), entraToken)
	assert.Equal(t, entraToken, f.only(t).bearer(t))
}
