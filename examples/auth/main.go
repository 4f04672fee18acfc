// Command auth authenticates clients in four ways: by claims of an access token and
// by tickets in the query (auth.go, tickets.go), by client certificates
// (certificate.go), and by user name and password of MQTT (mqtt.go).
//
//	go run ./examples/auth -passwords passwords.json -ca ca.pem
//
// It reads the connection string from WEBPUBSUB_CONNECTION_STRING and the key of
// the tickets, 32 bytes in hexadecimal, from TICKET_KEY. Without that key, tickets
// are valid only in the process that made them.
//
// The service itself is verified by the connection string's key and, if ENTRA_TENANT_ID
// is set, by the Entra tokens of its managed identity (entra.go): ENTRA_AUDIENCES and
// ENTRA_CALLER_OBJECT_IDS are lists separated by spaces. For tokens alone, leave the
// connection string out and set WEBPUBSUB_HOSTS to the host of the service.
package main

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"encoding/hex"
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
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := Run(ctx, os.Args[1:], os.Getenv, os.Stdout)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "auth:", err)
		os.Exit(1)
	}
}

// Run serves until the context ends and all requests are answered.
func Run(ctx context.Context, args []string, getenv func(string) string, stdout io.Writer) error {
	flags := flag.NewFlagSet("auth", flag.ContinueOnError)
	addr := flags.String("addr", "127.0.0.1:3000", "address to listen on")
	authorities := flags.String("ca", "", "PEM file of the authorities of client certificates")
	passwords := flags.String("passwords", "", "JSON file of names and SHA-256 digests of their passwords")
	if err := flags.Parse(args); err != nil {
		return err
	}
	door, err := newDoor(*authorities, *passwords, getenv("TICKET_KEY"))
	if err != nil {
		return err
	}
	cfg, err := verification(getenv)
	if err != nil {
		return err
	}
	cfg.Hub = "chat"
	cfg.OnConnect = door.OnConnect
	h, err := webpubsub.NewHandler(cfg)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("/eventhandler", h)
	mux.HandleFunc("POST /ticket", door.serveTicket)
	ln, err := net.Listen("tcp", *addr)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(stdout, "event handler: http://%s/eventhandler\n", ln.Addr()); err != nil {
		return err
	}
	return serve(ctx, ln, mux)
}

func newDoor(authorities, passwords, ticketKey string) (*Door, error) {
	door := new(Door)
	if authorities != "" {
		data, err := os.ReadFile(authorities) //nolint:gosec // the file is named by the user of the program
		if err != nil {
			return nil, err
		}
		door.Authorities = x509.NewCertPool()
		if !door.Authorities.AppendCertsFromPEM(data) {
			return nil, fmt.Errorf("%s has no certificate in PEM form", authorities)
		}
	}
	if passwords != "" {
		data, err := os.ReadFile(passwords) //nolint:gosec // the file is named by the user of the program
		if err != nil {
			return nil, err
		}
		if door.Passwords, err = ParsePasswords(data); err != nil {
			return nil, err
		}
	}
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	if ticketKey != "" {
		var err error
		if key, err = hex.DecodeString(ticketKey); err != nil {
			return nil, errors.New("TICKET_KEY is not hexadecimal")
		}
	}
	var err error
	door.Tickets, err = NewTickets(key)
	return door, err
}

// serveTicket signs a user in and answers with a ticket. Replace it by your own login.
func (d *Door) serveTicket(w http.ResponseWriter, r *http.Request) {
	user, password, ok := r.BasicAuth()
	if !ok || !d.Passwords.Check(user, []byte(password)) {
		w.Header().Set("WWW-Authenticate", `Basic realm="chat", charset="UTF-8"`)
		http.Error(w, "user name and password do not match", http.StatusUnauthorized)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = fmt.Fprintln(w, d.Tickets.Issue(user, time.Now())) //nolint:gosec // a ticket has no special character of HTML
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
