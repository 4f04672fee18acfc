//go:build linux

// Command peers compares the Go clients with Microsoft's JavaScript packages and with
// clients by hand: the processor time and the memory that each needs for the same work.
//
// Each client is a process of its own. All use one emulator, take turns, and check every
// answer. `make bench-npm` runs it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"
)

func main() {
	if err := run(os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(1)
	}
}

func run(args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("peers", flag.ContinueOnError)
	flags.SetOutput(stderr)
	harness := flags.String("harness", "", "program that runs the emulator")
	script := flags.String("script", "", "JavaScript program of the packages of npm")
	turns := flags.Int("turns", 20, "turns of each peer at each job")
	idle := flags.Duration("idle", 20*time.Second, "time for which idle clients are watched")
	peer := flags.String("peer", "", "used by the program itself: be this peer")
	address := flags.String("url", "", "of the peer's client")
	connection := flags.String("connection-string", "", "of the peer's service client")
	if err := flags.Parse(args); err != nil {
		return err
	}
	ctx := context.Background()
	if *peer != "" {
		return serve(ctx, *peer, *address, *connection, os.Stdin, stdout)
	}
	if *harness == "" || *script == "" || *turns < 1 {
		return errors.New("-harness and -script are required, and -turns is at least 1; make bench-npm sets them")
	}
	c, err := newComparison(ctx, *harness, *script, *turns)
	if err != nil {
		return err
	}
	defer c.close()
	for _, table := range []func(context.Context, io.Writer) error{
		c.clients,
		func(ctx context.Context, w io.Writer) error { return c.idle(ctx, w, *idle) },
		c.services,
	} {
		if err := table(ctx, stdout); err != nil {
			return err
		}
	}
	return nil
}
