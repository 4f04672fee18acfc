// Command chat is a chat for the browser, on Azure Web PubSub or without it.
//
//	go run ./examples/chat
//
// It serves a page and the event handler of the hub "chat". It uses the service of
// WEBPUBSUB_CONNECTION_STRING, or without it an emulator in this process. Nothing
// else differs. docs/walk.md follows one message. Module examples/chat/replicas runs
// several of it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/go-webpubsub/webpubsub/examples/chat/app"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := app.Run(ctx, os.Args[1:], os.Getenv, os.Stdout, app.Replica{})
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "chat:", err)
		os.Exit(1)
	}
}
