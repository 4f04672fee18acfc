package trace

import "time"

// Event is an event of a client and its outcome.
type Event struct {
	Client
	ID, Name string
	// Outcome is one of the kinds that begin with KindEvent.
	Outcome Kind
	// Reason says why there is no answer, or no usable one.
	Reason string

	// Handler is the URL template of the event handler, without its query.
	Handler         string
	Request, Answer Payload
	Status          int // of the answer
	Attempts        int
	// State of the connection: as sent with the event, and after the answer.
	StateBefore, StateAfter string

	// Queued is the time that a notification has waited for those before it.
	// Consent is the time until the handler had consented. Took is the time from the
	// event's turn to its end, Consent and the pauses between attempts included.
	Queued, Consent, Took time.Duration
}

// EventsDropped are notifications of joined and left groups that were dropped
// because too many wait for the event handler. There is one record of the first,
// without Count, and one with their number once notifications are queued again.
type EventsDropped struct {
	Client
	ID, Name string // of the event that was dropped first, or queued again
	Count    int
	Reason   string
}

// Validation is an answer to the abuse protection handshake.
type Validation struct {
	URL    string        // without its query
	Reason string        // empty if the handler has consented
	Again  time.Duration // time until the next validation
}

func (r Event) kind() Kind { return r.Outcome }

func (r EventsDropped) kind() Kind {
	if r.Count == 0 {
		return KindEventsDropping
	}
	return KindEventsDropped
}

func (r Validation) kind() Kind {
	if r.Reason == "" {
		return KindValidationPassed
	}
	return KindValidationFailed
}
