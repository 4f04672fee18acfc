// Command forward sends the events of a hub to a CloudEvents sink: a Knative broker, an
// Event Grid topic, or another HTTP endpoint that receives CloudEvents. It answers an
// event after the sink has accepted it. Connect events are not sent.
//
//	go run ./examples/forward -sink http://localhost:8080/
//
// It reads the connection string from WEBPUBSUB_CONNECTION_STRING, and the URL of the
// sink from SINK_URL unless there is the flag.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/forward"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := Run(ctx, os.Args[1:], os.Getenv, os.Stdout)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "forward:", err)
		os.Exit(1)
	}
}

// Run serves until the context ends and all events are answered.
func Run(ctx context.Context, args []string, getenv func(string) string, stdout io.Writer) error {
	flags := flag.NewFlagSet("forward", flag.ContinueOnError)
	addr := flags.String("addr", "127.0.0.1:3000", "address to listen on")
	hub := flags.String("hub", "", "hub whose events are forwarded; empty for all hubs")
	target := flags.String("sink", "", "URL of the sink (environment: SINK_URL)")
	if err := flags.Parse(args); err != nil {
		return err
	}
	sink, err := NewSink(cmp.Or(*target, getenv("SINK_URL")))
	if err != nil {
		return err
	}
	toSink, err := forward.To(sink.Send, nil)
	if err != nil {
		return err
	}
	h, err := webpubsub.NewHandler(webpubsub.Config{
		Hub:               *hub,
		ConnectionStrings: []string{getenv("WEBPUBSUB_CONNECTION_STRING")},
		Interceptors:      []webpubsub.Interceptor{toSink}, // no functions: events are sent only
	})
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("/eventhandler", h)
	ln, err := net.Listen("tcp", *addr)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(stdout, "event handler: http://%s/eventhandler\n", ln.Addr()); err != nil {
		return err
	}
	return serve(ctx, ln, mux)
}

func serve(ctx context.Context, ln net.Listener, h http.Handler) error {
	srv := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      2 * time.Minute, // the service waits 100 s for an answer
		IdleTimeout:       2 * time.Minute,
	}
	stopped := make(chan error, 1)
	defer context.AfterFunc(ctx, func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 15*time.Second)
		defer cancel()
		stopped <- srv.Shutdown(ctx)
	})()
	if err := srv.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-stopped
}
