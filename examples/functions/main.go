package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/go-webpubsub/webpubsub"
)

// path is that of the function: "/api/" and the folder of its function.json. The host
// forwards requests with the path that they came with.
const path = "/api/eventhandler"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Getenv, func(addr net.Addr) { log.Println("listening on", addr) })
	stop()
	if err != nil {
		log.Fatal(err)
	}
}

// run serves until the context ends. It calls ready with the address at which it listens.
func run(ctx context.Context, getenv func(string) string, ready func(net.Addr)) error {
	h, err := webpubsub.NewHandler(webpubsub.Config{
		ConnectionStrings: []string{getenv("WEBPUBSUB_CONNECTION_STRING")},
		OnConnect:         connect,
		UserEvents:        map[string]webpubsub.UserEventFunc{"message": webpubsub.Text(echo)},
	})
	if err != nil {
		return fmt.Errorf("WEBPUBSUB_CONNECTION_STRING: %w", err)
	}
	port := cmp.Or(getenv("FUNCTIONS_CUSTOMHANDLER_PORT"), "8080")
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", port)) // only the host calls
	if err != nil {
		return fmt.Errorf("FUNCTIONS_CUSTOMHANDLER_PORT: %w", err)
	}
	ready(listener.Addr())

	mux := http.NewServeMux()
	mux.Handle(path, h)
	server := http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	err = server.Shutdown(ending)
	if served := <-served; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

// connect accepts every client. It is the place to refuse some.
func connect(context.Context, *webpubsub.ConnectEvent) (*webpubsub.ConnectReply, error) {
	return nil, nil //nolint:nilnil // a nil reply keeps the groups and roles of the client's token
}

func echo(_ context.Context, _ *webpubsub.UserEvent, text string) (string, error) { return text, nil }
