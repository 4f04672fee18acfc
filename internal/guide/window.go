//go:build unix

package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// window is a terminal in which a command goes on.
type window struct {
	cmd   *exec.Cmd
	stdin io.WriteCloser // stays open, as at a terminal
	lines chan string
	seen  []string
	ended chan error
}

func open(cmd *exec.Cmd) (*window, error) {
	w := &window{cmd: cmd, lines: make(chan string, 10_000), ended: make(chan error, 1)}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // go run and go tool have children
	cmd.Cancel = w.kill
	out, in := io.Pipe()
	cmd.Stdout, cmd.Stderr = in, in
	var err error
	if w.stdin, err = cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		w.ended <- cmd.Wait()
		_ = in.Close()
	}()
	go func() {
		defer close(w.lines)
		for s := bufio.NewScanner(out); s.Scan(); {
			w.lines <- s.Text()
		}
	}()
	return w, nil
}

// expect waits for lines, in order. There may be others between them.
func (w *window) expect(ctx context.Context, want string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for line := range strings.Lines(want) {
		for found := false; !found; {
			select {
			case got, ok := <-w.lines:
				if !ok {
					return fmt.Errorf("the end comes before %q, after\n%s", line, strings.Join(w.seen, "\n"))
				}
				w.seen = append(w.seen, got)
				found = matches(line, got)
			case <-ctx.Done():
				return fmt.Errorf("%w before %q, after\n%s", ctx.Err(), line, strings.Join(w.seen, "\n"))
			}
		}
		_, _ = fmt.Fprintln(os.Stdout, w.seen[len(w.seen)-1])
	}
	return nil
}

func (w *window) kill() error { return syscall.Kill(-w.cmd.Process.Pid, syscall.SIGKILL) }

func (w *window) close() {
	_ = w.kill()
	<-w.ended //nolint:errcheck // it was killed
	for range w.lines {
	}
}
