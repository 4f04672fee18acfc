// Command agent answers questions in a room of examples/chat. It streams each answer
// while a model makes it, and anybody in the room can stop it:
//
//	@Robot why is the sky blue?
//	@Robot stop
//
// The model is a fake in this process. A real one takes its place in main: a [Model] is
// a function that returns the tokens of an answer.
//
// The chat lets nobody send to rooms. The agent is a part of the server, not a guest:
// with the connection string it permits its own connection to send to its room. So it
// needs the service of WEBPUBSUB_CONNECTION_STRING, and the chat the same one:
//
//	go run ./cmd/webpubsub emulator --hub chat --upstream 'http://localhost:3000/eventhandler/{hub}/{event}'
//	go run ./examples/chat -url http://localhost:3000
//	go run ./examples/agent -url http://localhost:3000
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/go-webpubsub/webpubsub/service"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := Run(ctx, os.Args[1:], os.Getenv, os.Stdout, Parrot(100*time.Millisecond)) // a real model goes here
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "agent:", err)
		os.Exit(1)
	}
}

// Run answers questions with the model until the context ends. It returns an error if
// the chat is unavailable.
func Run(ctx context.Context, args []string, getenv func(string) string, stdout io.Writer, model Model) error {
	flags := flag.NewFlagSet("agent", flag.ContinueOnError)
	flags.SetOutput(stdout)
	chat := flags.String("url", "http://127.0.0.1:3000", "`URL` of the chat")
	name := flags.String("name", "Robot", "`nickname`")
	room := flags.String("room", "lobby", "`room` to answer in")
	if err := flags.Parse(args); err != nil {
		return err
	}
	hub, err := service.NewClientFromConnectionString(getenv("WEBPUBSUB_CONNECTION_STRING"), "chat", nil)
	if err != nil {
		return fmt.Errorf("WEBPUBSUB_CONNECTION_STRING: %w", err)
	}
	d, err := newLogin(*chat, *name)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	a, err := newAgent(ctx, d, hub, *room, model, log.New(stdout, "", log.Ltime))
	if err != nil {
		cancel()
		return err
	}
	defer a.close(ctx)
	defer cancel() // ends the answer in progress
	if err := a.client.Start(ctx); err != nil {
		return err
	}
	select {
	case err = <-a.failed:
		return err
	case <-ctx.Done():
		return nil
	}
}
