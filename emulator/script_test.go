package emulator_test

import (
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/emulator"
)

// script is an event handler that answers as a test sets it, and keeps its requests. By
// default it consents, and answers 204.
type script struct {
	consent http.HandlerFunc
	on      map[string]http.HandlerFunc // by ce-eventName

	mu   sync.Mutex
	seen []told
}

// told is a request to the handler.
type told struct {
	method, event, id, path, body string
	header                        http.Header
	at                            time.Time
}

func (s *script) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	name := r.Header.Get("ce-eventName")
	s.mu.Lock()
	s.seen = append(s.seen, told{r.Method, name, r.Header.Get("ce-id"), r.URL.RequestURI(), string(body), r.Header.Clone(), time.Now()})
	s.mu.Unlock()
	answer := s.on[name]
	if r.Method != http.MethodPost {
		answer = s.consent
		if answer == nil {
			answer = func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("WebHook-Allowed-Origin", "*") }
		}
	}
	if answer == nil {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	answer(w, r)
}

// told returns the events of a name, or the validation requests for "".
func (s *script) told(event string) []told {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(s.seen), func(r told) bool { return r.event != event })
}

func (s *script) all() []told {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.seen)
}

// names returns the names of all events in order, and the methods of validation requests.
func (s *script) names() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for _, r := range s.seen {
		if r.event == "" {
			out = append(out, r.method)
		} else {
			out = append(out, r.event)
		}
	}
	return out
}

// settled returns names once all goroutines of the bubble are blocked.
func (s *script) settled() []string {
	synctest.Wait()
	return s.names()
}

// one returns the only event of a name.
func (s *script) one(t *testing.T, event string) told {
	t.Helper()
	synctest.Wait()
	all := s.told(event)
	require.Len(t, all, 1, "%v", s.names())
	return all[0]
}

// answer returns a handler with one answer.
func answer(status int, contentType, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Content-Type"] = nil
		if contentType != "" {
			w.Header().Set("Content-Type", contentType)
		}
		for i := 0; i < len(header); i += 2 {
			w.Header().Add(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// answers returns a handler that answers with each handler in turn, then with the last.
func answers(list ...http.HandlerFunc) http.HandlerFunc {
	var mu sync.Mutex
	return func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		h := list[0]
		if len(list) > 1 {
			list = list[1:]
		}
		mu.Unlock()
		h(w, r)
	}
}

// chat returns a configuration with the hub chat, whose events go to one handler.
func chat(h http.Handler) emulator.Config {
	return hubConfig(emulator.InMemory(h))
}

func hubConfig(handlers ...emulator.EventHandler) emulator.Config {
	return emulator.Config{Hubs: map[string]emulator.Hub{"chat": {EventHandlers: handlers}}}
}

// logBook is a log in memory.
type logBook struct {
	mu   sync.Mutex
	text strings.Builder
}

func (b *logBook) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *logBook) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func (b *logBook) logger() *slog.Logger { return slog.New(slog.NewTextHandler(b, nil)) }

// lines returns the lines with a message, from the message on.
func (b *logBook) lines(message string) []string {
	var out []string
	for line := range strings.Lines(b.String()) {
		if _, rest, ok := strings.Cut(line, " msg="); ok && strings.HasPrefix(strings.TrimPrefix(rest, `"`), message) {
			out = append(out, strings.TrimSpace(rest))
		}
	}
	return out
}
