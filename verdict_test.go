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

// mine is an application's error whose methods dereference its pointer.
type mine struct{ text string }

func (m *mine) Error() string { return m.text }

// hostile is an error all of whose methods panic.
type hostile struct{ with any }

func (h hostile) Error() string { panic(h.with) }
func (h hostile) Is(error) bool { panic(h.with) }
func (h hostile) As(any) bool   { panic(h.with) }
func (h hostile) Unwrap() error { panic(h.with) }

// brittle is an error whose method Error panics.
type brittle struct{}

func (brittle) Error() string { panic("boom") }

// An error whose methods panic is logged as its type, and the event is answered.
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

// With panicnil=1, recover returns nil for panic(nil).
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

// own is an error type of an application.
type own struct{ err error }

func (e own) Error() string { return "own: " + e.err.Error() }
func (e own) Unwrap() error { return e.err }

func TestStatusOf(t *testing.T) {
	t.Parallel()
	forbidden := webpubsub.Forbidden("no")
	decode := &webpubsub.DecodeError{What: "JSON payload", Err: errors.New("secret")}
	invalid := &webpubsub.ValidationError{Err: errors.New("secret")}
	const bare500, bare504 = "Internal Server Error", "Gateway Timeout"
	tests := []struct {
		name string
		err  error
		want int
		body string
	}{
		{"Error", forbidden, 403, "no"},
		{"Error without message", &webpubsub.Error{Status: 409}, 409, ""},
		{"Error with a cause", &webpubsub.Error{Status: 409, Message: "taken", Err: errors.New("secret")}, 409, "taken"},
		{"status zero", &webpubsub.Error{Message: "x"}, 500, "x"},
		{"status of success", &webpubsub.Error{Status: 204}, 500, ""},
		{"status 399", &webpubsub.Error{Status: 399}, 500, ""},
		{"status 400", &webpubsub.Error{Status: 400}, 400, ""},
		{"status 599", &webpubsub.Error{Status: 599}, 599, ""},
		{"status 600", &webpubsub.Error{Status: 600}, 500, ""},
		{"status negative", &webpubsub.Error{Status: -1}, 500, ""},
		{"wrapped", fmt.Errorf("secret: %w", forbidden), 403, "no"},
		{"wrapped in an own type", own{forbidden}, 403, "no"},
		{"wrapped deep", fmt.Errorf("secret: %w", own{fmt.Errorf("secret: %w", forbidden)}), 403, "no"},
		{"joined", errors.Join(errors.New("secret"), forbidden), 403, "no"},
		{"joined, the first decides", errors.Join(webpubsub.Conflict("taken"), forbidden), 409, "taken"},
		{"Error around an Error", &webpubsub.Error{Status: 503, Err: forbidden}, 503, ""},
		{"Error around a panic", &webpubsub.Error{Status: 403, Message: "no", Err: &webpubsub.PanicError{Value: "secret"}}, 500, bare500},
		{"panic of an Error", &webpubsub.PanicError{Value: forbidden}, 500, bare500},
		{"panic of a text", fmt.Errorf("x: %w", &webpubsub.PanicError{Value: "secret"}), 500, bare500},
		{"decode", decode, 400, "JSON payload cannot be decoded"},
		{"decode wrapped", own{decode}, 400, "JSON payload cannot be decoded"},
		{"validation", invalid, 400, "payload is not valid"},
		{"validation wrapped", own{invalid}, 400, "payload is not valid"},
		{"Error around a decode error", &webpubsub.Error{Status: 422, Message: "no", Err: decode}, 422, "no"},
		{"deadline", context.DeadlineExceeded, 504, bare504},
		{"deadline wrapped", fmt.Errorf("secret: %w", context.DeadlineExceeded), 504, bare504},
		{"Error around a deadline", webpubsub.Unavailable("later"), 503, "later"},
		{"canceled", context.Canceled, 500, bare500},
		{"verification errors mean nothing here", webpubsub.ErrSignature, 500, bare500},
		{"anything", errors.New("dial tcp 10.0.0.1: secret"), 500, bare500},
		{"anything own", own{errors.New("secret")}, 500, bare500},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, tt.want, webpubsub.StatusOf(tt.err))
			assert.Equal(t, tt.body, webpubsub.MessageOf(tt.err))
			answers := map[string]*http.Response{
				"connect":    serveFixture(t, onConnect(nil, tt.err), "connect"),
				"user event": serveFixture(t, onUserEvent(webpubsub.Reply{}, tt.err), "user_text"),
				"connected": serveFixture(t, webpubsub.Config{OnConnected: func(context.Context, *webpubsub.ConnectedEvent) error {
					return tt.err
				}}, "connected"),
			}
			for event, resp := range answers {
				assert.Equal(t, tt.want, resp.StatusCode, event)
				assert.Equal(t, tt.body, wireText(t, resp), event)
			}
			resp := serveFixture(t, onConnect(nil, tt.err), "mqtt_connect_v5")
			assert.Equal(t, tt.want, resp.StatusCode)
			assert.NotContains(t, wireText(t, resp), "secret", "no text of an unknown error in an MQTT answer either")
		})
	}
	assert.Equal(t, 200, webpubsub.StatusOf(nil))
	assert.Empty(t, webpubsub.MessageOf(nil))
}

func TestErrorChains(t *testing.T) {
	t.Parallel()
	cause := errors.New("cause")
	err := &webpubsub.Error{Status: 409, Message: "taken", Err: cause}
	require.ErrorIs(t, fmt.Errorf("x: %w", err), cause)
	assert.Equal(t, "409 Conflict: taken: cause", err.Error())
	require.ErrorIs(t, &webpubsub.DecodeError{Err: cause}, cause)
	require.ErrorIs(t, &webpubsub.ValidationError{Err: cause}, cause)
	require.ErrorIs(t, &webpubsub.PanicError{Value: cause}, cause)
	require.NoError(t, (&webpubsub.PanicError{Value: "cause"}).Unwrap())
	assert.Equal(t, "panic: boom", (&webpubsub.PanicError{Value: "boom", Stack: []byte("stack")}).Error())
}
