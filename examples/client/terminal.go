package main

import (
	"bufio"
	"context"
	"io"
	"os"
	"strings"
	"unicode"

	"golang.org/x/term"
)

// openTerminal returns the lines of input, and a writer that does not disturb the
// line that is being typed. On a terminal, Ctrl+C, Ctrl+D and /quit quit at once.
// Other input is processed to its end.
func openTerminal(ctx context.Context, quit func(), stdin io.Reader, stdout io.Writer) (typed <-chan string, out io.Writer, restore func(), err error) {
	lines := make(chan string, 100) // buffered while the client is not connected
	tty, ok := stdin.(*os.File)
	if !ok || !term.IsTerminal(int(tty.Fd())) {
		go func() {
			defer close(lines)
			for s := bufio.NewScanner(stdin); s.Scan() && put(ctx, lines, s.Text()); {
			}
		}()
		return lines, stdout, func() {}, nil
	}
	state, err := term.MakeRaw(int(tty.Fd())) // Ctrl+C becomes a character
	if err != nil {
		return nil, nil, nil, err
	}
	restore = func() {
		_ = term.Restore(int(tty.Fd()), state)
		_, _ = io.WriteString(stdout, "\n")
	}
	t := term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{stdin, stdout}, "> ")
	go func() {
		defer quit()
		for {
			if width, height, err := term.GetSize(int(tty.Fd())); err == nil && width > 0 { // 0: unknown
				_ = t.SetSize(width, height)
			}
			line, err := t.ReadLine()
			if err != nil || !put(ctx, lines, line) {
				return
			}
		}
	}()
	return lines, t, restore, nil
}

// put passes on a line. It reports false if it is the last.
func put(ctx context.Context, lines chan<- string, line string) bool {
	if strings.TrimSpace(line) == "/quit" {
		return false
	}
	select {
	case lines <- line:
		return true
	case <-ctx.Done():
		return false
	}
}

// sanitize makes text of other users safe for a terminal: it replaces control and
// bidirectional characters.
func sanitize(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsPrint(r), r == '\u200c', r == '\u200d': // joiners, of Persian and emoji
			return r
		case unicode.IsSpace(r):
			return ' '
		}
		return unicode.ReplacementChar
	}, text)
}
