package transport

import (
	"context"
	"sync"

	"github.com/go-webpubsub/webpubsub/emulator/internal/trace"
)

// keepAlive pings the client at intervals, and cuts the socket if it does not answer.
// stop stops it and waits for a pending ping.
func (s *socket) keepAlive() (stop func()) {
	if s.e.KeepAlive <= 0 || s.client == nil {
		return func() {}
	}
	var mu sync.Mutex
	var stopTimer func() bool
	var pings sync.WaitGroup
	stopped := false
	var schedule func()
	schedule = func() {
		mu.Lock()
		defer mu.Unlock()
		if stopped {
			return
		}
		stopTimer = s.e.Hubs.Clock.AfterFunc(s.e.KeepAlive, func() {
			mu.Lock()
			if stopped {
				mu.Unlock()
				return
			}
			pings.Add(1)
			mu.Unlock()
			defer pings.Done()
			if s.ping() {
				schedule()
			}
		})
	}
	schedule()
	return func() {
		mu.Lock()
		stopped = true
		stopTimer()
		mu.Unlock()
		pings.Wait()
	}
}

// ping reports whether the client is alive. The pong of a client that is not read, because
// its queue of requests is full, cannot be received.
func (s *socket) ping() bool {
	if s.full.Load() {
		return true
	}
	frames := s.frames.Load()
	ctx, cancel := context.WithTimeout(context.Background(), s.e.KeepAlive)
	defer cancel()
	if s.ws.Ping(ctx) == nil || s.frames.Load() != frames || s.full.Load() {
		return true
	}
	emit(s, trace.ClientRecord{Kind: trace.KindPingUnanswered, Client: s.client.Identity()})
	s.cut()
	return false
}
