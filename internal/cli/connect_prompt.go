package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/term"
)

// input are the lines that the user types or a script writes.
type input struct {
	lines <-chan string // closed at the end
	err   error         // why they have ended; to be read after that
	out   io.Writer     // for news; it does not disturb the line that is being typed
	// restore restores the terminal. It can be called several times.
	restore func()
}

// maxTyped is the longest line of a script, in bytes. A message in it has at most 1 MiB,
// and binary ones are in base64.
const maxTyped = 2 << 20

// ahead is how many lines wait while a command runs.
const ahead = 100

// readLines reads lines of a script until ctx ends.
func readLines(ctx context.Context, stdin io.Reader, stdout io.Writer) *input {
	lines := make(chan string, ahead)
	in := &input{lines: lines, out: stdout, restore: func() {}}
	go func() {
		defer close(lines)
		s := bufio.NewScanner(stdin)
		s.Buffer(nil, maxTyped)
		for s.Scan() {
			select {
			case lines <- s.Text():
			case <-ctx.Done():
				return
			}
		}
		if in.err = s.Err(); errors.Is(in.err, bufio.ErrTooLong) {
			in.err = fmt.Errorf("a line of standard input is longer than %d bytes", maxTyped)
		}
	}()
	return in
}

// A prompter reads lines from a terminal with a prompt, history and completion.
//
// It is golang.org/x/term's line editor, which prints above the line that is being typed.
// chzyer/readline has more keys, but has not been maintained for years, and is one
// dependency more.
type prompter struct {
	fd       int
	editor   *term.Terminal
	restore  func()
	restored atomic.Bool
	commands []typed
	seen     *seenGroups
}

// openPrompt makes a terminal one of a prompter. quit is called when the user presses
// Ctrl+C or Ctrl+D, or enters quit. The arrow keys recall the lines of past.
func openPrompt(ctx context.Context, fd int, stdin io.Reader, stdout io.Writer, commands []typed, seen *seenGroups, past *history, quit func()) (*input, error) {
	state, err := term.MakeRaw(fd) // Ctrl+C becomes a character
	if err != nil {
		return nil, err
	}
	p := &prompter{fd: fd, commands: commands, seen: seen}
	p.restore = sync.OnceFunc(func() {
		p.restored.Store(true)
		_, _ = io.WriteString(stdout, "\r\x1b[K") // instead of an empty prompt
		_ = term.Restore(fd, state)
	})
	p.editor = term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{stdin, stdout}, "> ")
	p.editor.AutoCompleteCallback = p.complete
	p.editor.History = past
	lines := make(chan string, ahead)
	go func() {
		defer quit()
		restoring(p.restore, func() { p.read(ctx, lines) })
	}()
	return &input{lines: lines, out: p, restore: p.restore}, nil
}

// restoring calls f. If f panics, it calls restore first, so that the report of the panic
// and the shell after it find a usable terminal.
func restoring(restore, f func()) {
	defer func() {
		if v := recover(); v != nil {
			restore()
			panic(v)
		}
	}()
	f()
}

// read reads lines until the user quits.
func (p *prompter) read(ctx context.Context, lines chan<- string) {
	for {
		p.fit()
		line, err := p.editor.ReadLine()
		if err != nil || strings.TrimSpace(line) == typedQuit {
			return
		}
		select {
		case lines <- line:
		case <-ctx.Done():
			return
		}
	}
}

// Write prints above the line that is being typed. It prints nothing when the terminal is
// the shell's again.
func (p *prompter) Write(b []byte) (int, error) {
	if p.restored.Load() {
		return len(b), nil
	}
	p.fit()
	return p.editor.Write(b)
}

// fit tells the editor the size of the terminal, which can change at any time.
func (p *prompter) fit() {
	if width, height, err := term.GetSize(p.fd); err == nil && width > 0 { // 0: unknown
		_ = p.editor.SetSize(width, height) // it fails if the terminal has no columns
	}
}

// complete is the editor's function for a key. It completes a word for a tab.
func (p *prompter) complete(line string, pos int, key rune) (completed string, newPos int, ok bool) {
	if key != '\t' {
		return "", 0, false
	}
	before, candidates := complete(line[:pos], p.commands, p.seen.all())
	if len(candidates) > 0 {
		for i, c := range candidates {
			candidates[i] = printable(c)
		}
		_, _ = io.WriteString(p, strings.Join(candidates, "  ")+"\n") // a terminal that has gone ends the input
	}
	return before + line[pos:], len(before), true
}
