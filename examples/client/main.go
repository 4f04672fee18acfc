// Command client joins a room of examples/chat from the terminal.
//
//	go run ./examples/chat                # in one terminal
//	go run ./examples/client -name Ann    # in another, and as Ben in a third
//
// talk.go has what a client of the service does; login.go is its credential, and
// terminal.go makes a prompt of the terminal.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/go-webpubsub/webpubsub/client"
)

const usage = `Joins a room of examples/chat. What is typed is said there, except for

  /join <room>   goes to another room
  /leave         goes back to the lobby
  /nick <name>   changes the nickname
  /quit          ends, and so do Ctrl+C and Ctrl+D

`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := Run(ctx, os.Args[1:], os.Stdin, os.Stdout)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, harmless(err.Error()))
		os.Exit(1)
	}
}

// Run takes part in the chat until there is no more to say, the context ends, or
// the chat is gone, which is an error.
func Run(ctx context.Context, args []string, stdin io.Reader, stdout io.Writer) error {
	// A person does not wait as long as a program may.
	return run(ctx, args, stdin, stdout, client.Options{
		RecoveryTimeout: 10 * time.Second,
		Reconnect:       client.Backoff{Max: 5 * time.Second, MaxRetries: 5},
	})
}

func run(ctx context.Context, args []string, stdin io.Reader, stdout io.Writer, opts client.Options) error {
	flags := flag.NewFlagSet("client", flag.ContinueOnError)
	flags.SetOutput(stdout)
	chat := flags.String("url", "http://127.0.0.1:3000", "`URL` of the chat")
	name := flags.String("name", cmp.Or(os.Getenv("USER"), "guest"), "`nickname`")
	room := flags.String("room", lobby, "`room` to begin in")
	flags.Usage = func() { fmt.Fprint(stdout, usage); flags.PrintDefaults() }
	if err := flags.Parse(args); err != nil {
		return err
	}
	d, err := newDoor(*chat, *name)
	if err != nil {
		return err
	}
	ctx, quit := context.WithCancel(ctx)
	defer quit()
	typed, out, restore, err := converse(ctx, quit, stdin, stdout)
	if err != nil {
		return err
	}
	defer restore()

	t, err := newTalk(d, *room, out, opts)
	if err != nil {
		return err
	}
	if err := t.client.Start(ctx); err != nil {
		if ctx.Err() != nil {
			return nil // it was not waited for
		}
		return err
	}
	defer func() {
		limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		_ = t.client.Stop(limit)
	}()
	for {
		lines := typed
		if !t.present.Load() {
			lines = nil // what is typed waits
		}
		select {
		case line, ok := <-lines:
			if !ok {
				return nil
			}
			t.do(ctx, line)
		case <-t.changed:
		case err := <-t.gone:
			return fmt.Errorf("the chat is gone: %w", err)
		case <-ctx.Done():
			return nil
		}
	}
}
