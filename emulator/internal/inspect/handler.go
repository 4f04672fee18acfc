package inspect

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/go-webpubsub/webpubsub/emulator/internal/dispatch"
	"github.com/go-webpubsub/webpubsub/emulator/internal/hub"
	"github.com/go-webpubsub/webpubsub/emulator/internal/trace"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// Path is the path of the page.
const Path = "/inspector/"

// HeaderToken has the token of the inspector.
const HeaderToken = "Inspector-Token"

// Limits of what requests can occupy.
const (
	maxStreams = 16
	maxRaising = 8
	maxAction  = 2 << 20 // bytes of a body
)

//go:embed page
var page embed.FS

// Config of a [Handler].
type Config struct {
	List   *List
	Trace  *trace.Stream
	Hubs   *hub.Hubs
	Events *dispatch.Dispatcher
	// Keys are the access keys. PublicKey is the well-known one: only its signatures are in
	// copied commands.
	Keys      []string
	PublicKey string
	Origins   []string // of events
	// ClientURL returns the URL, with a token, with which a client connects.
	ClientURL func(r *http.Request, c *ClientOptions) string
	// RESTToken returns a token for a URL of the REST API.
	RESTToken func(url string) string
}

// ClientOptions describe a test client.
type ClientOptions struct {
	Hub        string   `json:"hub"`
	User       string   `json:"user"`
	Roles      []string `json:"roles"`
	Groups     []string `json:"groups"`
	LifetimeMs int64    `json:"lifetimeMs"`
}

// Handler serves the page and the API. The caller has checked the address, host and origin
// of requests.
type Handler struct {
	cfg   Config
	token string
	start string
	mux   *http.ServeMux

	streams, raising chan struct{} // an element for each request
	importing        sync.Mutex
	stopped          chan struct{}
	stop             func()
}

// NewHandler returns a handler with a new token.
func NewHandler(cfg Config) *Handler {
	h := &Handler{
		cfg: cfg, token: rand.Text(), start: rand.Text(), mux: http.NewServeMux(),
		streams: make(chan struct{}, maxStreams), raising: make(chan struct{}, maxRaising), stopped: make(chan struct{}),
	}
	h.stop = sync.OnceFunc(func() { close(h.stopped) })
	files, _ := fs.Sub(page, "page") // never fails
	h.mux.Handle("GET "+Path, http.StripPrefix(Path, http.FileServerFS(files)))
	for pattern, serve := range map[string]func(w http.ResponseWriter, r *http.Request) error{
		"GET records":             h.stream,
		"GET records/{n}":         h.record,
		"GET records/{n}/curl":    h.curl,
		"GET records/{n}/trigger": h.trigger,
		"GET records/{n}/gotest":  h.goTest,
		"GET state":               h.state,
		"GET export":              h.export,
		"POST import":             h.importLines,
		"POST actions/send":       action(h, h.send),
		"POST actions/close":      action(h, h.closeConnections),
		"POST actions/raise":      action(h, h.raise),
		"POST actions/clientURL":  action(h, h.clientURL),
		"POST actions/pause":      action(h, h.pause),
		"POST actions/clear":      action(h, h.clear),
	} {
		method, path, _ := strings.Cut(pattern, " ")
		h.mux.HandleFunc(method+" "+Path+path, h.guarded(serve))
	}
	return h
}

// Token returns the token of the inspector.
func (h *Handler) Token() string { return h.token }

// Close ends all streams.
func (h *Handler) Close() { h.stop() }

// ServeHTTP serves a request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	secure(w.Header(), r.Host)
	h.mux.ServeHTTP(w, r)
}

// secure adds the headers that keep other pages out, and our page from any other server.
func secure(header http.Header, host string) {
	header.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "+
		"connect-src 'self' ws://"+host+" wss://"+host+"; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("X-Frame-Options", "DENY")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Cross-Origin-Resource-Policy", "same-origin")
	header.Set("Cross-Origin-Opener-Policy", "same-origin")
	header.Set("Cache-Control", "no-store")
}

// guarded serves requests with the token only, and writes errors.
func (h *Handler) guarded(serve func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		err := errToken
		if given := r.Header.Values(HeaderToken); len(given) == 1 && subtle.ConstantTimeCompare([]byte(given[0]), []byte(h.token)) == 1 {
			err = serve(w, r)
		}
		if err == nil {
			return
		}
		status := http.StatusBadRequest
		if failed := (*statusError)(nil); errors.As(err, &failed) {
			status = failed.status
		}
		writeJSON(w, status, struct {
			Error string `json:"error"`
		}{h.cfg.Trace.Hide(err.Error())})
	}
}

// statusError is an error with the status of the answer. Others are 400.
type statusError struct {
	status int
	text   string
}

func (e *statusError) Error() string { return e.text }

func fail(status int, format string, args ...any) error {
	return &statusError{status, fmt.Sprintf(format, args...)}
}

var errToken = fail(http.StatusUnauthorized, "the header "+HeaderToken+" is not the token that the emulator printed at its start; open the inspector with the URL printed there")

// action returns the handler of a POST request with a body of JSON.
func action[In any](h *Handler, act func(ctx context.Context, r *http.Request, in *In) (any, error)) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		if media, _, err := mime.ParseMediaType(r.Header.Get(wire.HeaderContentType)); err != nil || media != wire.MediaJSON {
			return fail(http.StatusUnsupportedMediaType, "Content-Type: want application/json")
		}
		in := new(In)
		d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxAction))
		d.DisallowUnknownFields()
		err := d.Decode(in)
		if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
			return fail(http.StatusRequestEntityTooLarge, "the body has more than %d bytes", maxAction)
		}
		if err != nil {
			return fmt.Errorf("the body is not the JSON of the action: %w", err)
		}
		out, err := act(r.Context(), r, in)
		if err != nil {
			return err
		}
		writeJSON(w, http.StatusOK, out)
		return nil
	}
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	data, _ := json.Marshal(v) // never fails
	w.Header().Set(wire.HeaderContentType, wire.MediaJSON)
	w.WriteHeader(status)
	_, _ = w.Write(data)
}

// record serves one record.
func (h *Handler) record(w http.ResponseWriter, r *http.Request) error {
	rec, err := h.find(r)
	if err != nil {
		return err
	}
	w.Header().Set(wire.HeaderContentType, wire.MediaJSON)
	_, _ = w.Write(appendRecord(nil, &rec)) //nolint:gosec // JSON, which browsers do not take for HTML
	return nil
}

// find returns the record in the path.
func (h *Handler) find(r *http.Request) (Record, error) {
	n, err := strconv.ParseUint(r.PathValue("n"), 10, 64)
	if err != nil {
		return Record{}, fail(http.StatusNotFound, "record: want a number")
	}
	rec, ok := h.cfg.List.Get(n)
	if !ok {
		return Record{}, fail(http.StatusNotFound, "record %d is not kept any more", n)
	}
	return rec, nil
}
