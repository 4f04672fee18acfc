package client

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-webpubsub/webpubsub/client/internal/frame"
)

// ticker calls a function from time to time. It needs no goroutine in between.
type ticker struct {
	mu      sync.Mutex
	timer   *time.Timer
	stopped bool
}

// every starts a ticker; with a time that is not positive there is none. The
// function must not wait for anything.
func every(d time.Duration, f func()) *ticker {
	if d <= 0 {
		return nil
	}
	t := new(ticker)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.timer = time.AfterFunc(d, func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if !t.stopped {
			f()
			t.timer.Reset(d)
		}
	})
	return t
}

// stop ends the ticker; the function is not called any more.
func (t *ticker) stop() {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stopped = true
	t.timer.Stop()
}

// maxQuiet is how many times in a row the watch may find nothing new.
const maxQuiet = 3

// keepAlive pings the service, and cuts a link over which nothing comes. While
// the client itself does not read it cannot tell.
func (ws *socket) keepAlive(o *Options, paused *atomic.Bool) {
	ws.ping = every(o.KeepAliveInterval, func() { ws.tell(&frame.Request{Kind: frame.Ping}) })
	heard, quiet := uint64(0), 0
	ws.watch = every(o.KeepAliveTimeout/maxQuiet, func() {
		frames := ws.frames.Load()
		switch {
		case paused.Load(), frames != heard:
			heard, quiet = frames, 0
		case quiet+1 < maxQuiet:
			quiet++
		default:
			o.Logger.Warn("service is silent, connection cut", "connection", ws.conn.id)
			ws.cut()
		}
	})
}
