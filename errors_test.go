package webpubsub_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
)

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

func TestErrorConstructors(t *testing.T) {
	t.Parallel()
	for want, f := range map[int]func(string) *webpubsub.Error{
		400: webpubsub.BadRequest, 401: webpubsub.Unauthorized, 403: webpubsub.Forbidden, 404: webpubsub.NotFound,
		409: webpubsub.Conflict, 429: webpubsub.TooManyRequests, 503: webpubsub.Unavailable,
	} {
		err := f("message")
		assert.Equal(t, &webpubsub.Error{Status: want, Message: "message"}, err)
		assert.Equal(t, want, webpubsub.StatusOf(err))
		assert.Equal(t, fmt.Sprintf("%d %s: message", want, http.StatusText(want)), err.Error())
	}
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

func TestNilErrorsHaveAText(t *testing.T) {
	t.Parallel()
	for _, err := range []error{(*webpubsub.Error)(nil), (*webpubsub.DecodeError)(nil), (*webpubsub.ValidationError)(nil), (*webpubsub.PanicError)(nil)} {
		assert.Equal(t, "a nil pointer was returned as an error", err.Error(), "%T", err)
		require.NoError(t, errors.Unwrap(err), "%T", err)
		assert.Equal(t, http.StatusInternalServerError, webpubsub.StatusOf(err), "%T", err)
	}
}

func TestCauseIsLoggedNotSent(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	cfg := onUserEvent(webpubsub.Reply{}, &webpubsub.Error{Status: 503, Message: "later", Err: errors.New("pool is empty")})
	cfg.Logger = logTo(&out)
	assert.Equal(t, "later", wireText(t, serveFixture(t, cfg, "user_text")))
	assert.Equal(t, "503 Service Unavailable: later: pool is empty", logRecord(t, &out)["error"])
}
