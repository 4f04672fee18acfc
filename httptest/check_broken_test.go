package httptest_test

import (
	"bytes"
	"context"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/go-webpubsub/webpubsub"
)

type brokenHandler struct {
	handler http.Handler
	fails   []string
}

// brokenHandlers are mistakes that real handlers made, each wrapped around a correct
// handler.
func brokenHandlers(tb testing.TB) map[string]brokenHandler {
	tb.Helper()
	all := untrustworthyHandlers(tb)
	maps.Copy(all, impreciseHandlers(tb))
	return all
}

func around(f func(w http.ResponseWriter, r *http.Request)) http.Handler { return http.HandlerFunc(f) }

// untrustworthyHandlers authenticate requests wrongly.
func untrustworthyHandlers(tb testing.TB) map[string]brokenHandler {
	tb.Helper()
	right := newHandler(tb, fullConfig())
	insecure := fullConfig()
	insecure.ConnectionStrings, insecure.Verifier = nil, webpubsub.InsecureSkipVerify{}
	insecure.AllowedOrigins = []string{"localhost"}
	believing := newHandler(tb, insecure)
	anyOrigin := fullConfig()
	anyOrigin.AllowedOrigins = []string{"*"}
	return map[string]brokenHandler{
		"no signature check": {believing, []string{
			"signature-missing", "signature-wrong", "signature-other-connection", "signature-before-body",
		}},
		"no origin check of events": {around(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost {
				r.Header.Set("WebHook-Request-Origin", "localhost")
			}
			right.ServeHTTP(w, r)
		}), []string{"origin-unknown"}},
		"consent to every origin": {newHandler(tb, anyOrigin), []string{"lookalike-origin"}},
		"origins matched by prefix": {around(func(w http.ResponseWriter, r *http.Request) {
			if origin := r.Header.Get("WebHook-Request-Origin"); r.Method == http.MethodOptions && strings.HasPrefix(origin, "localhost") && !strings.Contains(origin, ",") {
				right.ServeHTTP(replaceHeader(w, "Webhook-Allowed-Origin", origin), withOrigin(r, "localhost"))
				return
			}
			right.ServeHTTP(w, r)
		}), []string{"lookalike-origin"}},
		"origins compared with case": {around(func(w http.ResponseWriter, r *http.Request) {
			if origin := r.Header.Get("WebHook-Request-Origin"); origin != strings.ToLower(origin) {
				w.WriteHeader(http.StatusOK)
				return
			}
			right.ServeHTTP(w, r)
		}), []string{"origin-case"}},
		"no lists of origins": {around(func(w http.ResponseWriter, r *http.Request) {
			if lines := r.Header["Webhook-Request-Origin"]; len(lines) == 1 && strings.Contains(lines[0], ",") {
				r.Header.Set("WebHook-Request-Origin", "nobody.test")
			}
			right.ServeHTTP(w, r)
		}), []string{"origin-list"}},
		"authentication before OPTIONS": {around(func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodPost && r.Header.Get("Ce-Signature") == "" {
				http.Error(w, "who are you?", http.StatusUnauthorized)
				return
			}
			right.ServeHTTP(w, r)
		}), []string{"options-consent", "get-consent", "origin-list", "origin-case"}},
		"no GET": {around(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet {
				http.NotFound(w, r)
				return
			}
			right.ServeHTTP(w, r)
		}), []string{"get-consent"}},
		"no rate": {around(func(w http.ResponseWriter, r *http.Request) {
			right.ServeHTTP(replaceHeader(w, "Webhook-Allowed-Rate", ""), r)
		}), []string{"allowed-rate"}},
		"reads the body first": {around(func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(io.LimitReader(r.Body, 2<<20))
			if err != nil {
				http.Error(w, "cannot read", http.StatusBadRequest)
				return
			}
			r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
			right.ServeHTTP(w, r)
		}), []string{"signature-before-body"}},
		"first token only": {around(func(w http.ResponseWriter, r *http.Request) {
			editSignature(r, func(lines []string) []string {
				first, _, _ := strings.Cut(lines[0], ",")
				return []string{first}
			})
			right.ServeHTTP(w, r)
		}), []string{"signature-second", "signature-lines"}},
		"first line only": {around(func(w http.ResponseWriter, r *http.Request) {
			editSignature(r, func(lines []string) []string { return lines[:1] })
			right.ServeHTTP(w, r)
		}), []string{"signature-lines"}},
		"digests compared with case": {around(func(w http.ResponseWriter, r *http.Request) {
			if s := r.Header.Get("Ce-Signature"); s != strings.ToLower(s) {
				http.Error(w, "bad signature", http.StatusUnauthorized)
				return
			}
			right.ServeHTTP(w, r)
		}), []string{"signature-upper-case"}},
	}
}

// impreciseHandlers read or answer requests against the protocol.
func impreciseHandlers(tb testing.TB) map[string]brokenHandler {
	tb.Helper()
	right := newHandler(tb, fullConfig())
	busy := fullConfig()
	busy.OnConnected = func(context.Context, *webpubsub.ConnectedEvent) error { return webpubsub.Unavailable("busy") }
	return map[string]brokenHandler{
		"hubs compared with case": {around(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost && r.Header.Get("Ce-Hub") != "chat" {
				http.NotFound(w, r)
				return
			}
			right.ServeHTTP(w, r)
		}), []string{"hub-case"}},
		"any method": {around(func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodOptions && r.Method != http.MethodGet {
				r.Method = http.MethodPost
			}
			right.ServeHTTP(w, r)
		}), []string{"method"}},
		"sniffed content types": {around(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Ce-Eventname") == "message" {
				w = replaceHeader(w, "Content-Type", "")
			}
			right.ServeHTTP(w, r)
		}), []string{"user-answer-type"}},
		"500 for bad requests": {around(func(w http.ResponseWriter, r *http.Request) {
			right.ServeHTTP(replaceStatus(w, http.StatusBadRequest, http.StatusInternalServerError), r)
		}), []string{"signature-other-connection", "malformed-connect"}},
		"a panic for bad requests": {around(func(w http.ResponseWriter, r *http.Request) {
			right.ServeHTTP(panicsOn(w, http.StatusBadRequest), r)
		}), []string{"signature-other-connection", "malformed-connect"}},
		"no body limit": {around(func(w http.ResponseWriter, r *http.Request) {
			_, err := io.Copy(io.Discard, skipBody(r))
			if err == nil {
				right.ServeHTTP(w, r)
			}
		}), []string{"body-limit"}},
		"errors for notifications": {newHandler(tb, busy), []string{
			"signed", "signature-second", "signature-upper-case", "signature-lines", "origin-list", "hub-case",
			"unknown-members", "notifications", "connected-empty-body",
		}},
		"no event without a body": {around(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost && r.ContentLength == 0 {
				http.Error(w, "empty", http.StatusBadRequest)
				return
			}
			right.ServeHTTP(w, r)
		}), []string{"connected-empty-body"}},
		"known types only": {around(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Ce-Eventname") == "renamed" {
				http.Error(w, "unknown", http.StatusNotImplemented)
				return
			}
			right.ServeHTTP(w, r)
		}), []string{"presence-unknown"}},
		"known headers only": {around(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Ce-Future") != "" {
				http.Error(w, "unknown header", http.StatusBadRequest)
				return
			}
			right.ServeHTTP(w, r)
		}), []string{"unknown-members"}},
		"media types compared as text": {around(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Ce-Eventname") == "message" && strings.ContainsAny(r.Header.Get("Content-Type"), "; T") {
				http.Error(w, "unsupported", http.StatusUnsupportedMediaType)
				return
			}
			right.ServeHTTP(w, r)
		}), []string{"media-type"}},
		"no MQTT payloads": {around(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasPrefix(r.Header.Get("Content-Type"), "image/") {
				http.Error(w, "unsupported", http.StatusUnsupportedMediaType)
				return
			}
			right.ServeHTTP(w, r)
		}), []string{"mqtt-media-type"}},
		"text for MQTT clients": {around(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Ce-Subprotocol") == "mqtt" && r.Header.Get("Ce-Eventname") == "connect" {
				http.Error(w, "no", http.StatusUnauthorized)
				return
			}
			right.ServeHTTP(w, r)
		}), []string{"mqtt-refusal"}},
		"text for clients": {around(func(w http.ResponseWriter, r *http.Request) {
			accepted := &rewriter{ResponseWriter: w, change: func(_ http.Header, status int) int { return status }}
			right.ServeHTTP(accepted, r)
			if r.Header.Get("Ce-Eventname") == "connect" && accepted.status == http.StatusOK {
				_, _ = io.WriteString(w, "welcome")
			}
		}), []string{"connect-answer"}},
		"state with errors": {around(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("ce-connectionState", "e30=")
			right.ServeHTTP(w, r)
		}), []string{"state-on-success"}},
	}
}

func editSignature(r *http.Request, f func([]string) []string) {
	if lines := r.Header["Ce-Signature"]; len(lines) > 0 {
		r.Header["Ce-Signature"] = f(lines)
	}
}

func withOrigin(r *http.Request, origin string) *http.Request {
	r.Header.Set("WebHook-Request-Origin", origin)
	return r
}

// skipBody reads only bodies without a length.
func skipBody(r *http.Request) io.Reader {
	if r.ContentLength >= 0 {
		return strings.NewReader("")
	}
	return r.Body
}

// rewriter changes an answer before it is sent.
type rewriter struct {
	http.ResponseWriter
	change func(header http.Header, status int) int
	status int
}

func (w *rewriter) WriteHeader(status int) {
	if w.status == 0 {
		status = w.change(w.Header(), status)
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *rewriter) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	return w.ResponseWriter.Write(p)
}

// replaceHeader sets a header that is there to a value, or removes it.
func replaceHeader(w http.ResponseWriter, name, value string) http.ResponseWriter {
	return &rewriter{ResponseWriter: w, change: func(header http.Header, status int) int {
		switch {
		case header.Get(name) == "":
		case value == "":
			header.Del(name)
		default:
			header.Set(name, value)
		}
		return status
	}}
}

func replaceStatus(w http.ResponseWriter, from, to int) http.ResponseWriter {
	return &rewriter{ResponseWriter: w, change: func(_ http.Header, status int) int {
		if status == from {
			return to
		}
		return status
	}}
}

func panicsOn(w http.ResponseWriter, bad int) http.ResponseWriter {
	return &rewriter{ResponseWriter: w, change: func(_ http.Header, status int) int {
		if status == bad {
			panic("cannot happen")
		}
		return status
	}}
}
