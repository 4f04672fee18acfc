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

// partVariable makes this binary run a part of a test in a process that can be killed.
const partVariable = "WEBPUBSUB_TEST_PART"

func play(part string) int {
	parts := map[string]func(args []string) error{"handler": playHandler, "client": playClient}
	if err := parts[part](os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, part, err)
		return 1
	}
	return 0
}

// playHandler serves an event handler at an address. It prints the events and answers
// user events with "reply". With the word "hold" it reads a line before each answer.
func playHandler(args []string) error {
	var mu sync.Mutex
	say := func(words ...any) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Println(words...)
	}
	var held sync.Mutex
	lines := bufio.NewReader(os.Stdin)
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("WebHook-Allowed-Origin", "*")
		name := r.Header.Get("ce-eventName")
		if name == "" {
			return
		}
		_, _ = io.Copy(io.Discard, r.Body) // lets the server detect that the caller disconnects
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

// playClient connects to a URL with a subprotocol and prints the frames it receives.
// When it reads a line, it sends one frame or half of it.
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

// process is a process that a test has started.
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

// kill kills the process. Further calls do nothing.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
}

// goOn writes a line to the process.
func (p *process) goOn() {
	p.t.Helper()
	_, err := fmt.Fprintln(p.in)
	require.NoError(p.t, err)
}

// line returns the next line that the process prints.
func (p *process) line() string {
	p.t.Helper()
	line, err := p.out.ReadString('\n')
	require.NoError(p.t, err)
	return strings.TrimSuffix(line, "\n")
}

// event returns the next event of a handler and asserts its name.
func (p *process) event(name string) []string {
	p.t.Helper()
	words := strings.Fields(p.line())
	require.Equal(p.t, name, words[0])
	return words
}

// userEvent returns the event "e" of a handler that was restarted. The last notification
// may be repeated before it, if its answer was lost.
func (p *process) userEvent() []string {
	p.t.Helper()
	words := strings.Fields(p.line())
	if words[0] == "joined" {
		words = strings.Fields(p.line())
	}
	require.Equal(p.t, "e", words[0])
	return words
}
