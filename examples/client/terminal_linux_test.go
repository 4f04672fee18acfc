package main_test

import (
	"os"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// pseudoTerminal returns both ends of a terminal: the user's and the program's.
func pseudoTerminal(t *testing.T) (person, program *os.File) {
	t.Helper()
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	require.NoError(t, err)
	require.NoError(t, unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0))
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	require.NoError(t, err)
	person = os.NewFile(uintptr(fd), "ptmx")
	t.Cleanup(func() { _ = person.Close() })
	program, err = os.OpenFile("/dev/pts/"+strconv.Itoa(n), os.O_RDWR|unix.O_NOCTTY, 0)
	require.NoError(t, err)
	t.Cleanup(func() { _ = program.Close() })
	return person, program
}

// TestTerminal checks that messages do not disturb the line that is being typed,
// and that Ctrl+C restores the terminal.
func TestTerminal(t *testing.T) {
	t.Parallel()
	chat := startChat(t)
	person, tty := pseudoTerminal(t)
	before, err := term.GetState(int(tty.Fd()))
	require.NoError(t, err)
	run := program(t, "client", "-url", chat.url, "-name", "Ann")
	run.Stdin, run.Stdout = tty, tty
	require.NoError(t, run.Start())

	screen := ""
	shows := func(want string) {
		t.Helper()
		require.NoError(t, person.SetReadDeadline(time.Now().Add(patience)))
		buffer := make([]byte, 4096)
		for !regexp.MustCompile(want).MatchString(screen) {
			n, err := person.Read(buffer)
			screen += string(buffer[:n])
			require.NoError(t, err, "no %q in %q", want, screen)
		}
		screen = ""
	}
	types := func(keys string) {
		t.Helper()
		_, err := person.WriteString(keys)
		require.NoError(t, err)
	}
	shows("You are in lobby, with nobody else")
	ben := open(t, chat.url, "-name", "Ben")
	shows("Ben has joined")
	types("hel")
	shows("hel$")
	ben.types("I am here")
	shows(`\x1b\[5D\x1b\[K\d\d:\d\d Ben: I am here\r\n> hel$`) // the line is cleared and printed again below
	types("lo\r")
	ben.sees("Ann: hello")
	types("\x03")
	require.NoError(t, run.Wait())
	ben.sees("* Ann has left.")
	after, err := term.GetState(int(tty.Fd()))
	require.NoError(t, err)
	assert.Equal(t, before, after)
}
