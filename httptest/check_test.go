package httptest_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/httptest"
	"github.com/go-webpubsub/webpubsub/internal/conformance"
)

// fullConfig handles every kind of event, so that every check reaches code.
func fullConfig() webpubsub.Config {
	var seen webpubsub.State[map[string]int]
	return webpubsub.Config{
		Hub:               "chat",
		ConnectionStrings: []string{httptest.ConnectionString},
		OnConnect: func(_ context.Context, ev *webpubsub.ConnectEvent) (*webpubsub.ConnectReply, error) {
			if ev.MQTT != nil {
				return nil, webpubsub.Unauthorized("no MQTT here")
			}
			return &webpubsub.ConnectReply{UserID: "ann", State: seen.Set(map[string]int{"n": 1})}, nil
		},
		OnConnected:    func(context.Context, *webpubsub.ConnectedEvent) error { return nil },
		OnDisconnected: func(context.Context, *webpubsub.DisconnectedEvent) error { return nil },
		OnGroupJoined:  func(context.Context, *webpubsub.GroupJoinedEvent) error { return nil },
		OnGroupLeft:    func(context.Context, *webpubsub.GroupLeftEvent) error { return nil },
		Fallback: func(_ context.Context, ev *webpubsub.UserEvent) (webpubsub.Reply, error) {
			return webpubsub.DataReply(ev.ContentType, ev.Data), nil
		},
		Logger: quiet(),
	}
}

func newHandler(tb testing.TB, cfg webpubsub.Config) *webpubsub.Handler {
	tb.Helper()
	h, err := webpubsub.NewHandler(cfg)
	require.NoError(tb, err)
	return h
}

func TestCheckHandlerPasses(t *testing.T) {
	t.Parallel()
	secondary := strings.Replace(httptest.ConnectionString, "AccessKey=ABC", "AccessKey=XYZ", 1)
	tests := map[string]struct {
		change func(*webpubsub.Config)
		opts   *httptest.Options
	}{
		"with all functions": {change: func(*webpubsub.Config) {}},
		"without functions": {change: func(cfg *webpubsub.Config) {
			*cfg = webpubsub.Config{Hub: cfg.Hub, ConnectionStrings: cfg.ConnectionStrings, Logger: cfg.Logger}
		}},
		"whatever the transport": {
			change: func(*webpubsub.Config) {},
			opts:   &httptest.Options{Transport: http.DefaultTransport, Retry: true},
		},
		"for any hub": {change: func(cfg *webpubsub.Config) { cfg.Hub = "" }},
		"with functions that refuse": {change: func(cfg *webpubsub.Config) {
			cfg.OnConnect = func(context.Context, *webpubsub.ConnectEvent) (*webpubsub.ConnectReply, error) {
				return nil, webpubsub.Forbidden("members only")
			}
			cfg.Fallback = func(context.Context, *webpubsub.UserEvent) (webpubsub.Reply, error) {
				return webpubsub.Reply{}, webpubsub.BadRequest("no")
			}
		}},
		"with the secondary key alone": {
			change: func(cfg *webpubsub.Config) { cfg.ConnectionStrings = []string{secondary} },
			opts:   &httptest.Options{SecondaryKey: "XYZDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH"},
		},
		"for another hub and service": {
			change: func(cfg *webpubsub.Config) {
				cfg.Hub = "Orders"
				cfg.ConnectionStrings = []string{"Endpoint=https://X.webpubsub.azure.com;AccessKey=k;Version=1.0;"}
			},
			opts: &httptest.Options{Hub: "orders", ConnectionString: "Endpoint=https://x.webpubsub.azure.com;AccessKey=k;Version=1.0;"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := fullConfig()
			test.change(&cfg)
			require.NoError(t, httptest.CheckHandler(t.Context(), newHandler(t, cfg), test.opts))
		})
	}
}

func TestCheckHandlerErrors(t *testing.T) {
	t.Parallel()
	require.Error(t, httptest.CheckHandler(t.Context(), nil, nil))
	h := newHandler(t, fullConfig())
	require.Error(t, httptest.CheckHandler(t.Context(), h, &httptest.Options{ConnectionString: "Endpoint=http://localhost"}))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, httptest.CheckHandler(ctx, h, nil), context.Canceled)
}

// failedChecks returns the ids of the checks that a handler fails.
func failedChecks(tb testing.TB, h http.Handler, opts *httptest.Options) []string {
	tb.Helper()
	err := httptest.CheckHandler(tb.Context(), h, opts)
	if err == nil {
		return nil
	}
	var joined interface{ Unwrap() []error }
	require.ErrorAs(tb, err, &joined)
	var ids []string
	for _, err := range joined.Unwrap() {
		var failed *httptest.CheckError
		require.ErrorAs(tb, err, &failed)
		assert.NotEmpty(tb, failed.Rule)
		assert.NotEmpty(tb, failed.Reason)
		assert.NotEmpty(tb, failed.Problems)
		assert.Contains(tb, failed.Error(), failed.Reason)
		ids = append(ids, failed.ID)
	}
	return ids
}

// Every check fails for at least one broken handler, and no broken handler fails
// other checks.
func TestCheckHandlerCatches(t *testing.T) {
	t.Parallel()
	caught := make(map[string]bool)
	for name, broken := range brokenHandlers(t) {
		for _, id := range broken.fails {
			caught[id] = true
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert.ElementsMatch(t, broken.fails, failedChecks(t, broken.handler, nil))
		})
	}
	for _, broken := range tokenHandlers(t, httptest.NewIdentity(appURI, 1)) {
		for _, id := range broken.fails {
			caught[id] = true
		}
	}
	ids := make(map[string]bool)
	for _, c := range conformance.Checks() {
		assert.False(t, ids[c.ID], "check %s is repeated", c.ID)
		ids[c.ID] = true
		assert.True(t, caught[c.ID], "no broken handler for check %s", c.ID)
	}
}

// The errors of Validate and CheckHandler name common middleware that breaks a
// handler.
func TestMiddlewareThatBlocksValidation(t *testing.T) {
	t.Parallel()
	h := newHandler(t, fullConfig())
	post := http.NewServeMux()
	post.Handle("POST /eventhandler", h)
	for name, tt := range map[string]struct {
		handler http.Handler
		want    string
	}{
		"login": {http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if _, _, ok := r.BasicAuth(); !ok {
				http.Error(w, "login first", http.StatusUnauthorized)
				return
			}
			h.ServeHTTP(w, r)
		}), "asks for a login or redirects"},
		"login page": {http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodPost {
				http.Redirect(w, r, "/login", http.StatusFound)
				return
			}
			h.ServeHTTP(w, r)
		}), "asks for a login or redirects"},
		"CORS": {http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Access-Control-Allow-Origin", "*")
			if r.Method == http.MethodOptions {
				w.WriteHeader(http.StatusNoContent)
				return
			}
			h.ServeHTTP(w, r)
		}), "such as a CORS middleware"},
		"route of POST": {post, "mount the handler for all methods"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var denied *httptest.NoConsentError
			err := httptest.New(tt.handler, nil).Validate(t.Context())
			require.ErrorAs(t, err, &denied)
			assert.Contains(t, err.Error(), tt.want)

			var broken *httptest.CheckError
			require.ErrorAs(t, httptest.CheckHandler(t.Context(), tt.handler, nil), &broken)
			assert.Equal(t, "options-consent", broken.ID)
			assert.Contains(t, broken.Error(), tt.want)
		})
	}
}
