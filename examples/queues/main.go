// Command queues sends the events of a hub to NATS JetStream or Kafka, and answers each
// after the queue has stored it.
//
//	go run . -nats nats://127.0.0.1:4222
//	go run . -kafka 127.0.0.1:9092
//
// It reads the connection string from WEBPUBSUB_CONNECTION_STRING. It is a module of its
// own, since the clients of queues are no dependencies of the library.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/forward"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := Run(ctx, os.Args[1:], os.Getenv, os.Stdout)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "queues:", err)
		os.Exit(1)
	}
}

// Run serves until the context ends and all events are answered.
func Run(ctx context.Context, args []string, getenv func(string) string, stdout io.Writer) error {
	flags := flag.NewFlagSet("queues", flag.ContinueOnError)
	flags.SetOutput(stdout)
	addr := flags.String("addr", "127.0.0.1:3000", "`address` to listen on")
	natsURL := flags.String("nats", "", "`URL` of a NATS server with JetStream")
	brokers := flags.String("kafka", "", "`addresses` of Kafka brokers, separated by commas")
	queue := flags.String("queue", "webpubsub", "`name` of the stream or topic")
	if err := flags.Parse(args); err != nil {
		return err
	}
	sender, closeSender, err := open(ctx, *natsURL, *brokers, *queue)
	if err != nil {
		return err
	}
	defer closeSender() // after the last event is answered
	toQueue, err := forward.To(sender, nil)
	if err != nil {
		return err
	}
	h, err := webpubsub.NewHandler(webpubsub.Config{
		ConnectionStrings: []string{getenv("WEBPUBSUB_CONNECTION_STRING")},
		Interceptors:      []webpubsub.Interceptor{toQueue},
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

// open returns the sender that the flags choose, and a function that closes it.
func open(ctx context.Context, natsURL, brokers, queue string) (sender forward.Sender, closeSender func(), err error) {
	switch {
	case (natsURL == "") == (brokers == ""):
		return nil, nil, errors.New("want one of -nats and -kafka")
	case brokers != "":
		k, err := NewKafka(strings.Split(brokers, ","), queue, nil)
		if err != nil {
			return nil, nil, err
		}
		return k.Send, k.Close, nil
	}
	nc, err := nats.Connect(natsURL)
	if err != nil {
		return nil, nil, fmt.Errorf("NATS: %w", err)
	}
	js, err := NewJetStream(ctx, nc, queue)
	if err != nil {
		nc.Close()
		return nil, nil, err
	}
	return js.Send, nc.Close, nil
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
