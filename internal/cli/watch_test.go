package cli_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/emulator"
	"github.com/go-webpubsub/webpubsub/internal/cli"
)

// watched is an emulator whose settings file is watched. Its log has no times.
type watched struct {
	t       *testing.T
	path    string
	emu     *emulator.TestServer
	watcher *cli.Watcher
	log     bytes.Buffer
}

func watch(t *testing.T, settings string, flags ...string) *watched {
	t.Helper()
	w := &watched{t: t, path: write(t, settings)}
	hubs, err := cli.ParseSettings([]byte(settings))
	require.NoError(t, err)
	w.emu = emulator.Start(t, emulator.Config{Hubs: hubs})
	logger := slog.New(slog.NewTextHandler(&w.log, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))
	w.watcher, err = cli.NewWatcher(w.emu.Server, w.path, logger, flags...)
	require.NoError(t, err)
	return w
}

// replace replaces the file as editors do, and looks at it twice. It returns the log.
func (w *watched) replace(settings string) string {
	w.t.Helper()
	temporary := filepath.Join(filepath.Dir(w.path), "new")
	require.NoError(w.t, os.WriteFile(temporary, []byte(settings), 0o600))
	require.NoError(w.t, os.Rename(temporary, w.path))
	return w.look(2)
}

func (w *watched) look(times int) string {
	w.log.Reset()
	for range times {
		w.watcher.Look()
	}
	return strings.ReplaceAll(w.log.String(), w.path, "FILE")
}

// handler is an event handler that records the names of events.
type handler struct {
	*httptest.Server
	mu     sync.Mutex
	events []string
}

func newHandler(t *testing.T) *handler {
	t.Helper()
	h := &handler{}
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("WebHook-Allowed-Origin", "*")
		h.mu.Lock()
		defer h.mu.Unlock()
		h.events = append(h.events, r.Header.Get("ce-eventName"))
	}))
	t.Cleanup(h.Close)
	return h
}

func (h *handler) got() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.events
}

// dial connects a client of a subprotocol and returns it after its connected frame.
func dial(t *testing.T, target string) *websocket.Conn {
	t.Helper()
	conn, _, err := websocket.Dial(t.Context(), target, &websocket.DialOptions{
		HTTPClient: &http.Client{Transport: &http.Transport{}}, Subprotocols: []string{"json.webpubsub.azure.v1"},
	})
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.CloseNow() })
	_, _, err = conn.Read(t.Context())
	require.NoError(t, err)
	return conn
}

// say sends a user event and returns the answer.
func say(t *testing.T, conn *websocket.Conn, event, ackID string) string {
	t.Helper()
	require.NoError(t, conn.Write(t.Context(), websocket.MessageText, []byte(`{"type":"event","event":"`+event+`","data":1,"ackId":`+ackID+`}`)))
	_, frame, err := conn.Read(t.Context())
	require.NoError(t, err)
	return string(frame)
}

func at(base string) string {
	return "hubs: {chat: {eventHandlers: [{urlTemplate: '" + base + "/?code=" + url.QueryEscape(secret) + "', userEventPattern: '*'}]}}"
}

func TestWatchKeepsConnections(t *testing.T) {
	t.Parallel()
	first, second := newHandler(t), newHandler(t)
	w := watch(t, at(first.URL))
	conn := dial(t, w.emu.ClientURL("chat", nil))
	assert.Contains(t, say(t, conn, "one", "1"), `"success":true`)

	assert.Equal(t, `level=INFO msg="hub changed" hub=chat anonymous=false handlers="[`+second.URL+`/?… (user events *)]"`+"\n", w.replace(at(second.URL)))
	assert.Contains(t, say(t, conn, "two", "2"), `"success":true`)
	assert.Equal(t, `level=INFO msg="hub removed" hub=chat anonymous=false handlers=[]`+"\n", w.replace(""))
	assert.Contains(t, say(t, conn, "three", "3"), `"success":false`)
	assert.Equal(t, `level=INFO msg="hub added" hub=chat anonymous=false handlers="[`+first.URL+`/?… (user events *)]"`+"\n", w.replace(at(first.URL)))
	assert.Contains(t, say(t, conn, "four", "4"), `"success":true`)

	assert.Equal(t, []string{"", "one", "", "four"}, first.got(), "validated again, because nothing had its URL meanwhile")
	assert.Equal(t, []string{"", "two"}, second.got())
}

func TestWatchLogsChanges(t *testing.T) {
	t.Parallel()
	w := watch(t, "hubs: {a: {}, b: {}, c: {anonymousConnectPolicy: allow}}")
	assert.Empty(t, w.look(3))
	assert.Equal(t, `level=INFO msg="settings read again: nothing has changed" file=FILE`+"\n", w.replace("# a comment\nhubs: {A: {}, b: {}, c: {anonymousConnectPolicy: allow}}"))
	assert.Equal(t, `level=INFO msg="hub removed" hub=a anonymous=false handlers=[]
level=INFO msg="hub changed" hub=b anonymous=true handlers=[]
level=INFO msg="hub added" hub=d anonymous=false handlers="[http://h.test/ (connect)]"
`, w.replace("hubs: {b: {anonymousConnectPolicy: allow}, c: {anonymousConnectPolicy: allow}, d: {eventHandlers: [{urlTemplate: 'http://h.test/', systemEvents: [connect]}]}}"))
	assert.Empty(t, w.look(3))
}

func TestWatchRefusesInvalidFile(t *testing.T) {
	t.Parallel()
	h := newHandler(t)
	w := watch(t, at(h.URL))
	conn := dial(t, w.emu.ClientURL("chat", nil))
	for _, tt := range []struct{ name, settings, reason string }{
		{"unknown field", "hubs:\n  chat:\n    eventHandler: []\n", `line 3, column 5: unknown field \"eventHandler\", did you mean \"eventHandlers\"?`},
		{"event", "hubs:\n  other: {}\n  chat:\n    eventHandlers:\n      - urlTemplate: http://h.test/\n      - urlTemplate: http://h.test/?code=" + url.QueryEscape(secret) + "\n        systemEvents: [begun]\n", `line 6, column 9: hub \"chat\", event handler 1: system event \"begun\" is none of connect, connected, disconnected`},
		{"policy", "hubs:\n  chat:\n    anonymousConnectPolicy: maybe\n", `line 2, column 3: hub \"chat\": anonymousConnectPolicy \"maybe\": want allow or deny`},
		{"name of a hub", "hubs:\n  a: {}\n  my-hub:\n    eventHandlers:\n      - urlTemplate: http://h.test/\n", `line 3, column 3: hub \"my-hub\": want a letter`},
		{"hub twice", "hubs: {chat: {}, CHAT: {}}", `line 1, column 8: hub \"chat\" is configured twice; hub names ignore case`},
	} {
		got := w.replace(tt.settings)
		assert.Contains(t, got, `level=WARN msg="settings not changed" reason="--settings \"FILE\": `+tt.reason, tt.name)
		assert.NotContains(t, got, "nobody")
		assert.NotContains(t, got, "anybody")
		assert.Empty(t, w.look(2), "logged once")
	}
	require.NoError(t, os.Remove(w.path))
	assert.Equal(t, `level=WARN msg="settings not changed" reason="--settings \"FILE\": open FILE: no such file or directory"`+"\n", w.look(2))
	assert.Contains(t, say(t, conn, "e", "1"), `"success":true`)
	assert.Equal(t, `level=INFO msg="settings read again: nothing has changed" file=FILE`+"\n", w.replace(at(h.URL)))
}

// TestWatchKeepsHubsOfFlags checks that the file adds to the hubs of flags, and cannot have
// one of them.
func TestWatchKeepsHubsOfFlags(t *testing.T) {
	t.Parallel()
	w := watch(t, "hubs: {a: {}}", "flag")
	assert.Equal(t, `level=INFO msg="hub removed" hub=a anonymous=false handlers=[]`+"\n", w.replace(""))
	assert.Equal(t, `level=WARN msg="settings not changed" reason="--hub \"flag\": the hub is configured twice"`+"\n", w.replace("hubs: {FLAG: {}}"))
}

// TestWatchWaitsForTheWriter checks that a content is applied only when it has been there
// at two looks.
func TestWatchWaitsForTheWriter(t *testing.T) {
	t.Parallel()
	w := watch(t, "hubs: {a: {}}")
	for _, half := range []string{"", "hubs: {a: {}, b", "hubs: {a: {}, b: {}}"} {
		require.NoError(t, os.WriteFile(w.path, []byte(half), 0o600))
		assert.Empty(t, w.look(1), "%q", half)
	}
	assert.Equal(t, `level=INFO msg="hub added" hub=b anonymous=false handlers=[]`+"\n", w.look(1))
}

func TestWatchInterval(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		path := write(t, "hubs: {a: {}}")
		emu, err := emulator.New(emulator.Config{})
		require.NoError(t, err)
		defer emu.Close()
		lines := make(chan string, 10)
		w, err := cli.NewWatcher(emu, path, slog.New(slog.NewTextHandler(lineChannel(lines), nil)))
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		stop := cli.Start(w, ctx)
		require.NoError(t, os.WriteFile(path, []byte("hubs: {b: {}}"), 0o600))
		<-time.After(cli.WatchInterval)
		synctest.Wait()
		assert.Empty(t, lines, "one look")
		<-time.After(cli.WatchInterval)
		synctest.Wait()
		assert.Contains(t, <-lines, "hub removed")
		assert.Contains(t, <-lines, "hub added")
		cancel()
		stop()
		require.NoError(t, os.WriteFile(path, nil, 0o600))
		<-time.After(10 * cli.WatchInterval)
		assert.Empty(t, lines, "stopped")
	})
}

// lineChannel sends lines to a channel.
type lineChannel chan<- string

func (c lineChannel) Write(b []byte) (int, error) {
	c <- string(b)
	return len(b), nil
}
