package client

import (
	"context"

	"github.com/go-webpubsub/webpubsub/emulator/internal/hub"
)

// begin counts something that runs until it calls running.Done.
func (e *Endpoint) begin() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.closed {
		e.running.Add(1)
	}
	return !e.closed
}

// start runs a function in a goroutine that Close waits for.
func (e *Endpoint) start(f func()) bool {
	if !e.begin() {
		return false
	}
	go func() {
		defer e.running.Done()
		f()
	}()
	return true
}

func (e *Endpoint) track(s *socket) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.closed {
		e.sockets[s] = struct{}{}
	}
	return !e.closed
}

func (e *Endpoint) untrack(s *socket) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.sockets, s)
}

// stopping is what clients are told by Close.
const stopping = "The server is stopping."

// stopped reports whether Close has begun.
func (e *Endpoint) stopped() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.closed
}

// Close ends all sockets and waits until nothing of them runs any more: a quarter
// of a second for a client that does not answer. What clients have asked for goes on
// until the context ends. It reports false if something was given up then.
func (e *Endpoint) Close(ctx context.Context) bool {
	e.mu.Lock()
	e.closed = true
	for s := range e.sockets {
		s.link.Abort(hub.CloseGoingAway, stopping)
	}
	e.mu.Unlock()
	cancelled := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		e.cancel()
		close(cancelled)
	})
	e.running.Wait()
	if !stop() {
		<-cancelled
		return false
	}
	e.cancel()
	return true
}
