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
func (l *link) keepAlive(o *Options, paused *atomic.Bool) {
	l.ping = every(o.KeepAliveInterval, func() { l.tell(&frame.Request{Kind: frame.Ping}) })
	heard, quiet := uint64(0), 0
	l.watch = every(o.KeepAliveTimeout/maxQuiet, func() {
		frames := l.frames.Load()
		switch {
		case paused.Load(), frames != heard:
			heard, quiet = frames, 0
		case quiet+1 < maxQuiet:
			quiet++
		default:
			o.Logger.Warn("service is silent, connection cut", "connection", l.conn.id)
			l.cut()
		}
	})
}

// When messages are acknowledged: at the latest after so many and after so long.
const (
	ackEvery = 300
	ackDelay = time.Second
)

// acking tells the service of a reliable connection which messages have come.
type acking struct {
	l     *link
	timer *time.Timer
	armed atomic.Bool
	sent  atomic.Uint64 // the last id acknowledged
	count int           // messages since; the reader's own
}

func newAcking(l *link) *acking {
	a := &acking{l: l}
	a.timer = time.AfterFunc(ackDelay, func() {
		a.armed.Store(false)
		a.flush()
	})
	a.timer.Stop()
	return a
}

// take notes that a message has come, whose id is the connection's last by now.
func (a *acking) take() {
	if a.count++; a.count >= ackEvery {
		a.flush()
		a.count = 0
		return
	}
	if !a.armed.Swap(true) {
		a.timer.Reset(ackDelay)
	}
}

// flush acknowledges all that has come.
func (a *acking) flush() {
	if last := a.l.conn.last.Load(); a.sent.Swap(last) != last {
		a.l.tell(&frame.Request{Kind: frame.SequenceAck, Sequence: last})
	}
}

func (a *acking) stop() {
	if a != nil {
		a.timer.Stop()
	}
}
