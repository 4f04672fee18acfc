package httptest

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/go-webpubsub/webpubsub/internal/excerpt"
	"github.com/go-webpubsub/webpubsub/internal/upstream"
	"github.com/go-webpubsub/webpubsub/mqtt"
)

// RejectedError reports an event that a handler answered with any status but 2xx.
type RejectedError struct {
	// Event is the name of the event.
	Event string
	// Status of the answer. A client whose connect event is rejected gets it as
	// the status of its handshake.
	Status int
	Header http.Header
	Body   []byte
	// Attempts is the number of deliveries; more than one only with [Options.Retry].
	Attempts int
	// MQTT is the answer's member mqtt, for an MQTT client whose connect event was
	// rejected; nil for others, or if the body has none.
	MQTT *mqtt.Refusal
}

// Error names the event and the status, and quotes the first 128 bytes of the body.
func (e *RejectedError) Error() string {
	s := fmt.Sprintf("httptest: %s event rejected with %d %s", excerpt.Line(e.Event, maxName), e.Status, http.StatusText(e.Status))
	if text := upstream.Text(e.Body); text != "" {
		s += fmt.Sprintf(": %q", text)
	}
	return s
}

// NoConsentError reports that a handler did not consent to a validation request.
// The service sends no events to such a handler.
type NoConsentError struct {
	// Method of the request whose answer decided: OPTIONS, or GET after a 404.
	Method string
	// Status of that answer.
	Status int
	// AllowedOrigins are the answer's WebHook-Allowed-Origin lines. Consent needs one
	// that is "*" or the service's host, compared without case. A list in one line
	// does not count.
	AllowedOrigins []string
	// Body of the answer, which may contain the reason.
	Body []byte
}

// Error returns the reason, and the first 128 bytes of the body in quotes.
func (e *NoConsentError) Error() string {
	return "httptest: " + (*upstream.NoConsentError)(e).Error()
}

// InvalidAnswerError reports an answer with a 2xx status that the service cannot
// use, such as broken JSON after a connect event or an HTML page after a user
// event. The service drops its state and cookies. After a connect event, the
// client's handshake fails with 500.
type InvalidAnswerError struct {
	// Event is the name of the event.
	Event string
	// Reason names the part of the answer and the rule it breaks.
	Reason string
}

// Error names the event and the reason.
func (e *InvalidAnswerError) Error() string {
	return fmt.Sprintf("httptest: invalid answer to %s event: %s", excerpt.Line(e.Event, maxName), e.Reason)
}

// DeliveryError reports a request without an answer: the handler panicked, closed
// the connection, timed out or answered with more than 16 MiB, or the request
// could not be sent. It unwraps to the cause, which is a
// [*webpubsub.PanicError] after a panic.
type DeliveryError struct {
	// Event is the name of the event, or "validate" for a validation request.
	Event string
	// Attempts is the number of times that the request was sent.
	Attempts int
	// Err is the error of the last attempt.
	Err error
}

// Error names the event and the cause.
func (e *DeliveryError) Error() string {
	return fmt.Sprintf("httptest: %q request has no answer: %v", excerpt.Line(e.Event, maxName), e.Err)
}

// Unwrap returns the cause.
func (e *DeliveryError) Unwrap() error { return e.Err }

// Causes of a [DeliveryError], matched with [errors.Is].
var (
	// ErrTimeout reports that the handler did not answer in time: 100 seconds for an
	// event, 10 seconds for a validation request.
	ErrTimeout = upstream.ErrTimeout
	// ErrAnswerTooLarge reports that an answer is longer than 16 MiB.
	ErrAnswerTooLarge = upstream.ErrAnswerTooLarge
)

// ErrClosed reports an event of a connection that is closed.
var ErrClosed = errors.New("connection is closed")

// maxName is the number of bytes of an event's name that an error shows.
const maxName = 128

// StatusOf returns the status of the handshake of a client whose [Service.Connect]
// returned err: 101 for nil, the status of a [*RejectedError], and 500 for any
// other error.
func StatusOf(err error) int {
	var rejected *RejectedError
	switch {
	case err == nil:
		return http.StatusSwitchingProtocols
	case errors.As(err, &rejected):
		return rejected.Status
	}
	return http.StatusInternalServerError
}

// wrapError returns this package's error for an error of package upstream.
func wrapError(event string, err error) error {
	var (
		consent  *upstream.NoConsentError
		invalid  *upstream.InvalidAnswerError
		delivery *upstream.DeliveryError
	)
	switch {
	case errors.As(err, &consent):
		return (*NoConsentError)(consent)
	case errors.As(err, &invalid):
		return &InvalidAnswerError{Event: event, Reason: invalid.Reason}
	case errors.As(err, &delivery):
		return &DeliveryError{Event: event, Attempts: delivery.Attempts, Err: delivery.Err}
	}
	return err
}
