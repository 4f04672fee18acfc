package main_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"
)

// partVariable makes this binary one of the parts of a test that is to be killed:
// a process of its own, which a kill ends without a word.
const partVariable = "WEBPUBSUB_TEST_PART"

func play(part string) int {
	parts := map[string]func(args []string) error{"handler": playHandler, "client": playClient}
	if err := parts[part](os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, part, err)
		return 1
	}
	return 0
}

// playHandler is an event handler at an address. It says what it is told, and
// answers user events with "reply": with the word "hold" only when it reads a
// line for each.
func playHandler(args []string) error {
	var mu sync.Mutex
	say := func(words ...any) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Println(words...)
	}
	var held sync.Mutex // one event after the other
	lines := bufio.NewReader(os.Stdin)
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("WebHook-Allowed-Origin", "*")
		name := r.Header.Get("ce-eventName")
		if name == "" {
			return
		}
		_, _ = io.Copy(io.Discard, r.Body) // so that the server notices a caller that is gone
		say(name, r.Header.Get("ce-id"), r.Header.Get("ce-connectionId"), r.Header.Get("x-ms-client-request-id"), r.Header.Get("ce-connectionState"))
		switch name {
		case "connect":
			w.Header().Set("ce-connectionState", "state")
		case "e":
			if args[1] == "hold" {
				stop := context.AfterFunc(r.Context(), func() { say("abandoned") })
				held.Lock()
				_, _ = lines.ReadString('\n')
				held.Unlock()
				stop()
			}
			w.Header().Set("Content-Type", "text/plain")
			_, _ = io.WriteString(w, "reply")
		}
	})
	l, err := net.Listen("tcp", args[0])
	if err != nil {
		return err
	}
	say(l.Addr())
	return (&http.Server{Handler: h}).Serve(l)
}

// playClient connects to a URL by a subprotocol and says what it gets. Once it
// reads a line it sends one frame, or half of it.
func playClient(args []string) error {
	var below net.Conn
	dial := func(ctx context.Context, network, address string) (conn net.Conn, err error) {
		below, err = new(net.Dialer).DialContext(ctx, network, address)
		return below, err
	}
	ctx := context.Background()
	conn, _, err := websocket.Dial(ctx, args[0], &websocket.DialOptions{
		Subprotocols: []string{args[1]}, HTTPClient: &http.Client{Transport: &http.Transport{DialContext: dial}},
	})
	if err != nil {
		return err
	}
	go func() {
		if _, err := bufio.NewReader(os.Stdin).ReadString('\n'); err != nil {
			return
		}
		if frame := args[2]; frame == "half" {
			_, _ = below.Write([]byte("\x81\xa0\x00\x00\x00\x00{\"type\":\"ev")) // of 32 bytes
			fmt.Println("half")
		} else {
			_ = conn.Write(ctx, websocket.MessageText, []byte(frame))
		}
	}()
	for err == nil {
		var data []byte
		if _, data, err = conn.Read(ctx); err == nil {
			fmt.Println(string(data))
		}
	}
	return err
}

// process is one that a test has started.
type process struct {
	t   *testing.T
	cmd *exec.Cmd
	in  io.Writer
	out *bufio.Reader
}

func start(t *testing.T, cmd *exec.Cmd) *process {
	t.Helper()
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	p := &process{t, cmd, in, bufio.NewReader(out)}
	t.Cleanup(p.kill)
	return p
}

func startPart(t *testing.T, part string, args ...string) *process {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), self, args...)
	cmd.Env = append(os.Environ(), partVariable+"="+part)
	return start(t, cmd)
}

// kill ends the process by SIGKILL, once.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
}

// goOn is a line that the process waits for.
func (p *process) goOn() {
	p.t.Helper()
	_, err := fmt.Fprintln(p.in)
	require.NoError(p.t, err)
}

// line is the next that the process says.
func (p *process) line() string {
	p.t.Helper()
	line, err := p.out.ReadString('\n')
	require.NoError(p.t, err)
	return strings.TrimSuffix(line, "\n")
}

// event is the next that a handler is told of, which must have a name.
func (p *process) event(name string) []string {
	p.t.Helper()
	words := strings.Fields(p.line())
	require.Equal(p.t, name, words[0])
	return words
}

// userEvent is the event "e" of a handler that has been started again. Before it
// may come the last notification, if the answer to it was lost with the process.
func (p *process) userEvent() []string {
	p.t.Helper()
	words := strings.Fields(p.line())
	if words[0] == "joined" {
		words = strings.Fields(p.line())
	}
	require.Equal(p.t, "e", words[0])
	return words
}
