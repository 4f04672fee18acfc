// Command client joins a room of examples/chat from the terminal.
//
//	go run ./examples/chat                # in one terminal
//	go run ./examples/client -name Ann    # in another, and as Ben in a third
//
// talk.go is the client of the service, login.go its credential, and terminal.go
// the prompt.
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

const usage = `Joins a room of examples/chat. Each line is sent as a message, except for

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
		fmt.Fprintln(os.Stderr, sanitize(err.Error()))
		os.Exit(1)
	}
}

// Run takes part in the chat until the input or the context ends. It returns an
// error if the chat is unavailable.
func Run(ctx context.Context, args []string, stdin io.Reader, stdout io.Writer) error {
	// A person waits for less time than a program.
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
	d, err := newLogin(*chat, *name)
	if err != nil {
		return err
	}
	ctx, quit := context.WithCancel(ctx)
	defer quit()
	typed, out, restore, err := openTerminal(ctx, quit, stdin, stdout)
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
			return nil // canceled
		}
		return err
	}
	defer func() {
		limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		_ = t.client.Stop(limit)
	}()
	for {
		select {
		case line, ok := <-typed:
			if !ok {
				return nil
			}
			t.do(ctx, line) // waits for the connection, and until it is in a room
		case err := <-t.stopped:
			return fmt.Errorf("chat unavailable: %w", err)
		case <-ctx.Done():
			return nil
		}
	}
}
