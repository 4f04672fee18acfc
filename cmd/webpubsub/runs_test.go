package main_test

import (
	"bufio"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/creack/pty"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestRuns runs the program as a process. The tables of package cli have all cases; these
// check what main connects.
func TestRuns(t *testing.T) {
	t.Parallel()
	for _, r := range []struct {
		name   string
		args   []string
		env    []string
		stdin  string
		stdout string
		stderr string
		code   int
	}{
		{name: "done", args: []string{"version"}, stdout: "webpubsub "},
		{name: "failed", args: []string{"emulator", "--addr", "192.0.2.1:1"}, stderr: "webpubsub: --addr \"192.0.2.1:1\": listen tcp 192.0.2.1:1: ", code: 1},
		{name: "usage", args: []string{"emulater"}, stderr: "webpubsub: unknown command \"emulater\" for \"webpubsub\", did you mean emulator?\n", code: 2},
		{name: "environment", args: []string{"emulator"}, env: []string{"WEBPUBSUB_EMULATOR_ADDR=8080"}, stderr: "webpubsub: --addr \"8080\": want host:port\nRun 'webpubsub emulator --help' for usage.\n", code: 2},
	} {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), program, r.args...)
			cmd.Env = append(os.Environ(), r.env...)
			cmd.Stdin = strings.NewReader(r.stdin)
			var stdout, stderr strings.Builder
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			_ = cmd.Run() // the exit code is below
			assert.Equal(t, r.code, cmd.ProcessState.ExitCode())
			assertStart(t, r.stdout, stdout.String())
			assertStart(t, r.stderr, stderr.String())
		})
	}
}

// assertStart compares the start of a text; an empty one must be empty.
func assertStart(t *testing.T, want, got string) {
	t.Helper()
	if want == "" {
		assert.Empty(t, got)
		return
	}
	assert.Equal(t, want, got[:min(len(want), len(got))])
}

// atTerminal starts the program at a pseudo-terminal of its own, so that Ctrl+C (\x03)
// interrupts it.
func atTerminal(t *testing.T, args ...string) (run *exec.Cmd, user *os.File) {
	t.Helper()
	run = exec.CommandContext(t.Context(), program, args...)
	user, err := pty.StartWithSize(run, &pty.Winsize{Rows: 24, Cols: 80})
	require.NoError(t, err)
	t.Cleanup(func() { _ = user.Close() })
	return run, user
}

func TestCtrlC(t *testing.T) {
	t.Parallel()
	run, user := atTerminal(t, "emulator", "--addr", "127.0.0.1:0")
	line, err := bufio.NewReader(user).ReadString('\n')
	require.NoError(t, err)
	assert.Equal(t, "listening ", line[:10])
	_, err = user.WriteString("\x03")
	require.NoError(t, err)
	require.NoError(t, run.Wait())
}
