package client

import (
	"context"
	"log/slog"
	"runtime/debug"
)

// sessionKey is the key under which the context of callbacks has its session.
type sessionKey struct{}

// isCallback tells whether a context is that of a callback for which the session's
// end would wait: one of its own, or of the session before, whose callbacks come
// first.
func (s *session) isCallback(ctx context.Context) bool {
	of, ok := ctx.Value(sessionKey{}).(*session)
	if !ok || of.c != s.c {
		return false
	}
	select {
	case <-of.done:
		return false
	default:
		return true
	}
}

// dispatch calls the callbacks, one after the other.
func (s *session) dispatch() {
	over := false
	defer func() {
		if !over { // a callback has ended its goroutine, as FailNow of package testing does
			go s.dispatch()
		}
	}()
	if s.before != nil {
		<-s.before // the callbacks of the session before
	}
	for {
		it, ok := s.queue.next()
		if !ok {
			break
		}
		s.deliver(&it)
	}
	over = true
	close(s.done)
}

func (s *session) deliver(it *item) {
	switch {
	case it.group != nil && it.group.stream != nil:
		s.streams.deliver(it.group, it.size)
	case it.group != nil:
		fire(s.callbacks, s, &s.c.onGroupMessage, it.group)
	case it.server != nil:
		fire(s.callbacks, s, &s.c.onServerMessage, it.server)
	case it.err != nil:
		s.report(s.callbacks, it.err)
	default:
		if it.ready != nil {
			s.queue.await(it.ready)
		}
		it.call()
	}
}

// fire calls the callbacks of an event.
func fire[T any](ctx context.Context, s *session, h *hooks[T], ev T) {
	for _, hook := range h.all() {
		if !hook.gone.Load() {
			protect(ctx, s, hook.f, ev)
		}
	}
}

// protect calls one callback. A message that makes it panic must not end the
// client, or whoever can send one could.
func protect[T any](ctx context.Context, s *session, f func(context.Context, T), ev T) {
	defer func() {
		if v := recover(); v != nil {
			s.report(ctx, &PanicError{Value: v, Stack: debug.Stack()})
		}
	}()
	f(ctx, ev)
}

// protectStream is protect for a goroutine other than the dispatcher.
func protectStream(s *session, f func(context.Context, *StreamReader), g *StreamReader) {
	defer func() {
		if v := recover(); v != nil {
			s.reportLater(&PanicError{Value: v, Stack: debug.Stack()})
		}
	}()
	f(s.callbacks, g)
}

// raise queues an event.
func raise[T any](s *session, h *hooks[T], ev T) {
	s.queue.call(func() { fire(s.callbacks, s, h, ev) }, nil)
}

// report tells of an error that no operation can return. It is called by the
// dispatcher.
func (s *session) report(ctx context.Context, err error) {
	f := s.c.opts.OnError
	if f == nil {
		s.log(ctx, err)
		return
	}
	defer func() {
		if v := recover(); v != nil {
			s.log(ctx, &PanicError{Value: v, Stack: debug.Stack()})
		}
	}()
	f(ctx, err)
}

func (s *session) log(ctx context.Context, err error) {
	level, attrs := slog.LevelWarn, []slog.Attr{slog.Any("error", err)}
	if p, ok := err.(*PanicError); ok { //nolint:errorlint // as it was made
		level, attrs = slog.LevelError, append(attrs, slog.String("stack", string(p.Stack)))
	}
	s.c.opts.Logger.LogAttrs(ctx, level, "client", attrs...)
}

// reportLater is report for goroutines other than the dispatcher.
func (s *session) reportLater(err error) {
	s.queue.call(func() { s.report(s.callbacks, err) }, nil)
}
