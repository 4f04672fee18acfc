package webpubsub

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/go-webpubsub/webpubsub/internal/excerpt"
	"github.com/go-webpubsub/webpubsub/mqtt"
)

// Error is an error with an answer. A function of a [Config] returns one to refuse an
// event. Any other error is answered with 500 and the text of that status, so that
// nothing internal leaves the process.
//
// The status decides whether the service delivers the event again: after 408 and
// every 5xx it delivers it up to four times in all, 1, 3 and 5 seconds apart. Any other
// 4xx is final. Refuse with 4xx, use 5xx for temporary faults, and expect to receive
// an event more than once.
//
// # What the client receives
//
// Refused connect events: the client's handshake fails with Status. According to
// the service's documentation the client receives Message as the body; Microsoft's
// emulator and package emulator send a body of their own. An MQTT client receives a
// CONNACK with MQTTCode and, if it uses MQTT 5.0, Message and MQTTUserProperties.
//
// Refused user events: most clients receive neither Status nor Message.
//   - A client of a Web PubSub subprotocol that asked for an ack, or invoked the
//     event, receives the error "InternalServerError" with a fixed text. Without an
//     ack id it receives nothing. (The documentation says that the service closes
//     the connection; Microsoft's emulator keeps it.)
//   - The connection of a client without subprotocol is closed with status 1011.
//   - An MQTT client receives Message, and Status as the user property
//     azure-status-code, on the topic of failed events.
//
// Set [Config.RefusalReply] to send a reply to clients other than MQTT clients.
//
// Refused notifications: clients receive nothing.
type Error struct {
	// Status is the HTTP status of the answer. Values below 400 or above 599 mean 500.
	Status int
	// Message is the body of the answer, empty for none. Some clients receive it.
	Message string
	// Err is the cause. It is logged and matched by [errors.Is], but not sent.
	Err error
	// MQTTCode is the code of the CONNACK that refuses an MQTT client. If it is zero,
	// it is derived from Status.
	MQTTCode mqtt.ConnectCode
	// MQTTUserProperties are sent in the CONNACK that refuses an MQTT 5.0 client.
	MQTTUserProperties []mqtt.UserProperty
}

// Error returns the status, the message and the cause.
func (e *Error) Error() string {
	if e == nil {
		return nilError
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d %s", e.status(), http.StatusText(e.status()))
	if e.Message != "" {
		b.WriteString(": " + e.Message)
	}
	if e.Err != nil {
		b.WriteString(": " + errorText(e.Err))
	}
	return b.String()
}

// WithCause returns a copy of the error with a cause, as in
// Unavailable("try again").WithCause(err).
func (e *Error) WithCause(cause error) *Error {
	out := *e
	out.Err = cause
	return &out
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error {
	if e == nil {
		return nil
	}
	return e.Err
}

// nilError is the text of a nil pointer to a type of this file in an error.
const nilError = "a nil pointer was returned as an error"

func (e *Error) status() int {
	if e.Status < 400 || e.Status > 599 {
		return http.StatusInternalServerError
	}
	return e.Status
}

// BadRequest returns an error with status 400, for an invalid event.
func BadRequest(message string) *Error {
	return &Error{Status: http.StatusBadRequest, Message: message}
}

// Unauthorized returns an error with status 401, for a client without valid credentials.
func Unauthorized(message string) *Error {
	return &Error{Status: http.StatusUnauthorized, Message: message}
}

// Forbidden returns an error with status 403, for a client that lacks a permission.
func Forbidden(message string) *Error { return &Error{Status: http.StatusForbidden, Message: message} }

// NotFound returns an error with status 404, for an event about something that does not
// exist.
func NotFound(message string) *Error { return &Error{Status: http.StatusNotFound, Message: message} }

// Conflict returns an error with status 409, for an event that conflicts with the current
// state.
func Conflict(message string) *Error { return &Error{Status: http.StatusConflict, Message: message} }

// TooManyRequests returns an error with status 429, for a client that sends too many
// events. The service does not deliver the event again.
func TooManyRequests(message string) *Error {
	return &Error{Status: http.StatusTooManyRequests, Message: message}
}

// Unavailable returns an error with status 503, for a temporary fault: the service delivers
// the event up to three more times.
func Unavailable(message string) *Error {
	return &Error{Status: http.StatusServiceUnavailable, Message: message}
}

// DecodeError is the error of a payload that cannot be decoded. It is answered
// with 400. Its text has the position of the fault, but not the payload.
type DecodeError struct {
	// What was being decoded, for example "JSON payload".
	What string
	// Err is the cause. It is logged, but not sent.
	Err error
}

// Error returns What and the cause.
func (e *DecodeError) Error() string {
	if e == nil {
		return nilError
	}
	if e.Err == nil {
		return "decode " + e.What
	}
	return "decode " + e.What + ": " + errorText(e.Err)
}

// Unwrap returns the cause.
func (e *DecodeError) Unwrap() error {
	if e == nil {
		return nil
	}
	return e.Err
}

// ValidationError is the error of a payload that violates the rules of its type's
// validate tags. It is answered with 400 and a text with the fields and rules.
type ValidationError struct {
	// Fields are the violations, in the order of the type's fields. They are empty if a
	// [Config.Validate] function returned another error.
	Fields []FieldError
	// Err is the validator's error. It is logged, but not sent.
	Err error
}

// FieldError is a violation of a rule. It does not have the field's value, which a
// client sent and which must not be logged.
type FieldError struct {
	// Field is the path of the field in JSON names, such as "items[2].name".
	Field string
	// Rule is the validate tag that failed, such as "required" or "max".
	Rule string
	// Param is the rule's parameter, such as "64" of max=64.
	Param string
}

// String returns the field and its rule, such as "room: max=64".
func (f FieldError) String() string {
	s := f.Rule
	if f.Param != "" {
		s += "=" + f.Param
	}
	if f.Field == "" {
		return s
	}
	return f.Field + ": " + s
}

// Error returns the fields and rules.
func (e *ValidationError) Error() string {
	if e == nil {
		return nilError
	}
	if len(e.Fields) == 0 && e.Err != nil {
		return "payload is not valid: " + errorText(e.Err)
	}
	return e.public()
}

// Unwrap returns the validator's error.
func (e *ValidationError) Unwrap() error {
	if e == nil {
		return nil
	}
	return e.Err
}

// public returns the first violations, cut. Clients choose how many there are and how
// long their paths are.
func (e *ValidationError) public() string {
	if len(e.Fields) == 0 {
		return "payload is not valid"
	}
	return "payload is not valid: " + firstOf(len(e.Fields), "; ", func(i int) string { return excerpt.Short(e.Fields[i].String()) })
}

// firstOf joins the texts of the first of n items and counts the others.
func firstOf(n int, separator string, text func(i int) string) string {
	const most = 16
	parts := make([]string, 0, most+1)
	for i := range min(n, most) {
		parts = append(parts, text(i))
	}
	if n > most {
		parts = append(parts, fmt.Sprintf("and %d more", n-most))
	}
	return strings.Join(parts, separator)
}

// PanicError is the error of a function of a [Config] that panicked. Interceptors see
// it. It is logged with its stack and answered with 500. A panic with
// [http.ErrAbortHandler] is not recovered.
type PanicError struct {
	// Value is the argument of panic.
	Value any
	// Stack is the stack of the goroutine that panicked.
	Stack []byte
}

// Error returns the value as text, without the stack.
func (e *PanicError) Error() string {
	if e == nil {
		return nilError
	}
	return "panic: " + textOf(e.Value)
}

// Unwrap returns the value if it is an error.
func (e *PanicError) Unwrap() error {
	if e == nil {
		return nil
	}
	err, _ := e.Value.(error)
	return err
}
