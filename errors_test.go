package webpubsub_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
)

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

func TestErrorWithCause(t *testing.T) {
	t.Parallel()
	plain := webpubsub.Unavailable("try again")
	caused := plain.WithCause(io.ErrUnexpectedEOF)
	require.ErrorIs(t, caused, io.ErrUnexpectedEOF)
	assert.NotErrorIs(t, plain, io.ErrUnexpectedEOF, "the original stays as it was")
	var chosen *webpubsub.Error
	require.ErrorAs(t, caused, &chosen)
	assert.Equal(t, "try again", chosen.Message)
	assert.Equal(t, http.StatusServiceUnavailable, webpubsub.StatusOf(caused))
}

func TestFieldErrorString(t *testing.T) {
	t.Parallel()
	for want, f := range map[string]webpubsub.FieldError{
		"a: required": {Field: "a", Rule: "required"},
		"a: max=3":    {Field: "a", Rule: "max", Param: "3"},
		"max=3":       {Rule: "max", Param: "3"},
		"":            {},
	} {
		assert.Equal(t, want, f.String())
	}
	assert.Equal(t, "payload is not valid", new(webpubsub.ValidationError).Error())
	assert.Equal(t, "payload is not valid: x", (&webpubsub.ValidationError{Err: errors.New("x")}).Error())
	assert.Equal(t, "decode x", (&webpubsub.DecodeError{What: "x"}).Error())
	assert.Equal(t, "decode x: y", (&webpubsub.DecodeError{What: "x", Err: errors.New("y")}).Error())
}
