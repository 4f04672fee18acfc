package client

import (
	"context"
	"log/slog"
	"runtime/debug"
	"time"
)

// dispatcher calls the callbacks of a session, one after the other.
type dispatcher struct {
	c       *Client
	secrets *secrets
	queue   *queue
	streams *streams
	closing <-chan struct{} // closed when the session ends
	before  <-chan struct{} // done of the dispatcher before; nil if there is none
	done    chan struct{}   // closed when all callbacks have returned
	began   time.Time

	// Callbacks are called long after Start, from which their contexts derive.
	base      context.Context //nolint:containedctx // the values of Start's context
	callbacks context.Context //nolint:containedctx // ended by release
	release   context.CancelFunc
}

func newDispatcher(base context.Context, s *session) *dispatcher {
	d := &dispatcher{c: s.c, secrets: s.secrets, queue: newQueue(s.c.opts.QueueSize), closing: s.closing, done: make(chan struct{}), began: time.Now(), base: base}
	d.callbacks, d.release = context.WithCancel(withSession(base, s))
	d.streams = newStreams(d)
	if last := s.c.session; last != nil {
		if d.before = last.dispatch.done; !last.begun { // it has called no callbacks
			d.before = last.dispatch.before
		}
	}
	return d
}

// sessionKey is the context key of the session that calls a callback.
type sessionKey struct{}

func withSession(ctx context.Context, s *session) context.Context {
	return context.WithValue(ctx, sessionKey{}, s)
}

// sessionOf returns the session whose callback has a context; nil if there is none.
func sessionOf(ctx context.Context) *session {
	s, _ := ctx.Value(sessionKey{}).(*session)
	return s
}

// isCallback reports whether ctx belongs to a callback that the end of the session
// waits for: one of its own, or of the session before.
func (s *session) isCallback(ctx context.Context) bool {
	of := sessionOf(ctx)
	return of != nil && of.c == s.c && !isClosed(of.dispatch.done)
}

// run calls the callbacks until the queue is closed and empty.
func (d *dispatcher) run() {
	over := false
	defer func() {
		if !over { // a callback has ended its goroutine, as FailNow of package testing does
			go d.run()
		}
	}()
	if d.before != nil {
		<-d.before
	}
	for {
		it, ok := d.queue.next()
		if !ok {
			break
		}
		d.deliver(&it)
	}
	over = true
	close(d.done)
}

func (d *dispatcher) deliver(it *item) {
	if f := d.c.opts.Trace.Delivered; f != nil && it.isMessage() {
		start := time.Now()
		defer func() { // also when a callback ends its goroutine
			traced(d.base, d, f, DeliveredInfo{
				Kind: it.kind(), Bytes: it.size, Waited: start.Sub(d.began) - it.since, Duration: time.Since(start), Queued: int(d.queue.count.Load()),
			})
		}()
	}
	switch {
	case it.group != nil && it.group.stream != nil:
		d.streams.deliver(it.group, it.size)
	case it.group != nil:
		fire(d.callbacks, d, &d.c.onGroupMessage, it.group)
	case it.server != nil:
		fire(d.callbacks, d, &d.c.onServerMessage, it.server)
	case it.states != nil:
		d.deliverStates(it.states)
	case it.err != nil:
		d.report(d.callbacks, it.err)
	default:
		it.call()
	}
}

// fire calls the callbacks of an event.
func fire[T any](ctx context.Context, d *dispatcher, list *callbacks[handler[T]], ev T) {
	for _, cb := range list.all() {
		if !cb.removed.Load() {
			protect(func() { cb.f(ctx, ev) }, func(err error) { d.report(ctx, err) })
		}
	}
}

// raise queues an event.
func raise[T any](d *dispatcher, list *callbacks[handler[T]], ev T) {
	d.queue.call(func() { fire(d.callbacks, d, list, ev) })
}

// protect calls f and reports its panic, which must not end the client.
func protect(f func(), report func(error)) {
	defer func() {
		if v := recover(); v != nil {
			report(&PanicError{Value: v, Stack: debug.Stack()})
		}
	}()
	f()
}

// report passes an error that no operation can return to OnError, or logs it. It is
// called by the dispatcher's goroutine.
func (d *dispatcher) report(ctx context.Context, err error) {
	f := d.c.opts.OnError
	if f == nil {
		d.log(ctx, err)
		return
	}
	protect(func() { f(ctx, err) }, func(err error) { d.log(ctx, err) })
}

// reportLater is report for other goroutines.
func (d *dispatcher) reportLater(err error) {
	d.queue.call(func() { d.report(d.callbacks, err) })
}

func (d *dispatcher) log(ctx context.Context, err error) {
	level, attrs := slog.LevelWarn, []slog.Attr{slog.Any("error", err)}
	if p, ok := err.(*PanicError); ok { //nolint:errorlint // as it was made
		level, attrs = slog.LevelError, append(attrs, slog.String("stack", string(p.Stack)))
	}
	d.c.opts.Logger.LogAttrs(ctx, level, "client", attrs...)
}
