package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/go-webpubsub/webpubsub/client/internal/frame"
)

// maxErrorText is how many bytes of a text of the service an error shows.
const maxErrorText = 512

// Errors that an [*Error] is, by [errors.Is].
var (
	// ErrInvalid is a parameter that breaks a rule; nothing was sent.
	ErrInvalid = errors.New("invalid parameter")
	// ErrUnauthorized is 401: the token was not accepted.
	ErrUnauthorized = errors.New("unauthorized")
	// ErrForbidden is a request for which the client lacks the role (the error
	// Forbidden), or 403 at the handshake.
	ErrForbidden = errors.New("forbidden")
	// ErrNotFound is 404: there is no such hub or path.
	ErrNotFound = errors.New("not found")
	// ErrTooManyRequests is 429: the service's limits are reached.
	ErrTooManyRequests = errors.New("too many requests")
	// ErrStopped is an operation of a client that is not started, or that was
	// stopped before its answer came.
	ErrStopped = errors.New("client is stopped")
	// ErrConnectionLost is a request whose connection was lost for good before its
	// answer came: whether it was carried out is not known. It is also the end of a
	// stream whose connection was lost.
	ErrConnectionLost = errors.New("connection was lost")
	// ErrQueueFull is an operation whose answer stands behind more messages than
	// the queue takes, while callbacks and iterators take none.
	ErrQueueFull = errors.New("answer stands behind a queue from which nothing is taken")
	// ErrStreamGap is a stream of which a piece is missing.
	ErrStreamGap = errors.New("a piece of the stream is missing")
	// ErrTooManyStreams is a stream that was given up, or dropped from the start,
	// because others have sent more streams than the client receives at a time.
	ErrTooManyStreams = errors.New("too many streams at a time")
)

// Error is an operation that failed: refused here for a parameter that breaks a
// rule ([ErrInvalid]), at the handshake (StatusCode, CloseCode), by the service
// (Name), or ended by its context or the end of the connection (Err). Its text
// holds no token, and no URL that has one.
type Error struct {
	// Operation that failed, such as "JoinGroup".
	Operation string
	// StatusCode of a handshake that was refused; 0 for other errors.
	StatusCode int
	// CloseCode with which the service closed a connection at once; 0 for others.
	CloseCode int
	// Name (error.name) of the service's refusal, such as "Forbidden",
	// "InternalServerError" or "IdleTimeout".
	Name string
	// Message of the service, in at most 512 bytes.
	Message string
	// UserErrorCode (userErrorCode) of a stream that its publisher has aborted.
	UserErrorCode string
	// Hint is the likely mistake and its remedy: in the client URL, or a role that
	// the client lacks. It is often empty.
	Hint string
	// Err is the cause.
	Err error
}

// Error names the operation and what is known of its failure.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("client: " + e.Operation)
	if e.StatusCode != 0 {
		fmt.Fprintf(&b, ": %d %s", e.StatusCode, http.StatusText(e.StatusCode))
	}
	if e.CloseCode != 0 {
		fmt.Fprintf(&b, ": closed with %d", e.CloseCode)
	}
	for _, text := range [...]string{e.Name, e.UserErrorCode, e.Message} {
		if text != "" {
			b.WriteString(": " + text)
		}
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	if e.Hint != "" {
		b.WriteString(" (" + e.Hint + ")")
	}
	return b.String()
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is makes errors.Is(err, ErrForbidden) and its like work.
func (e *Error) Is(target error) bool {
	switch target {
	case ErrUnauthorized:
		return e.StatusCode == http.StatusUnauthorized
	case ErrForbidden:
		return e.StatusCode == http.StatusForbidden || e.Name == nameForbidden
	case ErrNotFound:
		return e.StatusCode == http.StatusNotFound
	case ErrTooManyRequests:
		return e.StatusCode == http.StatusTooManyRequests
	}
	return false
}

// Names of the service's refusals.
const (
	nameForbidden   = "Forbidden"
	nameInternal    = "InternalServerError"
	nameDuplicate   = "Duplicate"
	nameBadRequest  = "BadRequest"
	nameNotFound    = "NotFound"
	nameIdleTimeout = "IdleTimeout"

	nameStreamNotFound = "StreamNotFound"
)

// fail names the operation of an error; nil stays nil.
func fail(operation string, err error) error {
	if err == nil {
		return nil
	}
	if e, ok := err.(*Error); ok { //nolint:errorlint // one that is wrapped has been named
		named := *e
		named.Operation = operation
		return &named
	}
	return &Error{Operation: operation, Err: err}
}

// isLoss tells whether an error is about the connection rather than the request.
func isLoss(err error) bool {
	return errors.Is(err, ErrConnectionLost) || errors.Is(err, ErrStopped) || errors.Is(err, context.Canceled)
}

// invalidError is a parameter that breaks a rule.
type invalidError struct{ error }

func (e invalidError) Unwrap() error      { return e.error }
func (invalidError) Is(target error) bool { return target == ErrInvalid }

func invalid(operation string, err error) error {
	return &Error{Operation: operation, Err: invalidError{err}}
}

// refusalOf returns the error of a request that the service has refused. The
// group is that of the request, if it has one.
func refusalOf(f *frame.Failure, kind frame.RequestKind, group string) *Error {
	e := refusal(f)
	e.Hint = hintOfRefusal(f, kind, group)
	return e
}

// refusal makes an error of what the service said.
func refusal(f *frame.Failure) *Error {
	if f == nil {
		return &Error{Message: "the service gives no reason"}
	}
	return &Error{Name: f.Name, Message: f.Message, UserErrorCode: f.UserErrorCode}
}

// DecodeError is a message that does not fit the type of its handler.
type DecodeError struct {
	// Group of the message; empty for one of the server.
	Group string
	// Err says where it does not fit, and does not quote it.
	Err error
}

// Error names the group.
func (e *DecodeError) Error() string {
	if e.Group == "" {
		return fmt.Sprintf("client: decode server message: %v", e.Err)
	}
	return fmt.Sprintf("client: decode message of group %s: %v", quote(e.Group), e.Err)
}

// Unwrap gives the cause.
func (e *DecodeError) Unwrap() error { return e.Err }

// PanicError is a callback that panicked. The client goes on with the next one.
type PanicError struct {
	// Value with which it panicked.
	Value any
	// Stack of the callback.
	Stack []byte
}

// Error gives the value, and no stack.
func (e *PanicError) Error() string { return fmt.Sprintf("client: callback panicked: %v", e.Value) }
