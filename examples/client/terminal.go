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

// converse gives the lines that are typed, and a writer that keeps what it prints
// apart from a line that is being typed. On a terminal Ctrl+C, Ctrl+D and /quit
// quit at once; of other input all lines are taken first.
func converse(ctx context.Context, quit func(), stdin io.Reader, stdout io.Writer) (typed <-chan string, out io.Writer, restore func(), err error) {
	lines := make(chan string, 100) // typed while the connection is away
	tty, ok := stdin.(*os.File)
	if !ok || !term.IsTerminal(int(tty.Fd())) {
		go func() {
			defer close(lines)
			for s := bufio.NewScanner(stdin); s.Scan() && put(ctx, lines, s.Text()); {
			}
		}()
		return lines, stdout, func() {}, nil
	}
	state, err := term.MakeRaw(int(tty.Fd())) // which makes Ctrl+C a character
	if err != nil {
		return nil, nil, nil, err
	}
	restore = func() {
		_ = term.Restore(int(tty.Fd()), state)
		_, _ = io.WriteString(stdout, "\n")
	}
	t := term.NewTerminal(screen{stdin, stdout}, "> ")
	go func() {
		defer quit()
		for {
			if width, height, err := term.GetSize(int(tty.Fd())); err == nil && width > 0 { // 0: not known
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

type screen struct {
	io.Reader
	io.Writer
}

// put hands a line on, and reports false if it is the last.
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

// harmless makes a text of strangers fit for a terminal, which takes some
// characters for commands, and others to turn around what stands before.
func harmless(text string) string {
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
