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
// The context it hands to next is the one that the function gets.
type Interceptor func(ctx context.Context, ev Event, next func(context.Context) error) error

var (
	errNextNotCalled = errors.New("interceptor returned nil without calling next")
	errNextTwice     = errors.New("interceptor called next more than once")
)

// run calls f inside the interceptors. Panics become errors, so that
// interceptors see them.
func run[R any](ctx context.Context, chain []Interceptor, ev Event, f func(context.Context) (R, error)) (R, error) {
	if len(chain) == 0 {
		return guard(ctx, f)
	}
	var zero, out R
	_, err := guard(ctx, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, intercept(ctx, chain, ev, func(ctx context.Context) (err error) {
			out, err = f(ctx)
			return err
		})
	})
	if err != nil {
		return zero, err
	}
	return out, nil
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
		_, inner = guard(ctx, func(ctx context.Context) (struct{}, error) {
			return struct{}{}, intercept(ctx, chain[1:], ev, terminal)
		})
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
func guard[R any](ctx context.Context, f func(context.Context) (R, error)) (out R, err error) {
	returned := false
	defer func() {
		v := recover()
		if returned {
			return
		}
		if v == http.ErrAbortHandler { //nolint:errorlint // net/http compares the value itself
			panic(v)
		}
		if v == nil {
			v = new(runtime.PanicNilError)
		}
		var zero R
		out, err = zero, &PanicError{Value: v, Stack: debug.Stack()}
	}()
	out, err = f(ctx)
	returned = true
	return out, err
}
