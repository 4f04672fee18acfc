package inspector_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/internal/browser/rig"
)

const token = "the-token-of-this-start"

// policy is at least as strict as the inspector's.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

type object = map[string]any

// stub is a server of the page whose records are the test's. It follows the description
// of the inspector's API.
type stub struct {
	t   *testing.T
	url string

	mu      sync.Mutex
	start   string
	refuse  bool
	records []object
	more    chan struct{} // closed when there are more records or the stream shall end
	ended   bool
	actions []object
	answers map[string]any
	table   object
	lost    object // sent once, after the records
}

func serve(t *testing.T, records ...object) *stub {
	t.Helper()
	s := &stub{t: t, start: "1", more: make(chan struct{}), answers: map[string]any{}, table: object{"table": "connections", "total": 0, "rows": []any{}}}
	s.push(records...)
	mux := http.NewServeMux()
	files := http.StripPrefix("/inspector/", http.FileServer(http.Dir("../../../emulator/internal/inspect/page")))
	mux.HandleFunc("GET /inspector/", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", policy)
		files.ServeHTTP(w, r)
	})
	mux.HandleFunc("GET /inspector/records", s.withToken(s.stream))
	mux.HandleFunc("GET /inspector/state", s.withToken(func(w http.ResponseWriter, _ *http.Request) { s.write(w, s.table) }))
	mux.HandleFunc("GET /inspector/records/{n}/{what}", s.withToken(func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprint(w, s.answers[r.PathValue("what")])
	}))
	mux.HandleFunc("POST /inspector/actions/{action}", s.withToken(s.act))
	server := httptest.NewServer(mux)
	s.url = server.URL + "/inspector/"
	t.Cleanup(func() {
		s.end()
		server.Close()
	})
	return s
}

func (s *stub) withToken(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if r.Header.Get("Inspector-Token") != token || s.refuse {
			w.WriteHeader(http.StatusUnauthorized)
			s.write(w, object{"error": "no valid token"})
			return
		}
		next(w, r)
	}
}

// stream is called with the lock, which it leaves while it waits.
func (s *stub) stream(w http.ResponseWriter, r *http.Request) {
	after, err := strconv.Atoi(r.URL.Query().Get("after"))
	assert.NoError(s.t, err)
	w.Header().Set("Content-Type", "text/event-stream")
	send := func(event string, data any) {
		text, err := json.Marshal(data)
		if err != nil {
			s.t.Error(err)
			return
		}
		if event != "" {
			_, _ = fmt.Fprintf(w, "event: %s\n", event)
		}
		_, _ = fmt.Fprintf(w, "data: %s\n\n", text)
	}
	start := s.start
	send("hello", object{"start": start, "first": 1, "next": len(s.records) + 1, "hubs": []string{"chat"}})
	for !s.ended && s.start == start && r.Context().Err() == nil {
		for ; after < len(s.records); after++ {
			send("", s.records[after])
		}
		if s.lost != nil {
			send("lost", s.lost)
			s.lost = nil
		}
		_ = http.NewResponseController(w).Flush()
		s.wait(r.Context())
	}
}

func (s *stub) wait(ctx context.Context) {
	more := s.more
	s.mu.Unlock()
	defer s.mu.Lock()
	select {
	case <-more:
	case <-ctx.Done():
	}
}

func (s *stub) act(w http.ResponseWriter, r *http.Request) {
	body := object{}
	assert.NoError(s.t, json.NewDecoder(r.Body).Decode(&body))
	name := r.PathValue("action")
	body["action"] = name
	s.actions = append(s.actions, body)
	if name == "pause" {
		s.write(w, object{"paused": body["paused"]})
		return
	}
	s.write(w, s.answers[name])
}

func (s *stub) write(w http.ResponseWriter, v any) { _ = json.NewEncoder(w).Encode(v) }

// push sends records. It numbers those without a number.
func (s *stub) push(records ...object) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range records {
		if r["n"] == nil {
			r["n"] = len(s.records) + 1
		}
		if r["at"] == nil {
			r["at"] = fmt.Sprintf("2026-11-27T06:40:%02d.%03dZ", len(s.records)/1000%60, len(s.records)%1000)
		}
		if r["level"] == nil {
			r["level"] = "info"
		}
		s.records = append(s.records, r)
	}
	s.wake()
}

func (s *stub) wake() {
	close(s.more)
	s.more = make(chan struct{})
}

// change changes the stub, whose streams then look at it.
func (s *stub) change(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
	s.wake()
}

func (s *stub) end() { s.change(func() { s.ended = true }) }

// acted returns the actions of the page so far.
func (s *stub) acted() []object {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]object(nil), s.actions...)
}

// open opens the page of a stub, with its token.
func (s *stub) open(browser context.Context, scripts ...string) *rig.Tab {
	s.t.Helper()
	b := rig.Open(s.t, browser, s.url+"#token="+token, "^"+s.url, scripts...)
	b.Screenshots = *screenshots
	b.Shows("#state-text", "Live") //nolint:contextcheck // the tab has its own
	return b
}

// shown waits until exactly the records with these numbers are in the timeline.
func shown(b *rig.Tab, numbers ...int) {
	b.T.Helper()
	want, err := json.Marshal(append([]int{}, numbers...))
	require.NoError(b.T, err)
	b.Await(`JSON.stringify([...document.querySelectorAll(".record")].map(r => r.record.n)) === %q`, want)
}

// Records of a client.
func data(text string) object {
	kind := "text"
	if json.Valid([]byte(text)) {
		kind = "json"
	}
	return object{"bytes": len(text), "type": kind, "text": text}
}

func record(kind, user string, details object) object {
	r := object{"kind": kind, "hub": "chat"}
	if user != "" {
		r["user"], r["connection"] = user, "connection-of-"+user
	}
	maps.Copy(r, details)
	return r
}

func event(user, name string, status int, request, answer string, more object) object {
	e := object{
		"id": "7", "type": "azure.webpubsub.user." + name, "name": name, "status": status, "tookMs": 3.5, "queuedMs": 0.5,
		"handler": "http://localhost:3000/eventhandler/{event}", "url": "http://localhost:3000/eventhandler/" + name,
		"request":  object{"headers": object{"Content-Type": []string{"application/json"}, "Ce-Signature": []string{"(hidden)"}}, "data": data(request)},
		"answer":   object{"headers": object{"Content-Type": []string{"text/plain"}}, "data": data(answer)},
		"attempts": []object{{"startMs": 0, "tookMs": 3, "status": status}},
	}
	maps.Copy(e, more)
	kind, level := "event.delivered", "info"
	if status >= 300 {
		kind, level = "event.refused", "warn"
	}
	r := record(kind, user, object{"event": e})
	r["level"] = level
	return r
}

func frame(kind, user, text string) object {
	return record(kind, user, object{"frame": object{"subprotocol": "json.webpubsub.azure.v1", "data": data(text)}})
}
