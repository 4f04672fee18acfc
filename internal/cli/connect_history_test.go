package cli_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// historyIn returns the file of lines below a directory for XDG_STATE_HOME.
func historyIn(dir string) string { return filepath.Join(dir, "webpubsub", "connect-history") }

// session types lines at a terminal, and leaves.
func (h *hall) session(env map[string]string, lines []string, args ...string) {
	h.t.Helper()
	env["NO_COLOR"] = "1"
	s := h.sit(env, args...)
	s.until("* connected, connection ")
	s.until("\r\n> ")
	for _, line := range lines {
		s.types(line + "\r")
		s.until("! unknown command")
		s.until("\r\n> ")
	}
	s.types(ctrlD)
	s.leaves(0)
}

// TestConnectHistory recalls lines of the session before, but none with a secret.
func TestConnectHistory(t *testing.T) {
	t.Parallel()
	h := openHall(t)
	dir := t.TempDir()
	state := map[string]string{"XDG_STATE_HOME": dir}
	h.session(state, []string{
		"one",
		"two my token is abc",
		"three eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbm4ifQ.x",
		"four AccessKey=abc",
		"five " + strings.Repeat("0a1b", 8),
		" six",
		"one",
		"one",
		"seven",
	})
	path := historyIn(dir)
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, []string{"one", "one", "seven"}, strings.Fields(string(data)))
	info, err := os.Stat(path)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	info, err = os.Stat(filepath.Dir(path))
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o700), info.Mode().Perm())

	s := h.sit(map[string]string{"XDG_STATE_HOME": dir, "NO_COLOR": "1"})
	s.until("\r\n> ")
	s.types(up)
	s.until("seven")
	s.types("\x15" + ctrlD) // Ctrl+U
	s.leaves(0)
}

// TestConnectHistoryIsOff checks that nothing is read or written.
func TestConnectHistoryIsOff(t *testing.T) {
	t.Parallel()
	h := openHall(t)
	for name, tt := range map[string]struct {
		env  map[string]string
		args []string
	}{
		"flag":                  {map[string]string{}, []string{"--no-history"}},
		"environment":           {map[string]string{"WEBPUBSUB_CONNECT_NO_HISTORY": "true"}, nil},
		"no absolute directory": {map[string]string{"XDG_STATE_HOME": "state", "HOME": ""}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if _, ok := tt.env["XDG_STATE_HOME"]; !ok {
				tt.env["XDG_STATE_HOME"] = dir
			}
			h.session(tt.env, []string{"one"}, tt.args...)
			assert.NoFileExists(t, historyIn(dir))
			assert.NoDirExists(t, "state")
		})
	}
}

// TestConnectHistoryIsBounded checks that old lines are removed, as are those that are not
// text, and the rights of others.
func TestConnectHistoryIsBounded(t *testing.T) {
	t.Parallel()
	h := openHall(t)
	home := t.TempDir()
	path := historyIn(filepath.Join(home, ".local", "state"))
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
	var lines strings.Builder
	for i := range 700 {
		fmt.Fprintf(&lines, "line %d\n", i)
	}
	lines.WriteString("\x1b[2J\n\xff\nlast\n")
	require.NoError(t, os.WriteFile(path, []byte(lines.String()), 0o644))
	h.session(map[string]string{"HOME": home}, []string{"new"})
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	kept := strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
	assert.Len(t, kept, 501)
	assert.Equal(t, []string{"line 201", "line 202"}, kept[:2])
	assert.Equal(t, []string{"line 699", "last", "new"}, kept[498:])
	info, err := os.Stat(path)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
}

// TestConnectHistoryCannotBeRead goes on without a file, and says so.
func TestConnectHistoryCannotBeRead(t *testing.T) {
	t.Parallel()
	h := openHall(t)
	dir := t.TempDir()
	require.NoError(t, os.MkdirAll(historyIn(dir), 0o700))
	s := h.sit(map[string]string{"XDG_STATE_HOME": dir, "NO_COLOR": "1"})
	s.until("! history of lines: " + historyIn(dir)[:20])
	s.until("* connected, connection ")
	s.until("\r\n> ")
	s.types("dance\r")
	s.until("! unknown command")
	s.until("\r\n> ")
	s.types(up)
	s.until("dance")
	s.types("\x15" + ctrlD)
	s.leaves(0)
}
