package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/go-webpubsub/webpubsub/client/internal/frame"
	"github.com/go-webpubsub/webpubsub/internal/excerpt"
)

// maxErrorText is how many bytes of a text from the service an error shows.
const maxErrorText = 512

// Errors that an [*Error] matches with [errors.Is].
var (
	// ErrInvalid: a parameter is invalid. Nothing was sent.
	ErrInvalid = errors.New("invalid parameter")
	// ErrTooLarge: the frame of a request is larger than the service accepts. Nothing was
	// sent. The error is also ErrInvalid. Its text has the size and the limit, which is
	// 1 MiB for the whole frame.
	ErrTooLarge = errors.New("frame is too large")
	// ErrUnauthorized: the service did not accept the token (401).
	ErrUnauthorized = errors.New("unauthorized")
	// ErrForbidden: the client lacks the role for the request (error Forbidden), or
	// the service refused the connection (403).
	ErrForbidden = errors.New("forbidden")
	// ErrNotFound: the hub or path does not exist (404).
	ErrNotFound = errors.New("not found")
	// ErrTooManyRequests: a limit of the service is reached (429).
	ErrTooManyRequests = errors.New("too many requests")
	// ErrStopped: the client is not started, or was stopped before the answer.
	ErrStopped = errors.New("client is stopped")
	// ErrConnectionLost: the connection was lost for good before the answer
	// arrived. The service may or may not have carried out the request. For a
	// stream: its connection was lost.
	ErrConnectionLost = errors.New("connection was lost")
	// ErrQueueFull: the answer is behind more messages than the queue holds, and no
	// callback or iterator takes any.
	ErrQueueFull = errors.New("answer is behind a full queue from which nothing is taken")
	// ErrStreamGap: a piece of the stream is missing.
	ErrStreamGap = errors.New("a piece of the stream is missing")
	// ErrTooManyStreams: a stream was dropped because others have sent more streams
	// than the client receives at a time.
	ErrTooManyStreams = errors.New("too many streams at a time")
)

// Error is a failed operation: an invalid parameter ([ErrInvalid]), a failed
// handshake (StatusCode, CloseCode), a refusal by the service (Name), or the end of
// the context or connection (Err). Its text contains no token and no client URL.
type Error struct {
	// Operation is the operation that failed, such as "JoinGroup".
	Operation string
	// StatusCode is the HTTP status of a refused handshake; 0 for other errors.
	StatusCode int
	// CloseCode is the code with which the service closed a connection that was not
	// yet connected; 0 for other errors.
	CloseCode int
	// Name (error.name) is the name of the service's error, such as "Forbidden",
	// "InternalServerError" or "IdleTimeout".
	Name string
	// Message is the service's message, at most 512 bytes of it.
	Message string
	// UserErrorCode (userErrorCode) is the code of a publisher that aborted a
	// stream.
	UserErrorCode string
	// Hint is the likely mistake and how to fix it, such as a missing role; often
	// empty.
	Hint string
	// Err is the cause.
	Err error
}

// Error returns the operation and all that is known of its failure.
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

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is reports whether e matches one of the errors of this package.
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
	nameForbidden      = "Forbidden"
	nameInternal       = "InternalServerError"
	nameDuplicate      = "Duplicate"
	nameBadRequest     = "BadRequest"
	nameNotFound       = "NotFound"
	nameIdleTimeout    = "IdleTimeout"
	nameStreamNotFound = "StreamNotFound"
)

// fail wraps an error in an [*Error] of an operation. It returns nil for nil.
func fail(operation string, err error) error {
	if err == nil {
		return nil
	}
	if e, ok := err.(*Error); ok { //nolint:errorlint // a wrapped one has its operation
		named := *e
		named.Operation = operation
		return &named
	}
	return &Error{Operation: operation, Err: err}
}

// isLoss reports whether an error concerns the connection rather than the request.
func isLoss(err error) bool {
	return errors.Is(err, ErrConnectionLost) || errors.Is(err, ErrStopped) || errors.Is(err, context.Canceled)
}

// invalidError is an invalid parameter.
type invalidError struct{ error }

func (e invalidError) Unwrap() error      { return e.error }
func (invalidError) Is(target error) bool { return target == ErrInvalid }

// tooLargeError is a frame of that many bytes.
type tooLargeError int

func (e tooLargeError) Error() string {
	return fmt.Sprintf("frame has %d bytes, want at most %d", int(e), frame.MaxRequest)
}

func (tooLargeError) Is(target error) bool { return target == ErrTooLarge }

func invalid(operation string, err error) error {
	return &Error{Operation: operation, Err: invalidError{err}}
}

// refusalOf returns the error of a request that the service has refused. group is
// that of the request, if it has one.
func refusalOf(f *frame.Failure, kind frame.RequestKind, group string) *Error {
	e := refusal(f)
	e.Hint = hintOfRefusal(f, kind, group)
	return e
}

// refusal returns the error that the service sent.
func refusal(f *frame.Failure) *Error {
	if f == nil {
		return &Error{Message: "the service gave no reason"}
	}
	return &Error{Name: f.Name, Message: f.Message, UserErrorCode: f.UserErrorCode}
}

// DecodeError is a message that does not fit the type of its callback.
type DecodeError struct {
	// Group is the group of the message; empty for a message from the server.
	Group string
	// Err is the cause. It does not quote the message.
	Err error
}

// Error returns the text, which quotes nothing of the message.
func (e *DecodeError) Error() string {
	if e.Group == "" {
		return fmt.Sprintf("client: decode server message: %v", e.Err)
	}
	return fmt.Sprintf("client: decode message of group %s: %v", excerpt.Name(e.Group), e.Err)
}

// Unwrap returns the cause.
func (e *DecodeError) Unwrap() error { return e.Err }

// PanicError is the panic of a callback. The client calls the next one.
type PanicError struct {
	// Value is the panic value.
	Value any
	// Stack is the stack of the callback.
	Stack []byte
}

// Error returns the panic value without the stack.
func (e *PanicError) Error() string { return fmt.Sprintf("client: callback panicked: %v", e.Value) }
