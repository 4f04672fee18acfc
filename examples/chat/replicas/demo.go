package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"sync"

	"github.com/go-webpubsub/webpubsub/examples/chat/replicas/stack"
)

// demo runs the stack until the context ends, and prints the events.
func demo(ctx context.Context, args []string, stdout io.Writer) error {
	flags := flag.NewFlagSet("demo", flag.ContinueOnError)
	flags.SetOutput(stdout)
	replicas := flags.Int("replicas", 3, "`number` of replicas")
	if err := flags.Parse(args); err != nil {
		return err
	}
	events := &gate{out: stdout}
	s, err := stack.Start(ctx, stack.Config{Replicas: *replicas, Output: events})
	if err != nil {
		return err
	}
	events.open(fmt.Sprintf("Chat at %s on %d replicas (each tab is somebody else; Ctrl+C stops all)\n", s.URL, *replicas))
	<-ctx.Done()
	return s.Close(ctx)
}

// gate discards what the replicas print while they start: how to configure Azure, and URLs
// that are those of nginx.
type gate struct {
	mu     sync.Mutex
	out    io.Writer
	opened bool
}

func (g *gate) open(first string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.opened = true
	_, _ = io.WriteString(g.out, first)
}

func (g *gate) Write(b []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.opened {
		return g.out.Write(b)
	}
	return len(b), nil
}
