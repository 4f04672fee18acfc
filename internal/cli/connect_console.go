package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// maxAside is how many commands run beside the others.
	maxAside = 16
	// stopGrace is how long the service has to answer the close frame.
	stopGrace = 5 * time.Second
)

// console runs the commands that are typed, one after the other.
type console struct {
	session session
	view    view
	input   *input
	help    io.Writer // nil if the output is for programs
	aside   sync.WaitGroup
	slots   chan struct{} // of commands aside
	failed  atomic.Bool   // a command has failed
}

// show prints news.
func (c *console) show(n news) {
	if n.Type == newsFailed {
		c.failed.Store(true)
	}
	c.view.show(n)
}

func (c *console) guarded(f func()) { restoring(c.input.restore, f) }

// serve connects, and runs commands until the input, ctx or the session ends. It returns
// the error of the session. At the end of a script it finishes all commands.
func (c *console) serve(ctx context.Context) error {
	if err := c.session.start(ctx); err != nil {
		return err
	}
	defer c.stop(ctx)
	ctx, cancel := context.WithCancel(ctx)
	defer c.aside.Wait()
	defer cancel()
	c.slots = make(chan struct{}, maxAside)
	for {
		select {
		case text, ok := <-c.input.lines:
			if !ok {
				return cmp.Or(c.finish(ctx), c.input.err, c.answer())
			}
			if strings.TrimSpace(text) == typedQuit {
				return c.answer()
			}
			c.do(ctx, text)
		case err := <-c.session.ended():
			return err
		case <-ctx.Done():
			return nil
		}
	}
}

// answer returns the result of a script: ErrNo if a command has failed.
func (c *console) answer() error {
	if c.failed.Load() {
		return ErrNo
	}
	return nil
}

// finish waits for commands aside.
func (c *console) finish(ctx context.Context) error {
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.aside.Wait()
	}()
	select {
	case <-done:
		return nil
	case err := <-c.session.ended():
		return err
	case <-ctx.Done():
		return nil
	}
}

// do runs the command of a line, and shows its result.
func (c *console) do(ctx context.Context, text string) {
	text = strings.TrimSpace(text)
	switch name, _ := cutWord(text); {
	case name == "":
		return
	case name == typedHelp && c.help != nil:
		fmt.Fprint(c.help, c.commands())
		return
	}
	in, err := parseLine(text, c.session.commands())
	switch {
	case err != nil:
		failed := news{Type: newsFailed, Reason: err.Error()}
		if in != nil {
			failed.Command = in.command.name
		}
		c.show(failed)
	case in.command.aside:
		select {
		case c.slots <- struct{}{}:
		case <-ctx.Done():
			return
		}
		c.aside.Go(func() {
			defer func() { <-c.slots }()
			c.guarded(func() { c.run(ctx, in) })
		})
	default:
		c.run(ctx, in)
	}
}

func (c *console) run(ctx context.Context, in *line) {
	n, err := in.command.run(ctx, in)
	n.Command = in.command.name
	switch {
	case ctx.Err() != nil:
		return // the user has quit
	case err != nil:
		n.Type, n.Reason = newsFailed, reasonFor(err)
	case n.Type == "":
		n.Type = newsDone
	}
	c.show(n)
}

// commands returns the text of the command help.
func (c *console) commands() string {
	var b strings.Builder
	const column = 31 // so that a line has at most 80 characters
	add := func(synopsis, help string) {
		if len(synopsis) > column {
			b.WriteString(synopsis + "\n")
			synopsis = ""
		}
		fmt.Fprintf(&b, "%-*s %s\n", column, synopsis, help)
	}
	for _, cmd := range c.session.commands() {
		add(cmd.synopsis, cmd.help)
	}
	add(typedHelp, "print the commands")
	add(typedQuit, "close the connection; Ctrl+C and Ctrl+D do, too")
	return b.String()
}

// stop closes the connection.
func (c *console) stop(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopGrace)
	defer cancel()
	c.session.stop(ctx)
}
