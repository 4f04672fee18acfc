package transport

import (
	"context"
	"sync"

	"github.com/go-webpubsub/webpubsub/emulator/internal/hub"
	"github.com/go-webpubsub/webpubsub/emulator/internal/trace"
)

// keepAlive pings the client from time to time, and cuts a socket that does not
// answer. It returns the function that stops it and waits for it.
func (s *socket) keepAlive(c *hub.Connection) (stop func()) {
	if s.e.KeepAlive <= 0 || c == nil {
		return func() {}
	}
	var mu sync.Mutex
	var timer hub.Timer
	var pings sync.WaitGroup
	stopped := false
	var schedule func()
	schedule = func() {
		mu.Lock()
		defer mu.Unlock()
		if stopped {
			return
		}
		timer = s.e.Hubs.Clock.AfterFunc(s.e.KeepAlive, func() {
			mu.Lock()
			if stopped {
				mu.Unlock()
				return
			}
			pings.Add(1)
			mu.Unlock()
			defer pings.Done()
			if s.ping(c) {
				schedule()
			}
		})
	}
	schedule()
	return func() {
		mu.Lock()
		stopped = true
		timer.Stop()
		mu.Unlock()
		pings.Wait()
	}
}

// ping reports whether the client is alive. A client that is not read, because its
// requests wait for the event handler, cannot be heard to answer.
func (s *socket) ping(c *hub.Connection) bool {
	if s.full.Load() {
		return true
	}
	heard := s.heard.Load()
	ctx, cancel := context.WithTimeout(context.Background(), s.e.KeepAlive)
	defer cancel()
	if s.conn.Ping(ctx) == nil || s.heard.Load() != heard || s.full.Load() {
		return true
	}
	trace.Emit(ctx, s.e.Hubs.Trace, trace.PingUnanswered{Client: c.Identity()})
	s.cut()
	return false
}
