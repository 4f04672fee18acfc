// Package broken has handlers with the mistakes that real handlers make, and servers in
// front of them with the mistakes of real proxies. Tests check that each is found, in
// memory and over the network.
package broken

import (
	"context"
	"log/slog"
	"maps"
	"net/http"

	"github.com/go-webpubsub/webpubsub"
)

// ConnectionString of the service for which the handlers are configured. Its key is
// base64, as those of the service are.
const ConnectionString = "Endpoint=https://contoso.webpubsub.azure.com;AccessKey=" + key + ";Version=1.0;"

// OtherConnectionString is that of another service.
const OtherConnectionString = "Endpoint=https://" + otherOrigin + ";AccessKey=" + otherKey + ";Version=1.0;"

const (
	key         = "bm90IGEgcmVhbCBrZXksIG9ubHkgb25lIGZvciB0ZXN0cw=="
	origin      = "contoso.webpubsub.azure.com"
	otherKey    = "YW5vdGhlciBrZXkgdGhhdCBpcyBub3QgcmVhbA=="
	otherOrigin = "fabrikam.webpubsub.azure.com"
	hub         = "chat"
)

// Handler is a handler with one mistake.
type Handler struct {
	http.Handler
	// Path is the template of the handler's path; defaults to "/eventhandler".
	Path string
	// Fails are the ids of the checks that fail or warn, in order.
	Fails []string
	// Cause is the id of the cause of the first of them; empty if it has none.
	Cause string
	// NeedsOther means that the mistake shows only if the key of OtherConnectionString
	// is known.
	NeedsOther bool
}

// URLPath returns the Path or its default.
func (h *Handler) URLPath() string {
	if h.Path == "" {
		return "/eventhandler"
	}
	return h.Path
}

// Handlers returns the handlers by name.
func Handlers() (map[string]Handler, error) {
	f, err := newFactory()
	if err != nil {
		return nil, err
	}
	all := make(map[string]Handler)
	for _, some := range []map[string]Handler{f.fronts(), f.routes(), f.keys(), f.untrustworthy(), f.imprecise(), f.failing()} {
		maps.Copy(all, some)
	}
	return all, f.err
}

// Config is the configuration of a handler without mistakes. It handles every kind of
// event, so that every check reaches code.
func Config() webpubsub.Config {
	var seen webpubsub.State[map[string]int]
	return webpubsub.Config{
		Hub:               hub,
		ConnectionStrings: []string{ConnectionString},
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
		Logger: slog.New(slog.DiscardHandler),
	}
}

// factory makes handlers.
type factory struct {
	right http.Handler // without mistakes
	err   error
}

func newFactory() (*factory, error) {
	right, err := webpubsub.NewHandler(Config())
	return &factory{right: right}, err
}

// with returns a handler with a changed configuration.
func (f *factory) with(change func(*webpubsub.Config)) http.Handler {
	cfg := Config()
	change(&cfg)
	h, err := webpubsub.NewHandler(cfg)
	if err != nil {
		f.err = err
	}
	return h
}

// around returns a handler that is in front of the right one.
func (f *factory) around(serve func(w http.ResponseWriter, r *http.Request, next http.Handler)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { serve(w, r, f.right) })
}

// when returns a handler that answers some requests itself.
func (f *factory) when(mine func(*http.Request) bool, answer http.HandlerFunc) http.Handler {
	return f.around(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if mine(r) {
			answer(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func isOptions(r *http.Request) bool { return r.Method == http.MethodOptions }
func isPost(r *http.Request) bool    { return r.Method == http.MethodPost }
func notPost(r *http.Request) bool   { return r.Method != http.MethodPost }
func isAny(*http.Request) bool       { return true }

// named returns a condition for events of a name.
func named(event string) func(*http.Request) bool {
	return func(r *http.Request) bool { return r.Header.Get("Ce-Eventname") == event }
}

// text returns a handler that answers with a text, and headers as names and values.
func text(status int, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}
