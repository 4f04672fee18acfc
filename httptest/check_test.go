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
)

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

// The errors of Validate and CheckHandler name common middleware that breaks a
// handler.
func TestMiddlewareThatBlocksValidation(t *testing.T) {
	t.Parallel()
	h := newHandler(t, fullConfig())
	post := http.NewServeMux()
	post.Handle("POST /eventhandler", h)
	for name, tt := range map[string]struct {
		handler http.Handler
		want    string // of Validate
		id      string
		cause   string // of CheckHandler
	}{
		"login": {http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if _, _, ok := r.BasicAuth(); !ok {
				http.Error(w, "login first", http.StatusUnauthorized)
				return
			}
			h.ServeHTTP(w, r)
		}), "asks for a login or redirects", "options-consent", "something in front of the handler asks for a login"},
		"login page": {http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodPost {
				http.Redirect(w, r, "/login", http.StatusFound)
				return
			}
			h.ServeHTTP(w, r)
		}), "asks for a login or redirects", "redirect", "something in front of the handler redirects to a login: http://localhost/login"},
		"CORS": {http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Access-Control-Allow-Origin", "*")
			if r.Method == http.MethodOptions {
				w.WriteHeader(http.StatusNoContent)
				return
			}
			h.ServeHTTP(w, r)
		}), "such as a CORS middleware", "options-consent", "a CORS middleware answers OPTIONS itself, so that the handler does not get it"},
		"route of POST": {post, "mount the handler for all methods", "options-consent", "the route of the handler excludes OPTIONS"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var denied *httptest.NoConsentError
			err := httptest.New(tt.handler, nil).Validate(t.Context())
			require.ErrorAs(t, err, &denied)
			assert.Contains(t, err.Error(), tt.want)

			var broken *httptest.CheckError
			require.ErrorAs(t, httptest.CheckHandler(t.Context(), tt.handler, nil), &broken)
			assert.Equal(t, tt.id, broken.ID)
			assert.Equal(t, tt.cause, broken.Cause)
		})
	}
}
