package cli_test

import (
	"bufio"
	"os"
	"strings"
	"testing"

	"github.com/creack/pty"
	"github.com/stretchr/testify/require"
)

// screen is the user's side of a pseudo-terminal.
type screen struct {
	t    *testing.T
	user *os.File
	in   *bufio.Reader
}

// openTerminal returns both sides of a pseudo-terminal of 80 columns: the user's, and the
// one for the stdin, stdout and stderr of the program. It closes both when the test ends.
func openTerminal(t *testing.T) (user *screen, program *os.File) {
	t.Helper()
	person, program, err := pty.Open()
	require.NoError(t, err)
	t.Cleanup(func() { _ = person.Close() })
	t.Cleanup(func() { _ = program.Close() })
	require.NoError(t, pty.Setsize(person, &pty.Winsize{Rows: 24, Cols: 80}))
	return &screen{t, person, bufio.NewReader(person)}, program
}

// types sends keys to the program; Enter is \r.
func (s *screen) types(keys string) {
	s.t.Helper()
	_, err := s.user.WriteString(keys)
	require.NoError(s.t, err)
}

// line returns the next line on the screen, with its line end.
func (s *screen) line() string {
	s.t.Helper()
	line, err := s.in.ReadString('\n')
	require.NoError(s.t, err)
	return line
}

// until reads the screen until it shows a text, and returns what it read.
func (s *screen) until(text string) string {
	s.t.Helper()
	var shown strings.Builder
	for !strings.HasSuffix(shown.String(), text) {
		b, err := s.in.ReadByte()
		require.NoError(s.t, err, "no %q in %q", text, shown.String())
		shown.WriteByte(b)
	}
	return shown.String()
}
