package trace

import "time"

// Kind is the kind of a [Record].
type Kind uint8

// The kinds of records, each with the type of its records.
const (
	KindClientConnected     Kind = iota // ClientRecord
	KindClientRefused                   // ClientRecord: the handshake was answered with an error
	KindClientGone                      // ClientRecord: the connection has ended
	KindClientLost                      // ClientRecord: the socket has ended; the client may recover the connection
	KindClientRecovered                 // ClientRecord
	KindRecoveryRefused                 // ClientRecord
	KindHandshakeFailed                 // ClientRecord: the WebSocket handshake of an accepted client
	KindRoleIgnored                     // ClientRecord: an unknown role, once for each role
	KindRolesLeftOut                    // ClientRecord: roles beyond the limits
	KindNoSubprotocol                   // ClientRecord: only unknown subprotocols are offered
	KindPingUnanswered                  // ClientRecord: the client is disconnected
	KindFrameInvalid                    // ClientRecord: a frame that violates the protocol, which ends the connection
	KindRequestRefused                  // ClientRecord
	KindFrameIn                         // FrameIn
	KindFrameOut                        // FrameOut
	KindEventDelivered                  // Event: the handler answered 2xx
	KindEventRefused                    // Event: the handler answered anything else
	KindEventNotDelivered               // Event: there was no answer
	KindEventNoHandler                  // Event: no event handler selects it
	KindEventCancelled                  // Event: the client does not want the answer any more
	KindEventDropped                    // Event: the emulator has stopped
	KindEventNotWritten                 // Event: its request could not be encoded
	KindEventAnswerUnusable             // Event: the answer is invalid, after KindEventDelivered
	KindEventsDropping                  // EventsDropped: the first one of several
	KindEventsDropped                   // EventsDropped: the number, once events are queued again
	KindValidationPassed                // Validation
	KindValidationFailed                // Validation
	KindRESTCall                        // RESTCall
	KindRESTCallRefused                 // RESTCall: without a valid token
	KindForeignRefused                  // ForeignRefused
	kinds
)

// Record is one thing that happened: a value of a type of this package.
type Record interface {
	kind() Kind
}

// Client identifies the client that a record is about.
type Client struct {
	Hub        string
	Connection string // id; empty for a client that has no connection
	User       string // id; empty for none
}

// ClientRecord is a change or a mistake of a client.
type ClientRecord struct {
	Client
	Kind        Kind
	Reason      string        // empty for none
	Subprotocol string        // of KindClientConnected; empty for none
	Status      int           // of KindClientRefused
	LeftOut     int           // number of roles of KindRolesLeftOut
	Recoverable time.Duration // of KindClientLost
}

// FrameIn is a frame from a client.
type FrameIn struct {
	Client
	Request string // type of the decoded request
	Binary  bool
	Data    Payload
}

// FrameOut is a frame to a client.
type FrameOut struct {
	Client
	Binary bool
	Close  int // close code; zero for other frames
	Data   Payload
}

// Event is an event of a client and its outcome.
type Event struct {
	Client
	ID, Name string
	// Outcome is one of the kinds that begin with KindEvent.
	Outcome Kind
	// Reason is why there is no answer, or none that is valid.
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

// RESTCall is a call of the REST API.
type RESTCall struct {
	Method, Path string
	Status       int
	Took         time.Duration
	Refused      string // why the call has no valid token; empty if it has
}

// ForeignRefused is a request for a foreign host or of a foreign web page.
type ForeignRefused struct{ Reason string }

func (r ClientRecord) kind() Kind { return r.Kind }
func (FrameIn) kind() Kind        { return KindFrameIn }
func (FrameOut) kind() Kind       { return KindFrameOut }
func (r Event) kind() Kind        { return r.Outcome }
func (ForeignRefused) kind() Kind { return KindForeignRefused }

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

func (r RESTCall) kind() Kind {
	if r.Refused != "" {
		return KindRESTCallRefused
	}
	return KindRESTCall
}
