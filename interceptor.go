package webpubsub

import (
	"context"
	"errors"
	"net/http"
	"runtime"
	"runtime/debug"
)

// Interceptor runs around the function that handles an event of any kind. It sees
// the decoded event and the error that the function returned. Use net/http
// middleware for what needs the request.
//
// The first of [Config.Interceptors] is the outermost: [A, B] with function f
// is A(B(f)). An interceptor calls next once, or returns an error to refuse
// the event. It may replace the error of next. It cannot turn an error into
// success, or succeed without calling next: the event is then refused. If it returns
// an error after next succeeded, the reply and its state are not sent.
//
// An interceptor that allows or refuses events by name can compare
// [Meta.EventName] with the keys of [Config.UserEvents], whatever spelling the
// client used. The EventName of an event for [Config.Fallback] is the name that the
// client sent.
//
// Interceptors do not run for a repeat that [Config.Deduplication] answers.
//
// The function receives the context that the interceptor passes to next.
type Interceptor func(ctx context.Context, ev Event, next func(context.Context) error) error

var (
	errNextNotCalled = errors.New("interceptor returned nil without calling next")
	errNextTwice     = errors.New("interceptor called next more than once")
)

// run calls the interceptors and the function of an event. Panics become errors,
// which interceptors see. The answer is valid only if the error is nil.
func run(ctx context.Context, chain []Interceptor, ev Event, f *function) (answer, error) {
	if len(chain) == 0 { // without intercept, so that the answer does not escape
		var out answer
		err := guard(ctx, func(ctx context.Context) (err error) {
			out, err = f.answer(ctx, ev)
			return err
		})
		return out, err
	}
	out := new(answer)
	err := guard(ctx, func(ctx context.Context) error { return intercept(ctx, chain, ev, f, out) })
	return *out, err
}

// intercept calls the interceptors of the chain and the function, whose answer it
// stores in out. It enforces the rules on each interceptor: an outer one cannot undo the
// error of an inner one.
func intercept(ctx context.Context, chain []Interceptor, ev Event, f *function, out *answer) (err error) {
	if len(chain) == 0 {
		*out, err = f.answer(ctx, ev)
		return err
	}
	called, inner := false, errNextNotCalled
	err = chain[0](ctx, ev, func(ctx context.Context) error {
		if called {
			inner = errNextTwice
			return inner
		}
		called = true
		inner = guard(ctx, func(ctx context.Context) error { return intercept(ctx, chain[1:], ev, f, out) })
		return inner
	})
	if err != nil {
		return err
	}
	return inner
}

// guard calls f and returns a panic as a PanicError. It does not rely on the value of
// recover, which is nil for panic(nil) with GODEBUG=panicnil=1.
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

// panicked returns the error of a panic with the value that recover returned.
func panicked(v any) *PanicError {
	if v == nil {
		v = new(runtime.PanicNilError)
	}
	return &PanicError{Value: v, Stack: debug.Stack()}
}
