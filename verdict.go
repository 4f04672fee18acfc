package webpubsub

import (
	"context"
	"errors"
	"fmt"
	"net/http"
)

// StatusOf returns the HTTP status of the answer to an error that a function of a
// [Config] returned:
//
//   - nil: 200
//   - [*PanicError]: 500, whatever it wraps
//   - [*Error]: its Status
//   - [*DecodeError], [*ValidationError]: 400
//   - [context.DeadlineExceeded]: 504
//   - anything else: 500
//
// It unwraps err. If err has several of these errors, the first in this list decides.
func StatusOf(err error) int { return judge(err).status }

// MessageOf returns the text of the answer to an error: the Message of an [*Error], the
// violated rules of a [*ValidationError], the What of a [*DecodeError], and otherwise
// the text of the status. It is empty for nil. See [Error] for the clients that
// receive it.
func MessageOf(err error) string { return judge(err).public }

// verdict is the answer to an error.
type verdict struct {
	status   int
	public   string // the text
	chosen   *Error // the *Error, if there is one
	refused  bool   // *Error, *DecodeError or *ValidationError
	canceled bool
}

// judge returns the answer to an error. An error whose methods panic is an unknown
// error.
func judge(err error) (v verdict) {
	if err == nil {
		return verdict{status: http.StatusOK}
	}
	v = bare(http.StatusInternalServerError)
	defer func() { _ = recover() }()
	chosen, panicked := choice(err)
	switch {
	case panicked:
		return v
	case chosen != nil:
		v = verdict{status: chosen.status(), public: chosen.Message, chosen: chosen, refused: true}
	default:
		v = unchosen(err)
	}
	v.canceled = errors.Is(err, context.Canceled)
	return v
}

// choice returns the *Error in err, or whether err is a panic, which does not choose
// its answer.
func choice(err error) (chosen *Error, panicked bool) {
	panicked = true
	defer func() { _ = recover() }() // from a method of err
	var p *PanicError
	var e *Error
	if !errors.As(err, &p) {
		errors.As(err, &e)
		panicked = false
	}
	return e, panicked
}

func unchosen(err error) verdict {
	var invalid *ValidationError
	if errors.As(err, &invalid) && invalid != nil {
		return verdict{status: http.StatusBadRequest, public: invalid.public(), refused: true}
	}
	var decode *DecodeError
	if errors.As(err, &decode) && decode != nil {
		return verdict{status: http.StatusBadRequest, public: decode.What + " cannot be decoded", refused: true}
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return bare(http.StatusGatewayTimeout)
	}
	return bare(http.StatusInternalServerError)
}

// isRetried reports whether the service delivers an event again after a status.
func isRetried(status int) bool {
	return status == http.StatusRequestTimeout || status >= http.StatusInternalServerError
}

func bare(status int) verdict { return verdict{status: status, public: http.StatusText(status)} }

// errorText returns the text of an error, or its type if the method Error panics, as
// that of a nil pointer may.
func errorText(err error) string {
	return textOr("error of type %T, whose method Error panics", err, func() string { return err.Error() })
}

// textOf returns the text of a panic's value. Package fmt recovers one panic of a method,
// not one of the panic's value.
func textOf(v any) string {
	return textOr("value of type %T, which cannot be printed", v, func() string { return fmt.Sprint(v) })
}

// textOr returns the text of v or, if text panics, a replacement with its type.
func textOr(replacement string, v any, text func() string) (out string) {
	returned := false // see guard
	defer func() {
		if _ = recover(); !returned {
			out = fmt.Sprintf(replacement, v)
		}
	}()
	out = text()
	returned = true
	return out
}

// stackOf returns the stack of a panic in err, nil if there is none.
func stackOf(err error) (stack []byte) {
	defer func() { _ = recover() }()
	var panicked *PanicError
	if errors.As(err, &panicked) && panicked != nil {
		return panicked.Stack
	}
	return nil
}
