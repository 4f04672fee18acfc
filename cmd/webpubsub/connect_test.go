package main_test

import (
	"bufio"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/creack/pty"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/term"

	"github.com/go-webpubsub/webpubsub/emulator"
)

// TestConnectIsTerminated checks that connect leaves the terminal as it found it when a
// signal ends the process.
func TestConnectIsTerminated(t *testing.T) {
	t.Parallel()
	emu := emulator.Start(t, emulator.Config{})
	unused, tty, err := pty.Open()
	require.NoError(t, err)
	fresh := stateOf(t, unused)
	require.NoError(t, tty.Close())
	require.NoError(t, unused.Close())
	for _, signal := range []os.Signal{syscall.SIGTERM, syscall.SIGINT} {
		run, user := atTerminal(t, "connect", "--hub", "chat", "--connection-string", emu.ConnectionString)
		screen := bufio.NewReader(user)
		line, err := screen.ReadString('\n')
		require.NoError(t, err)
		assert.Contains(t, line, "* connected, connection ")
		prompt, err := screen.ReadString('>')
		require.NoError(t, err)
		assert.Contains(t, prompt, ">")
		assert.NotEqual(t, fresh, stateOf(t, user), "raw mode")
		require.NoError(t, run.Process.Signal(signal))
		require.NoError(t, run.Wait())
		assert.Equal(t, fresh, stateOf(t, user))
	}
}

func stateOf(t *testing.T, terminal *os.File) *term.State {
	t.Helper()
	state, err := term.GetState(int(terminal.Fd()))
	require.NoError(t, err)
	return state
}

// TestWatch changes the settings file of a running emulator.
func TestWatch(t *testing.T) {
	t.Parallel()
	path := t.TempDir() + "/settings.yaml"
	require.NoError(t, os.WriteFile(path, []byte("hubs: {chat: {}}"), 0o600))
	run, user := atTerminal(t, "emulator", "--addr", "127.0.0.1:0", "--settings", path, "--watch")
	screen := bufio.NewReader(user)
	shows := func(want string) {
		t.Helper()
		for line := ""; !strings.Contains(line, want); {
			var err error
			line, err = screen.ReadString('\n')
			require.NoError(t, err)
		}
	}
	shows("hub                chat, no event handler")
	require.NoError(t, os.WriteFile(path, []byte("hubs: {chat: {}, news: {anonymousConnectPolicy: allow}}"), 0o600))
	shows("INFO  hub added           hub=news anonymous=true handlers=[]")
	require.NoError(t, os.WriteFile(path, []byte("hubs: {chat: {}\n"), 0o600))
	shows("WARN  settings not changed")
	require.NoError(t, os.WriteFile(path, []byte("hubs: {news: {}}"), 0o600))
	shows("INFO  hub removed         hub=chat")
	shows("INFO  hub changed         hub=news anonymous=false")
	require.NoError(t, run.Process.Signal(syscall.SIGINT))
	shows("stopping")
	require.NoError(t, run.Wait())
}
