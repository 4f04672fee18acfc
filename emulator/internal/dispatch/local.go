package dispatch

import (
	"context"
	"errors"
	"net/http"

	"github.com/go-webpubsub/webpubsub/internal/upstream"
)

// local is a transport that calls a handler in memory. The handler has a goroutine of its
// own, so that the request can end before the handler returns.
type local struct {
	handler http.Handler
	start   func(func()) bool // runs a function in a goroutine, or reports false
}

var (
	errStopped = errors.New("the emulator has stopped")
	errExited  = errors.New("handler ended its goroutine without an answer")
)

// RoundTrip calls the handler.
func (l local) RoundTrip(req *http.Request) (*http.Response, error) {
	done := make(chan struct{})
	var resp *http.Response
	err := errExited // by runtime.Goexit, as t.FailNow calls it
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
