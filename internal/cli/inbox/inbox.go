package inbox

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/internal/upstream"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// Config configures a [Handler].
type Config struct {
	// ConnectionString verifies events. If it is empty, unsigned events are accepted.
	ConnectionString string
	// Hub whose events are accepted, and the {hub} of Forward in validation requests; empty
	// is any hub.
	Hub string
	// Reply answers user events.
	Reply webpubsub.Reply
	// Forward is the URL of a handler to pass requests on to, in place of Reply.
	Forward *upstream.Template
	// Transport passes them on; defaults to [http.DefaultTransport].
	Transport http.RoundTripper
	// Arrived is called with a request that is passed on, before it is.
	Arrived func(*Entry)
	// Answered is called with each request after it was answered.
	Answered func(*Entry)
}

// Handler is an event handler. It calls the functions of its Config from several
// goroutines.
type Handler struct {
	cfg    Config
	next   http.Handler
	number atomic.Int64
}

// New returns a Handler. Its errors are those of [webpubsub.NewHandler].
func New(cfg Config) (*Handler, error) {
	h := &Handler{cfg: cfg}
	if cfg.Forward != nil {
		forward, err := newForwarder(cfg)
		h.next = forward
		return h, err
	}
	root := webpubsub.Config{
		Hub:            cfg.Hub,
		OnConnect:      func(context.Context, *webpubsub.ConnectEvent) (*webpubsub.ConnectReply, error) { return nil, nil },
		OnConnected:    func(context.Context, *webpubsub.ConnectedEvent) error { return nil },
		OnDisconnected: func(context.Context, *webpubsub.DisconnectedEvent) error { return nil },
		OnGroupJoined:  func(context.Context, *webpubsub.GroupJoinedEvent) error { return nil },
		OnGroupLeft:    func(context.Context, *webpubsub.GroupLeftEvent) error { return nil },
		Fallback:       func(context.Context, *webpubsub.UserEvent) (webpubsub.Reply, error) { return cfg.Reply, nil },
		Observe:        observe,
		Logger:         slog.New(slog.DiscardHandler), // entries say more
	}
	if cfg.ConnectionString == "" {
		root.Verifier = webpubsub.InsecureSkipVerify{}
	} else {
		root.ConnectionStrings = []string{cfg.ConnectionString}
	}
	next, err := webpubsub.NewHandler(root)
	h.next = next
	return h, err
}

// observe adds the reason of a refusal to the request's entry. It says more than the
// answer, which a stranger gets.
func observe(ctx context.Context, o webpubsub.Outcome) {
	e := entryOf(ctx)
	if o.Err != nil {
		e.Problem = o.Err.Error()
	}
	if o.Reason == webpubsub.ReasonUnverified {
		e.Unverified = true
	}
}

// ServeHTTP answers a request, or passes it on, and reports it.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e := newEntry(h.number.Add(1), r)
	body := &tee{ReadCloser: r.Body}
	r.Body = body
	rec := &recorder{ResponseWriter: w}
	defer func() {
		e.Took = time.Since(e.Time)
		e.keep(body, rec)
		h.cfg.Answered(e)
	}()
	if h.cfg.ConnectionString == "" && isBrowser(r) {
		// Any web page could send events otherwise.
		e.refuse(rec, http.StatusForbidden, errors.New("unsigned requests of web pages are refused: the service sends no Origin"))
		return
	}
	h.next.ServeHTTP(rec, r.WithContext(context.WithValue(r.Context(), entryKey{}, e)))
}

// isBrowser reports whether a web page sent a request.
func isBrowser(r *http.Request) bool {
	return r.Header.Get("Origin") != "" || r.Header.Get("Sec-Fetch-Site") != ""
}

type entryKey struct{}

func entryOf(ctx context.Context) *Entry {
	e, _ := ctx.Value(entryKey{}).(*Entry)
	return e
}

// isValidation reports whether a request asks for consent.
func isValidation(r *http.Request) bool {
	return r.Method == http.MethodOptions || r.Method == http.MethodGet && r.Header.Get(wire.HeaderRequestOrigin) != ""
}
