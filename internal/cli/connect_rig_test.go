package cli_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/client"
	"github.com/go-webpubsub/webpubsub/emulator"
	"github.com/go-webpubsub/webpubsub/internal/cli"
	"github.com/go-webpubsub/webpubsub/service"
)

// hall is an emulator with the hub chat. Its event handler answers the events echo and
// wait with what it got, and refuses the event other.
type hall struct {
	t                *testing.T
	connectionString string
	chat             *service.Client
	wire             *wire
	refuse           atomic.Int32  // status for clients, or 0
	answer           chan struct{} // closed: the event wait is answered
}

func openHall(t *testing.T) *hall {
	t.Helper()
	h := &hall{t: t, answer: make(chan struct{})}
	emu, err := emulator.New(emulator.Config{Hubs: map[string]emulator.Hub{"chat": {EventHandlers: []emulator.EventHandler{emulator.InMemory(http.HandlerFunc(h.handle))}}}})
	require.NoError(t, err)
	t.Cleanup(emu.Close)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if status := h.refuse.Load(); status != 0 && strings.HasPrefix(r.URL.Path, "/client/") {
			http.Error(w, "no", int(status))
			return
		}
		emu.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	h.wire = startWire(t, strings.TrimPrefix(server.URL, "http://"))
	h.connectionString = emulator.ConnectionString("http://"+h.wire.address, emulator.DefaultAccessKey)
	h.chat, err = service.NewClientFromConnectionString(h.connectionString, "chat", nil)
	require.NoError(t, err)
	return h
}

// handle is the event handler.
func (h *hall) handle(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("WebHook-Allowed-Origin", "*")
	switch strings.TrimPrefix(r.Header.Get("ce-type"), "azure.webpubsub.user.") {
	case "wait":
		select {
		case <-h.answer:
		case <-r.Context().Done():
			return
		}
		fallthrough
	case "echo", "message":
		w.Header().Set("Content-Type", r.Header.Get("Content-Type"))
		_, _ = io.Copy(w, r.Body)
	case "other":
		w.WriteHeader(http.StatusBadRequest)
	}
}

// stream sends a stream of texts to a group, as user ben.
func (h *hall) stream(group, id string, texts ...string) {
	h.t.Helper()
	sender, err := client.New(client.StaticURL(h.url(&service.ClientAccessOptions{UserID: "ben", Roles: []string{service.RoleSendToAnyGroup}})), nil)
	require.NoError(h.t, err)
	require.NoError(h.t, sender.Start(h.t.Context()))
	w, err := sender.OpenGroupStream(h.t.Context(), group, &client.StreamWriterOptions{StreamID: id})
	require.NoError(h.t, err)
	for _, text := range texts {
		require.NoError(h.t, w.Write(h.t.Context(), client.Text(text)))
	}
	require.NoError(h.t, w.Close(h.t.Context()))
	require.NoError(h.t, sender.Stop(h.t.Context()))
}

func (h *hall) env() map[string]string {
	return map[string]string{"WEBPUBSUB_CONNECTION_STRING": h.connectionString, "WEBPUBSUB_HUB": "chat"}
}

// url returns a client URL.
func (h *hall) url(opts *service.ClientAccessOptions) string {
	h.t.Helper()
	access, err := h.chat.ClientAccess(h.t.Context(), opts)
	require.NoError(h.t, err)
	return access.URL()
}

// wire forwards TCP connections to an address, and can cut them.
type wire struct {
	address string
	mu      sync.Mutex
	conns   []net.Conn
}

func startWire(t *testing.T, to string) *wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	w := &wire{address: l.Addr().String()}
	var forwarding sync.WaitGroup
	forwarding.Go(func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", to)
			if err != nil {
				_ = in.Close()
				continue
			}
			w.mu.Lock()
			w.conns = append(w.conns, in, out)
			w.mu.Unlock()
			for _, pair := range [][2]net.Conn{{in, out}, {out, in}} {
				forwarding.Go(func() {
					_, _ = io.Copy(pair[0], pair[1])
					_ = pair[0].Close()
				})
			}
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		w.cut()
		forwarding.Wait()
	})
	return w
}

// cut closes all connections.
func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.conns {
		_ = c.Close()
	}
	w.conns = nil
}

// talk is a run of the command connect.
type talk struct {
	t      *testing.T
	stdin  io.WriteCloser
	stdout *bufio.Reader
	stderr strings.Builder
	done   chan int
	stop   context.CancelFunc
}

// connect starts the command with pipes.
func (h *hall) connect(args ...string) *talk {
	return startTalk(h.t, h.env(), args...)
}

func startTalk(t *testing.T, env map[string]string, args ...string) *talk {
	t.Helper()
	stdin, typed := io.Pipe()
	printed, stdout := io.Pipe()
	ctx, cancel := context.WithCancel(t.Context())
	c := &talk{t: t, stdin: typed, stdout: bufio.NewReader(printed), done: make(chan int, 1), stop: cancel}
	go func() {
		code := cli.Run(ctx, append([]string{"connect"}, args...), environment(env), stdin, stdout, &c.stderr)
		_ = stdout.Close()
		_ = stdin.Close()
		c.done <- code
	}()
	t.Cleanup(func() {
		cancel()
		_ = printed.Close()
	})
	return c
}

// types writes lines.
func (c *talk) types(lines ...string) {
	c.t.Helper()
	for _, l := range lines {
		_, err := io.WriteString(c.stdin, l+"\n")
		require.NoError(c.t, err)
	}
}

var connectionIDs = regexp.MustCompile(`[0-9a-f]{32}`)

// prints asserts the next lines.
func (c *talk) prints(lines ...string) {
	c.t.Helper()
	for _, want := range lines {
		got, err := c.stdout.ReadString('\n')
		require.NoError(c.t, err, "want %s; stderr: %s", want, &c.stderr)
		assert.Equal(c.t, want, connectionIDs.ReplaceAllString(strings.TrimSuffix(got, "\n"), "ID"))
	}
}

// lines returns the next lines.
func (c *talk) lines(n int) []string {
	c.t.Helper()
	lines := make([]string, n)
	for i := range lines {
		line, err := c.stdout.ReadString('\n')
		require.NoError(c.t, err, "stderr: %s", &c.stderr)
		lines[i] = strings.TrimSuffix(line, "\n")
	}
	return lines
}

// news returns the next line of JSON.
func (c *talk) news() map[string]any {
	c.t.Helper()
	got, err := c.stdout.ReadString('\n')
	require.NoError(c.t, err, "stderr: %s", &c.stderr)
	var n map[string]any
	require.NoError(c.t, json.Unmarshal([]byte(got), &n), got)
	return n
}

// ends closes standard input and asserts the rest of the output and the exit code.
func (c *talk) ends(code int, rest, stderr string) {
	c.t.Helper()
	require.NoError(c.t, c.stdin.Close())
	c.over(code, rest, stderr)
}

// over asserts the rest of the output and the exit code of a program that ends by itself.
func (c *talk) over(code int, rest, stderr string) {
	c.t.Helper()
	got, err := io.ReadAll(c.stdout)
	require.NoError(c.t, err)
	assert.Equal(c.t, code, <-c.done)
	assert.Equal(c.t, rest, connectionIDs.ReplaceAllString(string(got), "ID"))
	assert.Equal(c.t, stderr, c.stderr.String())
}
