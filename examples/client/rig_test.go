package main_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	client "github.com/go-webpubsub/webpubsub/examples/client"
	"github.com/go-webpubsub/webpubsub/internal/pump"
)

func TestMain(m *testing.M) {
	code := m.Run()
	if dir, err := programs(); err == nil {
		_ = os.RemoveAll(dir)
	}
	os.Exit(code)
}

// programs builds the chat and the client into a directory.
var programs = sync.OnceValues(func() (dir string, err error) {
	if dir, err = os.MkdirTemp("", "chat"); err != nil {
		return "", err
	}
	for _, name := range []string{"chat", "client"} {
		output, err := exec.CommandContext(context.Background(), "go", "build", "-o", filepath.Join(dir, name+".exe"), "../"+name).CombinedOutput()
		if err != nil {
			return dir, fmt.Errorf("build %s: %w\n%s", name, err, output)
		}
	}
	return dir, nil
})

// patience is the time limit of a test for an expected event.
const patience = time.Minute

func program(t *testing.T, name string, args ...string) *exec.Cmd {
	t.Helper()
	dir, err := programs()
	require.NoError(t, err)
	run := exec.CommandContext(t.Context(), filepath.Join(dir, name+".exe"), args...)
	run.Env = append(os.Environ(), "WEBPUBSUB_CONNECTION_STRING=", "USER=")
	return run
}

// chat is examples/chat as a process.
type chat struct {
	t    *testing.T
	url  string
	args []string
	run  *exec.Cmd
}

func startChat(t *testing.T) *chat {
	t.Helper()
	return startChatWith(t, "-addr", freeAddress(t))
}

func startChatWith(t *testing.T, args ...string) *chat {
	t.Helper()
	c := &chat{t: t, args: args}
	c.start()
	t.Cleanup(c.kill)
	return c
}

func (c *chat) start() {
	c.t.Helper()
	c.run = program(c.t, "chat", c.args...)
	stdout, err := c.run.StdoutPipe()
	require.NoError(c.t, err)
	require.NoError(c.t, c.run.Start())
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		if found := regexp.MustCompile(`Chat at (\S+)`).FindStringSubmatch(lines.Text()); found != nil {
			c.url = found[1]
			go func() { _, _ = io.Copy(io.Discard, stdout) }()
			return
		}
	}
	require.Fail(c.t, "the chat does not say where it is")
}

func (c *chat) kill() {
	if c.run.ProcessState == nil {
		_ = c.run.Process.Kill()
		_ = c.run.Wait()
	}
}

// terminal is a terminal at which the client runs, in the test's process.
type terminal struct {
	t     *testing.T
	stdin *io.PipeWriter
	lines chan string
	all   []string // all lines read
	done  chan error
	stop  context.CancelFunc
}

func open(t *testing.T, url string, args ...string) *terminal {
	t.Helper()
	return openWith(t, client.Run, append([]string{"-url", url}, args...)...)
}

func openWith(t *testing.T, run func(context.Context, []string, io.Reader, io.Writer) error, args ...string) *terminal {
	t.Helper()
	in, stdin := io.Pipe()
	out, stdout := io.Pipe()
	ctx, cancel := context.WithCancel(t.Context())
	p := &terminal{t: t, stdin: stdin, lines: make(chan string, 10_000), done: make(chan error, 1), stop: cancel}
	go func() {
		err := run(ctx, args, in, stdout)
		_ = in.Close()
		_ = stdout.Close()
		p.done <- err
	}()
	go func() {
		defer close(p.lines)
		for s := bufio.NewScanner(out); s.Scan(); {
			p.lines <- s.Text()
		}
	}()
	t.Cleanup(cancel)
	return p
}

func (p *terminal) types(lines ...string) {
	p.t.Helper()
	for _, line := range lines {
		_, err := io.WriteString(p.stdin, line+"\n")
		require.NoError(p.t, err)
	}
}

var clock = regexp.MustCompile(`^\d\d:\d\d `)

// sees waits for lines in any order, without the time at their beginning, and
// ignores others.
func (p *terminal) sees(want ...string) {
	p.t.Helper()
	timeout := time.After(patience)
	for len(want) > 0 {
		select {
		case line, ok := <-p.lines:
			require.True(p.t, ok, "the end comes before %q, after %q", want, p.all)
			line = clock.ReplaceAllString(line, "")
			p.all = append(p.all, line)
			if i := slices.Index(want, line); i >= 0 {
				want = slices.Delete(want, i, i+1)
			}
		case <-timeout:
			require.Fail(p.t, "not seen", "%q, but %q", want, p.all)
		}
	}
}

// enters waits until the terminal is in a room with these users.
func (p *terminal) enters(room, with string) {
	p.t.Helper()
	p.sees("* You are in " + room + ", with " + with + ".")
}

// ends waits for the end of the client and returns its error.
func (p *terminal) ends() error {
	p.t.Helper()
	for line := range p.lines {
		p.all = append(p.all, clock.ReplaceAllString(line, ""))
	}
	return <-p.done
}

// page is a browser tab with the chat's page, as the service sees it.
type page struct {
	t    *testing.T
	conn *websocket.Conn
	in   *pump.Reader
}

type m = map[string]any

func openPage(t *testing.T, url, name string) *page {
	t.Helper()
	body, err := json.Marshal(m{"nickname": name, "secret": strings.Repeat(name, 32)})
	require.NoError(t, err)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/login", bytes.NewReader(body))
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/json")
	res, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(r)
	require.NoError(t, err)
	defer res.Body.Close()
	var admitted struct{ URL string }
	require.NoError(t, json.NewDecoder(res.Body).Decode(&admitted))
	conn, _, err := websocket.Dial(t.Context(), admitted.URL, &websocket.DialOptions{Subprotocols: []string{"json.webpubsub.azure.v1"}})
	require.NoError(t, err)
	conn.SetReadLimit(1 << 20)
	p := &page{t, conn, pump.New(conn)}
	t.Cleanup(func() {
		_ = conn.CloseNow()
		p.in.Wait()
	})
	p.next(func(f m) bool { return f["event"] == "connected" })
	return p
}

// raise sends an event and waits until it was handled.
func (p *page) raise(event string, data m) {
	p.t.Helper()
	request, err := json.Marshal(m{"type": "event", "event": event, "ackId": time.Now().UnixNano(), "dataType": "json", "data": data})
	require.NoError(p.t, err)
	require.NoError(p.t, p.conn.Write(p.t.Context(), websocket.MessageText, request))
	p.next(func(f m) bool { return f["type"] == "ack" && f["success"] == true })
}

// hears waits for a message.
func (p *page) hears(name, text string) {
	p.t.Helper()
	p.next(func(f m) bool {
		n, _ := f["data"].(m)
		return n["type"] == "said" && n["name"] == name && n["text"] == text
	})
}

func (p *page) next(is func(frame m) bool) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), patience)
	defer cancel()
	for {
		_, data, err := p.in.Next(ctx)
		require.NoError(p.t, err)
		var f m
		require.NoError(p.t, json.Unmarshal(data, &f))
		if is(f) {
			return
		}
	}
}

// proxy forwards TCP connections to an address until they are cut.
type proxy struct {
	url string

	mu    sync.Mutex
	conns []net.Conn
}

func startProxy(t *testing.T, target string) *proxy {
	t.Helper()
	ln := listen(t)
	p := &proxy{url: "http://" + ln.Addr().String()}
	t.Cleanup(p.cut)
	t.Cleanup(func() { _ = ln.Close() })
	var dialer net.Dialer
	ctx := t.Context()
	go func() {
		for {
			front, err := ln.Accept()
			if err != nil {
				return
			}
			back, err := dialer.DialContext(ctx, "tcp", target)
			if err != nil {
				_ = front.Close()
				continue
			}
			p.mu.Lock()
			p.conns = append(p.conns, front, back)
			p.mu.Unlock()
			for _, way := range [][2]net.Conn{{front, back}, {back, front}} {
				go func() {
					_, _ = io.Copy(way[0], way[1])
					_ = way[0].Close()
				}()
			}
		}
	}()
	return p
}

func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, conn := range p.conns {
		_ = conn.Close()
	}
	p.conns = nil
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	var config net.ListenConfig
	ln, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	return ln
}

// freeAddress returns an unused address. Its port is below those that systems
// assign automatically, so that no other test gets it.
func freeAddress(t *testing.T) (address string) {
	t.Helper()
	var config net.ListenConfig
	for range 100 {
		address = net.JoinHostPort("127.0.0.1", strconv.Itoa(20_000+rand.IntN(10_000)))
		ln, err := config.Listen(t.Context(), "tcp", address)
		if err != nil {
			continue // in use
		}
		require.NoError(t, ln.Close())
		return address
	}
	require.Fail(t, "no port is free")
	return ""
}
