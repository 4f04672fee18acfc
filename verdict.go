package webpubsub

import (
	"context"
	"errors"
	"fmt"
	"net/http"
)

// StatusOf returns the HTTP status with which a [Handler] answers an error that a
// function of [Config] returned:
//
//   - nil: 200
//   - [*PanicError]: 500, whatever it wraps
//   - [*Error]: its Status
//   - [*DecodeError], [*ValidationError]: 400
//   - [context.DeadlineExceeded]: 504
//   - anything else: 500
//
// Wrapped errors count; of several kinds the first in this list decides.
func StatusOf(err error) int { return judge(err).status }

// MessageOf returns the text with which a [Handler] answers an error, which is
// all of it that a stranger may see: the Message of an [*Error], the broken rules
// of a [*ValidationError], what a [*DecodeError] names, and otherwise the bare
// text of the status. It is empty for nil. [Error] says which clients get to see
// it.
func MessageOf(err error) string { return judge(err).public }

// verdict is what an error comes to.
type verdict struct {
	status   int
	public   string // what a stranger may see
	chosen   *Error // set if the error chose its answer
	refused  bool   // chosen, or a payload that does not decode or is not valid
	canceled bool
}

// judge is the one place that turns an error into an answer. The methods of an
// error are its author's: one that panics is an unknown error.
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

// choice returns the Error in err if there is one, and whether err came of a
// panic, which has no say in its answer.
func choice(err error) (chosen *Error, panicked bool) {
	panicked = true
	defer func() { _ = recover() }() // of a method of err
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

func bare(status int) verdict { return verdict{status: status, public: http.StatusText(status)} }

// errorText returns the text of an error. A method Error that panics, as that of
// a nil pointer may, has the error's type for a text: it must not take the answer
// to an event with it.
func errorText(err error) (text string) {
	returned := false // recover may return nil, see guard
	defer func() {
		if _ = recover(); !returned {
			text = fmt.Sprintf("error of type %T, whose method Error panics", err)
		}
	}()
	text = err.Error()
	returned = true
	return text
}

// textOf returns the text of a value that panic was called with.
func textOf(v any) (text string) {
	returned := false
	defer func() {
		if _ = recover(); !returned { // fmt gives up if what a method panics with panics as well
			text = fmt.Sprintf("value of type %T, which cannot be printed", v)
		}
	}()
	text = fmt.Sprint(v)
	returned = true
	return text
}

// stackOf returns the stack of the panic that an error is or wraps.
func stackOf(err error) (stack []byte) {
	defer func() { _ = recover() }()
	var panicked *PanicError
	if errors.As(err, &panicked) && panicked != nil {
		return panicked.Stack
	}
	return nil
}
