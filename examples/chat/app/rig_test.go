package app_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/go-webpubsub/webpubsub/emulator"
	chat "github.com/go-webpubsub/webpubsub/examples/chat/app"
	"github.com/go-webpubsub/webpubsub/internal/pump"
)

// TestMain fails the test binary if a goroutine of the chat is left.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// server is the chat on an emulator.
type server struct {
	t     *testing.T
	url   string
	lines chan string // that the program prints, after the first
	stop  func() error
}

// run runs the program.
func run(t *testing.T, args ...string) *server {
	t.Helper()
	return runIn(t, nil, args...)
}

func runIn(t *testing.T, environment map[string]string, args ...string) *server {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	out, stdout := io.Pipe()
	done := make(chan error, 1)
	go func() {
		err := chat.Run(ctx, append([]string{"-addr", "127.0.0.1:0"}, args...), func(k string) string { return environment[k] }, stdout, chat.Replica{})
		_ = stdout.Close()
		done <- err
	}()
	s := &server{t: t, lines: make(chan string, 10_000)}
	found := make(chan string, 1)
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		defer close(s.lines)
		for scanner := bufio.NewScanner(out); scanner.Scan(); {
			if _, after, ok := strings.Cut(scanner.Text(), "Chat at "); ok {
				address, _, _ := strings.Cut(after, " ")
				found <- address
			}
			s.lines <- scanner.Text()
		}
	}()
	s.stop = sync.OnceValue(func() error {
		cancel()
		<-drained
		return <-done
	})
	t.Cleanup(func() { assert.NoError(t, s.stop()) })
	select {
	case s.url = <-found:
	case err := <-done:
		require.NoError(t, err, "the program ended before it served")
	}
	return s
}

// start serves the chat beside an emulator that sends no pings: on a busy machine a
// page may answer one too late.
func start(t *testing.T) *server {
	t.Helper()
	return startWith(t, chat.Stores{})
}

func startWith(t *testing.T, stores chat.Stores) *server {
	t.Helper()
	mux := http.NewServeMux()
	emu := emulator.Start(t, emulator.Config{
		KeepAlive: -1,
		Hubs:      map[string]emulator.Hub{"chat": {EventHandlers: []emulator.EventHandler{emulator.InMemory(mux)}}},
		Logger:    slog.New(slog.DiscardHandler),
	})
	require.NoError(t, chat.Mount(mux, emu.ConnectionString, 1000, stores, log.New(io.Discard, "", 0)))
	web := httptest.NewServer(mux)
	s := &server{t: t, url: web.URL}
	s.stop = sync.OnceValue(func() error {
		emu.Close()
		web.Close()
		return nil
	})
	t.Cleanup(func() { assert.NoError(t, s.stop()) })
	return s
}

// answer is the answer of the login.
type answer struct {
	User, Name, URL, Reason string
}

func (s *server) login(body string, change ...func(*http.Request)) (status int, got answer) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.url+"/login", strings.NewReader(body))
	require.NoError(s.t, err)
	r.Header.Set("Content-Type", "application/json")
	for _, f := range change {
		f(r)
	}
	res, data := do(s.t, r)
	if res.Header.Get("Content-Type") == "application/json" {
		require.NoError(s.t, json.Unmarshal(data, &got), "%s", data)
	}
	return res.StatusCode, got
}

func do(t *testing.T, r *http.Request) (*http.Response, []byte) {
	t.Helper()
	transport := &http.Transport{DisableKeepAlives: true}
	res, err := (&http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}).Do(r)
	require.NoError(t, err)
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return res, data
}

// secret returns a new secret, which the page creates per tab and which identifies the
// user.
func secret(of string) string { return strings.Repeat("s", 32) + of }

func (s *server) admit(nickname, of string) answer {
	s.t.Helper()
	status, got := s.login(fmt.Sprintf(`{"nickname":%q,"secret":%q}`, nickname, secret(of)))
	require.Equal(s.t, http.StatusOK, status, got.Reason)
	return got
}

// page is a WebSocket client like a tab of the browser.
type page struct {
	t          *testing.T
	conn       *websocket.Conn
	in         *pump.Reader
	user, name string
	connection string
	acks       uint64
	early      []chat.Notice // that came while something else was awaited
}

// open logs in and connects, as the page does.
func (s *server) open(nickname string) *page { return s.openAs(nickname, nickname) }

func (s *server) openAs(nickname, of string) *page {
	s.t.Helper()
	admitted := s.admit(nickname, of)
	return s.connect(admitted)
}

// connect connects a page that is logged in. It is read until the test ends, so that
// it answers pings.
func (s *server) connect(admitted answer) *page {
	s.t.Helper()
	conn, _, err := websocket.Dial(s.t.Context(), admitted.URL, &websocket.DialOptions{Subprotocols: []string{"json.webpubsub.azure.v1"}})
	require.NoError(s.t, err)
	conn.SetReadLimit(1 << 20)
	p := &page{t: s.t, user: admitted.User, name: admitted.Name, conn: conn, in: pump.New(conn)}
	s.t.Cleanup(func() {
		_ = conn.CloseNow()
		p.in.Wait()
	})
	f := p.frame()
	require.Equal(s.t, "connected", f.Event)
	p.connection = f.ConnectionID
	return p
}

// message is a message of the chat: a notice, or the reason of a refusal.
type message struct {
	chat.Notice
	Error struct {
		Status  int
		Message string
	}
}

// frame is a frame from the service.
type frame struct {
	Type, Event, ConnectionID, From, Group string

	AckID   uint64
	Success bool
	Error   struct{ Name string }
	Data    message
	raw     string
}

func (p *page) frame() (f frame) {
	p.t.Helper()
	_, data, err := p.in.Next(p.t.Context())
	require.NoError(p.t, err)
	require.NoError(p.t, json.Unmarshal(data, &f), "%s", data)
	f.raw = string(data)
	return f
}

// raise sends an event and returns its answer, or nil if there is none before the ack.
func (p *page) raise(event string, payload any) *message {
	p.t.Helper()
	answered, ack := p.try(event, payload)
	require.True(p.t, ack.Success, "%s: %s", event, ack.Error.Name)
	return answered
}

func (p *page) try(event string, payload any) (answered *message, ack frame) {
	p.t.Helper()
	p.send(event, payload)
	for {
		switch f := p.frame(); {
		case f.Type == "ack":
			require.Equal(p.t, p.acks, f.AckID)
			return answered, f
		case f.Data.Type == "room" || f.Data.Error.Status != 0:
			require.Equal(p.t, "server", f.From)
			answered = &f.Data
		default:
			p.early = append(p.early, f.Data.Notice)
		}
	}
}

func (p *page) send(event string, payload any) {
	p.t.Helper()
	p.acks++
	request, err := json.Marshal(map[string]any{"type": "event", "event": event, "ackId": p.acks, "dataType": "json", "data": payload})
	require.NoError(p.t, err)
	require.NoError(p.t, p.conn.Write(p.t.Context(), websocket.MessageText, request))
}

// hear waits for a notice and skips others.
func (p *page) hear(is func(chat.Notice) bool) chat.Notice {
	p.t.Helper()
	for i, n := range p.early {
		if is(n) {
			p.early = slices.Delete(p.early, i, i+1)
			return n
		}
	}
	for {
		f := p.frame()
		require.Equal(p.t, "message", f.Type, f.raw)
		if is(f.Data.Notice) {
			return f.Data.Notice
		}
		p.early = append(p.early, f.Data.Notice)
	}
}

func (p *page) hearOf(kind, user string) chat.Notice {
	p.t.Helper()
	return p.hear(func(n chat.Notice) bool { return n.Type == kind && n.User == user })
}

func (p *page) close() {
	p.t.Helper()
	_ = p.conn.Close(websocket.StatusNormalClosure, "") // an error would say that it was not waited for long enough
}

type m = map[string]any

func say(room, text string) m { return m{"room": room, "text": text} }
