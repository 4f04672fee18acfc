package main

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/httptest"
)

const code = "a-function-key"

// hostSettings is what the Functions host reads of host.json.
type hostSettings struct {
	Version       string
	CustomHandler struct {
		Description struct {
			DefaultExecutablePath string
		}
		EnableForwardingHTTPRequest bool `json:"enableForwardingHttpRequest"`
	}
}

// functionSettings is what the Functions host reads of a function.json.
type functionSettings struct {
	Bindings []struct {
		Type, Direction, AuthLevel string
		Route                      *string
		Methods                    []string
	}
}

func read[T any](t *testing.T, file string) (v T) {
	t.Helper()
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &v))
	return v
}

// start runs the program until the test ends. It returns its address.
func start(t *testing.T) net.Addr {
	t.Helper()
	env := map[string]string{"WEBPUBSUB_CONNECTION_STRING": httptest.ConnectionString, "FUNCTIONS_CUSTOMHANDLER_PORT": "0"}
	ctx, cancel := context.WithCancel(t.Context())
	ready, ended := make(chan net.Addr, 1), make(chan error, 1)
	go func() {
		ended <- run(ctx, func(name string) string { return env[name] }, func(addr net.Addr) { ready <- addr })
	}()
	select {
	case addr := <-ready:
		t.Cleanup(func() {
			cancel()
			require.NoError(t, <-ended)
		})
		return addr
	case err := <-ended:
		cancel()
		require.NoError(t, err)
		return nil
	}
}

// host does with a request what the Functions host does for the function in
// eventhandler/function.json: it checks the method and the key, and forwards the request
// to the program with its path.
func host(t *testing.T, program net.Addr) http.Handler {
	t.Helper()
	settings := read[hostSettings](t, "host.json")
	require.Equal(t, "2.0", settings.Version)
	require.Equal(t, "handler", settings.CustomHandler.Description.DefaultExecutablePath)
	require.True(t, settings.CustomHandler.EnableForwardingHTTPRequest)
	trigger := read[functionSettings](t, "eventhandler/function.json").Bindings[0]
	require.Equal(t, "httpTrigger", trigger.Type)
	require.Equal(t, "in", trigger.Direction)
	require.Equal(t, "function", trigger.AuthLevel)
	require.Nil(t, trigger.Route, "the route is the name of the folder")

	forward := &httputil.ReverseProxy{
		Transport: &http.Transport{DisableKeepAlives: true}, // so that none is left when the program ends
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: "http", Host: program.String()})
			r.SetXForwarded()
			r.Out.Header.Set("X-Azure-Functions-InvocationId", "0b3e1f5c-0000-4000-8000-000000000000")
		},
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/api/eventhandler", func(w http.ResponseWriter, r *http.Request) {
		switch {
		case !slices.Contains(trigger.Methods, strings.ToLower(r.Method)):
			http.NotFound(w, r)
		case r.URL.Query().Get("code") != code:
			w.WriteHeader(http.StatusUnauthorized)
		default:
			forward.ServeHTTP(w, r)
		}
	})
	return mux
}

// ofHost are the rules that no function app keeps: the host answers other methods
// itself, and reads a body before it forwards the request.
var ofHost = []string{"method", "signature-before-body"}

// The handler keeps all other rules of the protocol behind the Functions host.
func TestBehindHost(t *testing.T) {
	t.Parallel()
	h := host(t, start(t))
	opts := &httptest.Options{URL: "https://functions.example/api/eventhandler?code=" + code}
	err := httptest.CheckHandler(t.Context(), h, opts)
	var broken *httptest.CheckError
	require.ErrorAs(t, err, &broken)
	for _, err := range err.(interface{ Unwrap() []error }).Unwrap() { //nolint:forcetypeassert // documented
		require.ErrorAs(t, err, &broken)
		assert.Contains(t, ofHost, broken.ID, "%v", err)
	}

	conn, err := httptest.New(h, opts).Connect(t.Context(), nil)
	require.NoError(t, err)
	answer, err := conn.SendText(t.Context(), "message", "hello")
	require.NoError(t, err)
	assert.Equal(t, "hello", string(answer.Data))
}

// Without the function's key in the URL, the host refuses the validation request.
func TestWithoutCode(t *testing.T) {
	t.Parallel()
	svc := httptest.New(host(t, start(t)), &httptest.Options{URL: "http://functions.example/api/eventhandler"})
	err := svc.Validate(t.Context())
	var refused *httptest.NoConsentError
	require.ErrorAs(t, err, &refused)
	assert.Equal(t, http.StatusUnauthorized, refused.Status)
}

func TestRefusesToStart(t *testing.T) {
	t.Parallel()
	for name, env := range map[string]map[string]string{
		"WEBPUBSUB_CONNECTION_STRING":  {},
		"FUNCTIONS_CUSTOMHANDLER_PORT": {"WEBPUBSUB_CONNECTION_STRING": httptest.ConnectionString, "FUNCTIONS_CUSTOMHANDLER_PORT": "none"},
	} {
		err := run(t.Context(), func(name string) string { return env[name] }, func(net.Addr) { assert.Fail(t, "it listens") })
		require.ErrorContains(t, err, name+": ")
	}
}
