package cli_test

import (
	"context"
	"maps"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/term"

	"github.com/go-webpubsub/webpubsub/internal/cli"
)

const (
	ctrlC   = "\x03"
	ctrlD   = "\x04"
	up      = "\x1b[A"
	cleared = "\r\x1b[K" // a line, before the terminal is restored
)

// seat is a person at a terminal with the command connect.
type seat struct {
	*screen
	tty    *os.File
	before *term.State
	done   chan int
	stop   context.CancelFunc
	stderr strings.Builder
}

func (h *hall) sit(env map[string]string, args ...string) *seat {
	h.t.Helper()
	s := &seat{done: make(chan int, 1)}
	s.screen, s.tty = openTerminal(h.t)
	var err error
	s.before, err = term.GetState(int(s.tty.Fd()))
	require.NoError(h.t, err)
	maps.Copy(env, h.env())
	ctx, cancel := context.WithCancel(h.t.Context())
	s.stop = cancel
	go func() {
		s.done <- cli.Run(ctx, append([]string{"connect"}, args...), environment(env), s.tty, s.tty, &s.stderr)
	}()
	return s
}

// leaves asserts that the program ends, and that the terminal is as it was.
func (s *seat) leaves(code int) {
	s.t.Helper()
	s.until(cleared)
	assert.Equal(s.t, code, <-s.done)
	after, err := term.GetState(int(s.tty.Fd()))
	require.NoError(s.t, err)
	assert.Equal(s.t, s.before, after)
	assert.Empty(s.t, s.stderr.String())
}

// TestConnectAtTerminal types with completion and history, while messages arrive.
func TestConnectAtTerminal(t *testing.T) {
	t.Parallel()
	h := openHall(t)
	s := h.sit(map[string]string{"NO_COLOR": "1"}, "--user", "ann", "--group", "lobby", "--group", "lounge")
	s.until("* connected as ann, connection ")
	s.until("\r\n> ")
	s.types("se\t")
	s.until("send ")
	s.types("--no\t")
	s.until("--no-echo ")
	s.types("lo\t")
	s.until("lo")
	s.types("\t")
	s.until("lobby  lounge\r\n> send --no-echo lo")
	s.types("b\thel")
	s.until("bby hel")
	require.NoError(t, h.chat.Group("lobby").SendText(t.Context(), "ho\x1b[2J", nil))
	s.until("\x1b[26D\x1b[K[lobby] ho\\x1b[2J\r\n> send --no-echo lobby hel") // the line is cleared, and printed again below
	s.types("lo\r")
	s.until("* sent to lobby\r\n> ")
	s.types(up + "\r")
	s.until("send --no-echo lobby hello")
	s.until("* sent to lobby\r\n> ")
	s.types("help\r")
	s.until("quit                            close the connection; Ctrl+C and Ctrl+D do, too\r\n> ")
	s.types("half a li" + ctrlC)
	s.leaves(0)
}

// TestConnectLeavesTerminal checks that each end restores the terminal.
func TestConnectLeavesTerminal(t *testing.T) {
	t.Parallel()
	h := openHall(t)
	for name, end := range map[string]func(*seat){
		"Ctrl+D": func(s *seat) { s.types(ctrlD) },
		"quit":   func(s *seat) { s.types(" quit\r") },
		"signal": func(s *seat) { s.stop() },
		"during a command": func(s *seat) {
			s.types("event wait\r")
			s.until("event wait\r\n")
			s.types(ctrlC)
		},
		"during an invocation": func(s *seat) {
			s.types("invoke wait\r")
			s.until("\r\n> ")
			s.types(ctrlD)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := h.sit(map[string]string{"NO_COLOR": "1"})
			s.until("* connected, connection ")
			s.until("\r\n> ")
			end(s)
			s.leaves(0)
		})
	}
}

// TestConnectRefusedAtTerminal checks that the error is printed on a usable terminal.
func TestConnectRefusedAtTerminal(t *testing.T) {
	t.Parallel()
	h := openHall(t)
	h.refuse.Store(http.StatusForbidden)
	s := h.sit(map[string]string{})
	s.until(cleared)
	assert.Equal(t, 1, <-s.done)
	assert.Contains(t, s.stderr.String(), "webpubsub: client: Start: 403 Forbidden")
}

func TestConnectColours(t *testing.T) {
	t.Parallel()
	h := openHall(t)
	for _, tt := range []struct {
		env  map[string]string
		want string
	}{
		{map[string]string{"TERM": "xterm"}, "\x1b[36m[lobby] \x1b[0m\x1b[1mann:\x1b[0m hi\r\n"},
		{map[string]string{"TERM": "xterm", "NO_COLOR": "1"}, "[lobby] ann: hi\r\n"},
		{map[string]string{"TERM": "dumb"}, "[lobby] ann: hi\r\n"},
	} {
		s := h.sit(tt.env, "--user", "ann", "--group", "lobby")
		s.until("> ")
		s.types("send lobby hi\r")
		s.until("lobby hi\r\n")
		s.until(tt.want)
		s.types(ctrlD)
		s.leaves(0)
	}
}

// TestConnectHalfATerminal checks that there is no prompt if only one side is a terminal,
// or with --json.
func TestConnectHalfATerminal(t *testing.T) {
	t.Parallel()
	h := openHall(t)
	person, tty := openTerminal(t)
	var stdout, stderr strings.Builder
	person.types("join lobby\r" + ctrlD)
	assert.Equal(t, 0, cli.Run(t.Context(), []string{"connect"}, environment(h.env()), tty, &stdout, &stderr))
	assert.Equal(t, "* connected, connection ID\n* joined lobby\n", connectionIDs.ReplaceAllString(stdout.String(), "ID"))
	assert.Empty(t, stderr.String())

	person, tty = openTerminal(t)
	person.types("join lobby\r" + ctrlD)
	person.until("join lobby\r\n") // the echo
	assert.Equal(t, 0, cli.Run(t.Context(), []string{"connect", "--json"}, environment(h.env()), tty, tty, &stderr))
	shown := strings.ReplaceAll(person.until(`"join"}`+"\r\n"), "^D\b\b", "") // the echo of Ctrl+D, if there is one
	assert.Regexp(t, `^\{"type":"connected","connectionId":"\w+"\}\r\n\{"type":"done","group":"lobby","command":"join"\}\r\n$`, shown)
}

// TestRestoring checks that the terminal is restored before a panic goes on.
func TestRestoring(t *testing.T) {
	t.Parallel()
	restored := 0
	restore := func() { restored++ }
	cli.Restoring(restore, func() {})
	assert.Equal(t, 0, restored)
	assert.PanicsWithValue(t, "a mistake", func() { cli.Restoring(restore, func() { panic("a mistake") }) })
	assert.Equal(t, 1, restored)
}
