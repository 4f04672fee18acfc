package webpubsub

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/go-webpubsub/webpubsub/mqtt"
)

// Error is an error that chooses its own answer. A function of [Config] returns
// one to refuse an event; any other error is answered with 500 and the bare
// text of that status, so that nothing internal leaves the process.
//
// The status decides whether the service sends the event again: after 408 and
// every 5xx it waits 1, 3 and 5 seconds between up to four deliveries, and only
// then gives up; any other 4xx is final at once. Refuse with 4xx, keep 5xx for
// faults that may pass, and be ready to see an event more than once.
//
// # What the client learns
//
// Refused connect events: the client's handshake fails with Status. According to
// the service's documentation the client gets Message as the body; Microsoft's
// emulator, and ours, answer with a body of their own. An MQTT client gets a
// CONNACK with MQTTCode, and with Message and MQTTUserProperties if it speaks 5.0.
//
// Refused user events: a client learns neither Status nor Message.
//   - A client of a Web PubSub subprotocol that asked for an ack, or invoked the
//     event, gets the error "InternalServerError" with a fixed text. Without an
//     ack id it gets nothing. (The documentation says that the service closes the
//     connection; Microsoft's emulator keeps it.)
//   - A client without one is closed with status 1011.
//   - An MQTT client gets Message, and Status as the user property
//     azure-status-code, on the topic of failed events.
//
// Set [Config.RefusalReply] to send the others a reply in place of that.
//
// Refused notifications: clients learn nothing.
type Error struct {
	// Status is the HTTP status of the answer, 400 to 599; anything else is 500.
	Status int
	// Message is the body of the answer. It must hold nothing that a stranger
	// should not read: some clients get to see it. Empty: no body.
	Message string
	// Err is the cause. It is logged and matched by [errors.Is], never sent.
	Err error
	// MQTTCode is the code of the CONNACK that refuses an MQTT client; zero
	// derives it from Status. Other clients do not see it.
	MQTTCode mqtt.ConnectCode
	// MQTTUserProperties go into the CONNACK that refuses an MQTT 5.0 client.
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

// nilError is the text of a nil pointer to one of the types of this file that
// was returned as an error: not nil, but with nothing to say.
const nilError = "a nil pointer was returned as an error"

func (e *Error) status() int {
	if e.Status < 400 || e.Status > 599 {
		return http.StatusInternalServerError
	}
	return e.Status
}

// BadRequest refuses an event that makes no sense (400).
func BadRequest(message string) *Error {
	return &Error{Status: http.StatusBadRequest, Message: message}
}

// Unauthorized refuses a client that has not shown who it is (401).
func Unauthorized(message string) *Error {
	return &Error{Status: http.StatusUnauthorized, Message: message}
}

// Forbidden refuses a client that may not do what it asks for (403).
func Forbidden(message string) *Error { return &Error{Status: http.StatusForbidden, Message: message} }

// NotFound refuses an event about something that is not there (404).
func NotFound(message string) *Error { return &Error{Status: http.StatusNotFound, Message: message} }

// Conflict refuses an event that contradicts the state of things (409).
func Conflict(message string) *Error { return &Error{Status: http.StatusConflict, Message: message} }

// TooManyRequests refuses a client that asks too often (429). The service does
// not send the event again.
func TooManyRequests(message string) *Error {
	return &Error{Status: http.StatusTooManyRequests, Message: message}
}

// Unavailable tells the service to try again soon (503): it delivers the event
// up to three more times.
func Unavailable(message string) *Error {
	return &Error{Status: http.StatusServiceUnavailable, Message: message}
}

// DecodeError is a payload that is not what its event promises. It is answered
// with 400. Its text names the place of the mistake, never the payload.
type DecodeError struct {
	// What was being decoded, for example "JSON payload".
	What string
	// Err is the cause. It is logged, never sent.
	Err error
}

// Error names what was decoded and the cause.
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

// ValidationError is a payload that breaks the rules of its type's validate
// tags. It is answered with 400 and the fields and rules it names.
type ValidationError struct {
	// Fields that broke a rule, in the order of the type; empty if a
	// [Config.Validate] function returned an error of its own.
	Fields []FieldError
	// Err is the validator's error. It is logged, never sent.
	Err error
}

// FieldError is one broken rule. It holds no value: what a client sent is not
// for the log.
type FieldError struct {
	// Field is the path of the field by its JSON names, such as "items[2].name".
	Field string
	// Rule is the validate tag that failed, such as "required" or "max".
	Rule string
	// Param is the rule's parameter, such as "64" of max=64.
	Param string
}

// String writes the field and its rule, such as "room: max=64".
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

// Error names the fields and rules.
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

// public names the broken rules. How many there are, and how deep a path is, is
// a client's choice: the answer and the log get the first few, cut.
func (e *ValidationError) public() string {
	const most = 16
	if len(e.Fields) == 0 {
		return "payload is not valid"
	}
	parts := make([]string, 0, most+1)
	for _, f := range e.Fields[:min(len(e.Fields), most)] {
		parts = append(parts, clip(f.String()))
	}
	if more := len(e.Fields) - most; more > 0 {
		parts = append(parts, fmt.Sprintf("and %d more", more))
	}
	return "payload is not valid: " + strings.Join(parts, "; ")
}

// PanicError is a panic of a function of [Config]. Interceptors see it, it is
// logged with its stack, and it is answered with 500. [http.ErrAbortHandler] is
// not caught.
type PanicError struct {
	// Value is what panic was called with.
	Value any
	// Stack is the stack of the goroutine that panicked.
	Stack []byte
}

// Error returns the value; the stack stays in Stack.
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
