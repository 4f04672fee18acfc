package broken

import (
	"context"
	"io"
	"net/http"
	"strings"

	"github.com/go-webpubsub/webpubsub"
)

// failing are handlers with answers that the service cannot use.
func (f *factory) failing() map[string]Handler {
	busy := func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "busy", http.StatusServiceUnavailable) }
	return map[string]Handler{
		"errors for connected": {
			Handler: f.with(func(cfg *webpubsub.Config) {
				cfg.OnConnected = func(context.Context, *webpubsub.ConnectedEvent) error { return webpubsub.Unavailable("busy") }
			}),
			Fails: []string{"signed"}, Cause: "retry",
		},
		"errors for OPTIONS": {Handler: f.when(isOptions, busy), Fails: []string{"options-consent"}, Cause: "retry"},
		"errors for disconnected": {
			Handler: f.when(named("disconnected"), busy),
			Fails:   []string{"notifications", "retry"}, Cause: "retry",
		},
		"errors for clients": {
			Handler: f.with(func(cfg *webpubsub.Config) {
				cfg.OnConnect = func(context.Context, *webpubsub.ConnectEvent) (*webpubsub.ConnectReply, error) {
					return nil, webpubsub.Unavailable("no database")
				}
			}),
			Fails: []string{"retry"},
		},
		"panics": {
			Handler: f.when(isPost, func(http.ResponseWriter, *http.Request) { panic("cannot happen") }),
			Fails:   []string{"signed"}, Cause: "panic",
		},
		"an endless answer": {
			Handler: f.when(isPost, func(w http.ResponseWriter, _ *http.Request) {
				_, _ = io.Copy(w, io.LimitReader(zeros{}, 17<<20))
			}),
			Fails: []string{"signed"}, Cause: "answer-too-large",
		},
		"sniffed content types": {
			Handler: f.around(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
				if strings.HasPrefix(r.Header.Get("Ce-Type"), "azure.webpubsub.user.") {
					w = replaceHeader(w, "Content-Type", "")
				}
				next.ServeHTTP(w, r)
			}),
			Fails: []string{"user-answer-type"},
		},
		"text for MQTT clients": {
			Handler: f.when(func(r *http.Request) bool {
				return r.Header.Get("Ce-Subprotocol") == "mqtt" && named("connect")(r)
			}, text(http.StatusUnauthorized, "no")),
			Fails: []string{"mqtt-refusal"},
		},
		"text for clients": {
			Handler: f.around(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
				accepted := &rewriter{ResponseWriter: w, change: func(_ http.Header, status int) int { return status }}
				next.ServeHTTP(accepted, r)
				if named("connect")(r) && accepted.status == http.StatusOK {
					_, _ = io.WriteString(w, "welcome")
				}
			}),
			Fails: []string{"connect-answer"},
		},
		"state with errors": {
			Handler: f.around(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
				w.Header().Set("ce-connectionState", "e30=")
				next.ServeHTTP(w, r)
			}),
			Fails: []string{"state-on-success"},
		},
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
