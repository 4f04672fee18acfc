// Command server serves the application of package bench at
// http://127.0.0.1:$PORT/eventhandler, for the hub $HUB and the access key
// $ACCESS_KEY, until a signal.
package main

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/internal/bench"
)

var errEnvironment = errors.New("PORT and ACCESS_KEY are required")

func main() {
	if err := serve(os.Getenv); err != nil {
		fmt.Fprintln(os.Stderr, "server:", err)
		os.Exit(1)
	}
}

func serve(getenv func(string) string) error {
	server, err := newServer(getenv)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", server.Addr)
	if err != nil {
		return err
	}
	return server.Serve(l)
}

// newServer sets no timeouts, unlike a server on a network: each costs two to three per
// cent of the processor time of a request, in net/http, and the servers that it is
// compared with have none.
func newServer(getenv func(string) string) (*http.Server, error) {
	port, key := getenv("PORT"), getenv("ACCESS_KEY")
	if port == "" || key == "" {
		return nil, errEnvironment
	}
	h, err := webpubsub.NewHandler(bench.Config(cmp.Or(getenv("HUB"), "chat"), key))
	if err != nil {
		return nil, err
	}
	return &http.Server{Addr: net.JoinHostPort("127.0.0.1", port), Handler: route(h)}, nil
}

// route replaces a router, as in the servers that it is compared with.
func route(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/eventhandler" {
			http.NotFound(w, r)
			return
		}
		h.ServeHTTP(w, r)
	})
}
