package webpubsub_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
)

// mine is an application's error whose methods go through its pointer.
type mine struct{ text string }

func (m *mine) Error() string { return m.text }

// hostile is an error all of whose methods panic.
type hostile struct{ with any }

func (h hostile) Error() string { panic(h.with) }
func (h hostile) Is(error) bool { panic(h.with) }
func (h hostile) As(any) bool   { panic(h.with) }
func (h hostile) Unwrap() error { panic(h.with) }

// brittle is an error that panics if it is asked for its text alone.
type brittle struct{}

func (brittle) Error() string { panic("boom") }

// An error's methods are its author's. One that panics is logged by its type, and
// the event is answered all the same.
func TestErrorsThatPanic(t *testing.T) {
	t.Parallel()
	const unknown = 500
	for _, tc := range []struct {
		name   string
		err    error
		status int
		logged string
	}{
		{"nil pointer", (*mine)(nil), unknown, "error of type *webpubsub_test.mine, whose method Error panics"},
		{"Error", brittle{}, unknown, "error of type webpubsub_test.brittle, whose method Error panics"},
		{"all methods", hostile{"boom"}, unknown, "error of type webpubsub_test.hostile, whose method Error panics"},
		{"with an error that panics", hostile{brittle{}}, unknown, "error of type webpubsub_test.hostile, whose method Error panics"},
		{"with http.ErrAbortHandler", hostile{http.ErrAbortHandler}, unknown, "error of type webpubsub_test.hostile, whose method Error panics"},
		{"cause of an Error", &webpubsub.Error{Status: 409, Err: brittle{}}, 409, "409 Conflict: error of type webpubsub_test.brittle, whose method Error panics"},
		{"cause of a DecodeError", &webpubsub.DecodeError{What: "x", Err: brittle{}}, 400, "decode x: error of type webpubsub_test.brittle, whose method Error panics"},
		{"cause of a ValidationError", &webpubsub.ValidationError{Err: brittle{}}, 400, "payload is not valid: error of type webpubsub_test.brittle, whose method Error panics"},
		{"value of a panic", &webpubsub.PanicError{Value: hostile{hostile{"boom"}}}, unknown, "panic: value of type webpubsub_test.hostile, which cannot be printed"},
		{"wrapped", errors.Join(hostile{"boom"}), unknown, "error of type *errors.joinError, whose method Error panics"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, tc.status, webpubsub.StatusOf(tc.err))
			assert.NotPanics(t, func() { webpubsub.MessageOf(tc.err) })
			for fixture := range eventKinds {
				log, logger := debugLog()
				cfg := returning(func(context.Context) error { return tc.err })
				cfg.Logger, cfg.RefusalReply = logger, webpubsub.JSONRefusal
				resp := wireServe(wireHandler(t, cfg), wireRequest(t, fixture))
				want := tc.status
				if fixture == "user_text" && want < 500 { // RefusalReply tells the client
					want = http.StatusOK
				}
				assert.Equal(t, want, resp.StatusCode, fixture)
				records := logged(t, log)
				require.Len(t, records, 1, fixture)
				assert.Equal(t, tc.logged, records[0]["error"], fixture)
			}
		})
	}
}

func TestVerifierWhoseErrorPanicsRefuses(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		err  error
		want int
	}{
		"nil pointer": {(*mine)(nil), 401},
		"Error":       {brittle{}, 401},
		"all methods": {hostile{"boom"}, 500},
		"cause":       {webpubsub.Forbidden("no").WithCause(brittle{}), 403},
	} {
		log, logger := debugLog()
		h := wireHandler(t, webpubsub.Config{
			Verifier:       verifierFunc(func(*http.Request) error { return tc.err }),
			AllowedOrigins: []string{"*"},
			Interceptors:   []webpubsub.Interceptor{mustNotRun(t)},
			Logger:         logger,
		})
		assert.Equal(t, tc.want, wireServe(h, wireRequest(t, "user_text", unreadableBody(t))).StatusCode, name)
		assert.Len(t, logged(t, log), 1, name)
	}
}

// With panicnil=1, recover returns nil for panic(nil) as if there had been none.
func TestPanicWithNilIsAPanic(t *testing.T) {
	t.Setenv("GODEBUG", "panicnil=1")
	func() {
		defer func() { require.Nil(t, recover(), "GODEBUG has no effect") }()
		panic(nil)
	}()
	verified := wireHandler(t, webpubsub.Config{
		Verifier:       verifierFunc(func(*http.Request) error { panic(nil) }),
		AllowedOrigins: []string{"*"},
		Interceptors:   []webpubsub.Interceptor{mustNotRun(t)},
	})
	assert.Equal(t, http.StatusInternalServerError, wireServe(verified, wireRequest(t, "user_text")).StatusCode)
	for fixture := range eventKinds {
		log, logger := debugLog()
		cfg := returning(func(context.Context) error { panic(nil) })
		cfg.Logger = logger
		assert.Equal(t, http.StatusInternalServerError, wireServe(wireHandler(t, cfg), wireRequest(t, fixture)).StatusCode, fixture)
		records := logged(t, log)
		require.Len(t, records, 1, fixture)
		assert.Equal(t, "panic: "+new(runtime.PanicNilError).Error(), records[0]["error"])
	}
	refusal := refusing(webpubsub.Conflict("taken"))
	refusal.RefusalReply = func(context.Context, *webpubsub.UserEvent, *webpubsub.Error) (webpubsub.Reply, bool) { panic(nil) }
	assert.Equal(t, http.StatusConflict, wireServe(wireHandler(t, refusal), wireRequest(t, "user_text")).StatusCode)
	assert.Equal(t, http.StatusInternalServerError, webpubsub.StatusOf(fmt.Errorf("wrapped: %w", nilPanicError{})))
	assert.Equal(t, "409 Conflict: taken: error of type webpubsub_test.nilTextError, whose method Error panics", webpubsub.Conflict("taken").WithCause(nilTextError{}).Error())
}

// nilTextError panics with nil in the method Error.
type nilTextError struct{}

func (nilTextError) Error() string { panic(nil) }

// nilPanicError panics with nil in the method that errors.As and errors.Is call.
type nilPanicError struct{}

func (nilPanicError) Error() string { return "x" }
func (nilPanicError) Unwrap() error { panic(nil) }
