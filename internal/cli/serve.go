package cli

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"syscall"
	"time"
)

// How long the emulator waits for events to be delivered, and serve for requests, when the
// program stops. The sum is less than the time after which Docker and others kill the process.
const (
	eventsGrace = 5 * time.Second
	callsGrace  = 2 * time.Second
)

// listen listens on an address. For localhost it listens on both IPv4 and IPv6, since
// some clients try only the address that their system returns first.
func listen(ctx context.Context, address string, logger *slog.Logger) ([]net.Listener, error) {
	var config net.ListenConfig
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	if host != "localhost" {
		l, err := config.Listen(ctx, "tcp", address)
		return []net.Listener{l}, err
	}
	four, err := config.Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", port))
	if err != nil {
		return nil, err
	}
	if _, port, err = net.SplitHostPort(four.Addr().String()); err != nil {
		return nil, err
	}
	six, err := config.Listen(ctx, "tcp", net.JoinHostPort("::1", port))
	if err != nil {
		if !errors.Is(err, syscall.EADDRNOTAVAIL) && !errors.Is(err, syscall.EAFNOSUPPORT) {
			logger.Warn("not listening", "reason", err) // the port is in use
		}
		return []net.Listener{four}, nil
	}
	return []net.Listener{four, six}, nil
}

func isLoopback(addr net.Addr) bool {
	tcp, ok := addr.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}

// isLoopbackName reports whether a host name is this machine's.
func isLoopbackName(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || ip != nil && ip.IsLoopback()
}

// serve serves until ctx ends. It then calls drain, if there is one, answers pending
// requests for a while, and aborts the others.
func serve(ctx context.Context, listeners []net.Listener, server *http.Server, drain func()) error {
	failed := make(chan error, len(listeners))
	for _, l := range listeners {
		go func() { failed <- server.Serve(l) }()
	}
	select {
	case err := <-failed:
		_ = server.Close()
		return err
	case <-ctx.Done():
	}
	if drain != nil {
		drain()
	}
	calls, cancel := context.WithTimeout(context.WithoutCancel(ctx), callsGrace)
	defer cancel()
	err := server.Shutdown(calls)
	if errors.Is(err, context.DeadlineExceeded) {
		err = server.Close()
	}
	for range listeners {
		if served := <-failed; err == nil && !errors.Is(served, http.ErrServerClosed) {
			err = served
		}
	}
	return err
}
