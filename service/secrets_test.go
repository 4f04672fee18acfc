package service_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	azlog "github.com/Azure/azure-sdk-for-go/sdk/azcore/log"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/service"
	"github.com/go-webpubsub/webpubsub/service/filter"
)

// shown is a value in all the ways in which it comes to be printed.
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

// holdsNone asserts that a text has none of the secrets, nor what they look
// like in hexadecimal or in JSON.
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
	}
	for name, v := range values {
		holdsNone(t, name, shown(t, v), secrets...)
	}
	assert.Equal(t, "REDACTED", key.String())
	assert.Equal(t, "REDACTED", fmt.Sprintf("%#v", key))
	assert.Equal(t, `service.Client(https://name.webpubsub.azure.com, hub "chat")`, fmt.Sprintf("%+v", byKey))
	assert.Equal(t, "wss://name.webpubsub.azure.com/client/hubs/chat", fmt.Sprintf("%#v", signed))
	assert.Equal(t, "wss://name.webpubsub.azure.com/client/hubs/chat", signed.String())
}

// TestErrorsAndLogsShowNoSecret calls every operation in every way that fails,
// and some that do not, and searches all errors and all that azcore logs. It is
// not parallel: azcore has one listener for the process.
func TestErrorsAndLogsShowNoSecret(t *testing.T) { //nolint:paralleltest // azcore's listener is global
	var log strings.Builder
	azlog.SetListener(func(ev azlog.Event, text string) { log.WriteString(string(ev) + " " + text + "\n") })
	defer azlog.SetListener(nil)

	echo := func(status int) func(int, *http.Request) (*http.Response, error) {
		return func(_ int, req *http.Request) (*http.Response, error) {
			token := req.Header.Get("Authorization")
			if status < 300 && !strings.HasSuffix(req.URL.Path, ":generateToken") {
				token = ""
			}
			return reply(status, []string{"Content-Type", "application/json"}, `{"message":"you sent `+token+`","token":"`+token+`"}`), nil
		}
	}
	broken := func(_ int, req *http.Request) (*http.Response, error) {
		return nil, fmt.Errorf("around: %w", &url.Error{Op: "Post", URL: req.URL.String() + "&access_token=eyJ", Err: &net.OpError{Op: "dial", Err: errors.New("refused")}})
	}
	for name, answer := range map[string]func(int, *http.Request) (*http.Response, error){
		"200": echo(200), "202": echo(202), "401": echo(401), "404": echo(404), "503": echo(503), "broken": broken,
	} {
		for _, op := range operations() {
			synctest.Test(t, func(t *testing.T) {
				f := &fake{answer: answer}
				for _, c := range []*service.Client{keyClient(t, logging(f)), entraClient(t, &credential{}, logging(f))} {
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

// logging asks azcore to log more than is good.
func logging(f *fake) *service.Options {
	opts := over(f)
	opts.Logging.AllowedHeaders = []string{"authorization", "Authorization"}
	opts.Logging.IncludeBody = true
	return opts
}

// TestResponseErrorHasNoToken: what an error leads to is safe to dump.
func TestResponseErrorHasNoToken(t *testing.T) {
	t.Parallel()
	f := &fake{answer: func(_ int, req *http.Request) (*http.Response, error) {
		resp := reply(401, nil, "bad token "+req.Header.Get("Authorization"))
		resp.Request = req
		return resp, nil
	}}
	err := entraClient(t, &credential{}, once(f)).All().SendText(t.Context(), "hi", &service.SendOptions{Filter: filter.All()})
	require.EqualError(t, err, "service: SendToAll: 401 Unauthorized: bad token Bearer REDACTED")
	var azure *azcore.ResponseError
	require.ErrorAs(t, err, &azure)
	assert.Equal(t, "REDACTED", azure.RawResponse.Request.Header.Get("Authorization"))
	assert.Equal(t, http.MethodPost, azure.RawResponse.Request.Method)
	holdsNone(t, "response error", fmt.Sprintf("%+v", *azure.RawResponse.Request), entraToken)
	assert.Equal(t, entraToken, f.only(t).bearer(t))
}
