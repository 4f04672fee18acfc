package client

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-webpubsub/webpubsub/client/internal/frame"
)

// ticker calls a function periodically. It has no goroutine between two calls.
type ticker struct {
	mu      sync.Mutex
	timer   *time.Timer
	stopped bool
}

// every starts a ticker. It returns nil if d is not positive. f must not block.
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

// stop stops the ticker. The function is not called after stop has returned.
func (t *ticker) stop() {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stopped = true
	t.timer.Stop()
}

// maxQuiet is the number of checks without a frame after which the socket is cut.
const maxQuiet = 3

// keepAlive pings the service, and cuts a socket that receives nothing. Time during
// which the client itself does not read (paused) does not count.
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
			o.Logger.Warn("service is silent, WebSocket dropped", "connection_id", ws.conn.id)
			ws.cut()
		}
	})
}
