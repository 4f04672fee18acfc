// Command service is a tour of package service. It prints each call, and what
// connected clients receive of it.
//
//	go run ./examples/service
//
// It runs against an emulator in its own process, or against Azure if
// WEBPUBSUB_CONNECTION_STRING is set. There it sends to and closes connections of the
// hub "tour" only. With WEBPUBSUB_ENTRA=true it also authenticates by Entra ID.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/go-webpubsub/webpubsub/emulator"
)

const hub = "tour"

// patience is the time limit of the tour.
const patience = time.Minute

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := Run(ctx, os.Getenv, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "service:", err)
		os.Exit(1)
	}
}

// Run runs the tour. It leaves no goroutine running.
func Run(ctx context.Context, getenv func(string) string, stdout io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	connectionString := getenv("WEBPUBSUB_CONNECTION_STRING")
	var entra azcore.TokenCredential
	switch {
	case connectionString == "":
		address, stop, err := startEmulator(ctx)
		if err != nil {
			return err
		}
		defer stop()
		connectionString = emulator.ConnectionString("http://"+address, emulator.DefaultAccessKey)
		entra = standIn{}
	case getenv("WEBPUBSUB_ENTRA") == "true":
		// The identity of the environment, a workload identity, a managed identity or
		// az login.
		var err error
		if entra, err = azidentity.NewDefaultAzureCredential(nil); err != nil {
			return err
		}
	}
	client, err := authenticate(ctx, stdout, connectionString, entra)
	if err != nil {
		return err
	}
	t := &tour{out: stdout, client: client}
	defer t.hangUp(ctx)
	return t.run(ctx)
}

// startEmulator serves an emulator on a free loopback port. With TrustTokens it does
// not verify Entra tokens, so it must not be reachable from other machines.
func startEmulator(ctx context.Context) (address string, stop func(), err error) {
	var listen net.ListenConfig
	ln, err := listen.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	emu, err := emulator.New(emulator.Config{TrustTokens: true})
	if err != nil {
		return "", nil, errors.Join(err, ln.Close())
	}
	srv := &http.Server{Handler: emu, ReadHeaderTimeout: 10 * time.Second}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(ln) }()
	return ln.Addr().String(), func() {
		_ = emu.Shutdown(ctx) // no event handlers to wait for
		_ = srv.Close()       // all clients are closed
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			fmt.Fprintln(os.Stderr, "service: emulator:", err)
		}
	}, nil
}
