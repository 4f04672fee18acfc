// Command replicas runs the chat of examples/chat as several processes that share Redis.
//
//	go run . demo
//	go run . prove
//	go run . replica -redis redis://127.0.0.1:6379 -addr :3000 -url https://chat.example.com
//
// demo starts three replicas behind nginx, with one emulator and one Redis, and prints the
// URL to open. prove starts the same, kills replicas while thousands of clients talk, and
// checks that everything happened once. replica is one process, for a real deployment. It
// is a module of its own since it needs a Redis client; redis-server and nginx must be
// installed for demo and prove.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/go-webpubsub/webpubsub/examples/chat/replicas/prove"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := Run(ctx, os.Args[1:], os.Getenv, os.Stdout)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "replicas:", err)
		os.Exit(1)
	}
}

// Run runs a command until it is done or the context ends.
func Run(ctx context.Context, args []string, getenv func(string) string, stdout io.Writer) error {
	if len(args) == 0 {
		args = []string{""}
	}
	switch args[0] {
	case "demo":
		return demo(ctx, args[1:], stdout)
	case "prove":
		return prove.Run(ctx, args[1:], stdout)
	case "replica":
		return runReplica(ctx, args[1:], getenv, stdout)
	}
	return fmt.Errorf("command %q: want demo, prove or replica", args[0])
}
