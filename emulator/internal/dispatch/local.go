package dispatch

import (
	"context"
	"errors"
	"net/http"

	"github.com/go-webpubsub/webpubsub/internal/upstream"
)

// local calls a handler in memory, in a goroutine of its own: like a handler over
// the network it is waited for as long as the request lasts. What it does after
// that holds nobody up.
type local struct {
	handler http.Handler
	// start runs a function in a goroutine. It reports false if it cannot.
	start func(func()) bool
}

var (
	errStopped = errors.New("the emulator has stopped")
	errExited  = errors.New("handler ended its goroutine without an answer")
)

// RoundTrip calls the handler.
func (l local) RoundTrip(req *http.Request) (*http.Response, error) {
	done := make(chan struct{})
	var resp *http.Response
	err := errExited // by runtime.Goexit, as a test does that fails inside the handler
	started := l.start(func() {
		defer close(done)
		resp, err = upstream.Memory{Handler: l.handler}.RoundTrip(req) //nolint:bodyclose // its body is a buffer
	})
	if !started {
		return nil, errStopped
	}
	select {
	case <-done:
		return resp, err
	case <-req.Context().Done():
		return nil, context.Cause(req.Context())
	}
}
