package webpubsub

import (
	"context"
	"errors"
	"net/http"
	"runtime"
	"runtime/debug"
)

// Interceptor runs around the function that handles an event: it sees the
// decoded event and the error that the function returned, for every kind of
// event. What needs the request itself is net/http middleware instead.
//
// The first of [Config.Interceptors] is the outermost: [A, B] with function f
// is A(B(f)). An interceptor calls next once, or returns an error to refuse
// the event. It may return another error than next did; it cannot turn an error
// into success, nor succeed without calling next, since either would let an
// event pass that was refused or never seen. If it returns an error after next
// succeeded, the reply and its state are not sent.
//
// An interceptor that allows or refuses an event by its name compares
// [Meta.EventName] with a key of [Config.UserEvents]: however the client spelled
// the name, it has that key. The name of an event for [Config.Fallback] is
// whatever the client sent.
//
// The context it hands to next is the one that the function gets.
type Interceptor func(ctx context.Context, ev Event, next func(context.Context) error) error

var (
	errNextNotCalled = errors.New("interceptor returned nil without calling next")
	errNextTwice     = errors.New("interceptor called next more than once")
)

// run calls the function of an event inside the interceptors. Panics become
// errors, so that interceptors see them. The answer does not count if there is an
// error.
func run(ctx context.Context, chain []Interceptor, ev Event, f *function) (answer, error) {
	if len(chain) == 0 {
		var out answer
		err := guard(ctx, func(ctx context.Context) (err error) {
			out, err = f.answer(ctx, ev)
			return err
		})
		return out, err
	}
	return runInside(ctx, chain, ev, f)
}

// runInside is not part of run, where its variables would make those of events
// without interceptors escape.
func runInside(ctx context.Context, chain []Interceptor, ev Event, f *function) (out answer, err error) {
	err = guard(ctx, func(ctx context.Context) error {
		return intercept(ctx, chain, ev, func(ctx context.Context) (err error) {
			out, err = f.answer(ctx, ev)
			return err
		})
	})
	return out, err
}

// intercept holds each interceptor of the chain to the rules, so that an outer
// one cannot undo what an inner one decided.
func intercept(ctx context.Context, chain []Interceptor, ev Event, terminal func(context.Context) error) error {
	if len(chain) == 0 {
		return terminal(ctx)
	}
	called, inner := false, errNextNotCalled
	err := chain[0](ctx, ev, func(ctx context.Context) error {
		if called {
			inner = errNextTwice
			return inner
		}
		called = true
		inner = guard(ctx, func(ctx context.Context) error { return intercept(ctx, chain[1:], ev, terminal) })
		return inner
	})
	if err != nil {
		return err
	}
	return inner
}

// guard turns a panic of f into a PanicError. It does not ask what recover
// returns whether there was one: that is nil for panic(nil) where GODEBUG has
// panicnil=1, and nobody may take that for success.
func guard(ctx context.Context, f func(context.Context) error) (err error) {
	returned := false
	defer func() {
		v := recover()
		if returned {
			return
		}
		if v == http.ErrAbortHandler { //nolint:errorlint // net/http compares the value itself
			panic(v)
		}
		err = panicked(v)
	}()
	err = f(ctx)
	returned = true
	return err
}

// panicked makes an error of what recover returned.
func panicked(v any) *PanicError {
	if v == nil {
		v = new(runtime.PanicNilError)
	}
	return &PanicError{Value: v, Stack: debug.Stack()}
}
