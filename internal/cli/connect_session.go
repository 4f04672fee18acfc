package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"syscall"

	"github.com/coder/websocket"

	"github.com/go-webpubsub/webpubsub/client"
)

// session is a connection that is kept up, and shows what arrives.
type session interface {
	// commands returns what the user can type.
	commands() []typed
	// start makes the first connection.
	start(ctx context.Context) error
	// ended returns a channel that receives the reason if the session ends by itself.
	ended() <-chan error
	// stop closes the connection.
	stop(ctx context.Context)
}

// host is what a session needs: a place for its news, and for its goroutines.
type host interface {
	view
	// guarded calls f. If f panics, the terminal is restored before the panic goes on.
	guarded(f func())
}

// protocol is a protocol that a client speaks.
type protocol struct {
	name string
	open func(credential client.Credential, h host, seen *seenGroups) (session, error)
}

// protocols returns the values of the flag --protocol. The first is the default.
func protocols() []protocol {
	over := func(subprotocol client.Protocol) func(client.Credential, host, *seenGroups) (session, error) {
		return func(credential client.Credential, h host, seen *seenGroups) (session, error) {
			return openClient(subprotocol, credential, h, seen)
		}
	}
	return []protocol{
		{"json.reliable", over(client.ProtocolJSONReliable)},
		{"json", over(client.ProtocolJSON)},
		{"protobuf.reliable", over(client.ProtocolProtobufReliable)},
		{"protobuf", over(client.ProtocolProtobuf)},
		{"raw", func(credential client.Credential, h host, _ *seenGroups) (session, error) {
			return openRaw(credential, h), nil
		}},
	}
}

// isRefusal reports whether a status refuses a client for good.
func isRefusal(status int) bool {
	return status >= 400 && status < 500 && status != http.StatusRequestTimeout && status != http.StatusTooManyRequests
}

// lossReason returns why a WebSocket has ended.
func lossReason(err error) string {
	var closed websocket.CloseError
	switch {
	case errors.As(err, &closed) && closed.Reason != "":
		return closed.Reason
	case errors.As(err, &closed):
		return fmt.Sprintf("closed by the service with %d", closed.Code)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed), errors.Is(err, syscall.ECONNRESET):
		return "the network connection has broken"
	}
	return err.Error()
}
