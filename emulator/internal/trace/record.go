package trace

import "time"

// Kind is the kind of a [Record].
type Kind uint8

// The kinds of records, each with the type of its records.
const (
	KindClientConnected        Kind = iota // ClientRecord
	KindClientRefused                      // ClientRecord: the handshake was answered with an error
	KindClientGone                         // ClientRecord: the connection has ended
	KindClientLost                         // ClientRecord: the socket has ended; the client may recover the connection
	KindClientRecovered                    // ClientRecord
	KindRecoveryRefused                    // ClientRecord
	KindHandshakeFailed                    // ClientRecord: the WebSocket handshake of an accepted client
	KindRoleIgnored                        // ClientRecord: an unknown role, once for each role
	KindRolesLeftOut                       // ClientRecord: roles beyond the limits
	KindNoSubprotocol                      // ClientRecord: only unknown subprotocols are offered
	KindPingUnanswered                     // ClientRecord: the client is disconnected
	KindFrameInvalid                       // ClientRecord: a frame that violates the protocol, which ends the connection
	KindRequestRefused                     // ClientRecord
	KindFrameIn                            // FrameIn
	KindFrameOut                           // FrameOut
	KindEventDelivered                     // Event: the handler answered 2xx
	KindEventRefused                       // Event: the handler answered anything else
	KindEventNotDelivered                  // Event: there was no answer
	KindEventNoHandler                     // Event: no event handler selects it
	KindEventCancelled                     // Event: the client does not want the answer any more
	KindEventDropped                       // Event: the emulator has stopped
	KindEventNotWritten                    // Event: its request could not be encoded
	KindEventAnswerUnusable                // Event: the answer is invalid, after KindEventDelivered
	KindEventsDropping                     // EventsDropped: the first one of several
	KindEventsDropped                      // EventsDropped: the number, once events are queued again
	KindValidationPassed                   // Validation
	KindValidationFailed                   // Validation
	KindRESTCall                           // RESTCall
	KindRESTCallRefused                    // RESTCall: without a valid token
	KindForeignRefused                     // ForeignRefused
	KindHandshake                          // Handshake
	KindAck                                // Ack
	KindGroupJoined                        // GroupChange
	KindGroupLeft                          // GroupChange
	KindGroupStateSet                      // GroupState
	KindGroupStateCleared                  // GroupState
	KindGroupStateSubscribed               // GroupState
	KindGroupStateUnsubscribed             // GroupState
	KindPermissionGranted                  // PermissionChange
	KindPermissionRevoked                  // PermissionChange
	kinds

	// KindRESTPayload is no record. A sink that wants it gets the payloads of RESTCall,
	// which are copies.
	KindRESTPayload
)

// Record is one thing that happened: a value of a type of this package.
type Record interface {
	kind() Kind
}

// KindOf returns the kind of a record.
func KindOf(r Record) Kind { return r.kind() }

// Client identifies the client that a record is about.
type Client struct {
	Hub        string
	Connection string // id; empty for a client that has no connection
	User       string // id; empty for none

	cleaned bool // by [Stream.Clean]; false in records of sinks
}

// ClientRecord is a change or a mistake of a client.
type ClientRecord struct {
	Client
	Kind        Kind
	Reason      string        // empty for none
	Subprotocol string        // of KindClientConnected; empty for none
	Status      int           // of KindClientRefused
	LeftOut     int           // number of roles of KindRolesLeftOut
	Code        int           // of the close frame, of KindClientGone and KindClientLost; zero for none
	Recoverable time.Duration // of KindClientLost
}

// FrameIn is a frame from a client.
type FrameIn struct {
	Client
	Subprotocol string
	Request     string // type of the decoded request
	Binary      bool
	Data        Payload
}

// FrameOut is a frame to a client. The frames of a message for many clients share Data, which
// is without SequenceID.
type FrameOut struct {
	Client
	Subprotocol string
	Binary      bool
	Close       int    // close code; zero for other frames
	SequenceID  uint64 // of a reliable subprotocol; zero for none
	Data        Payload
}

// Event is an event of a client and its outcome.
type Event struct {
	Client
	ID, Type, Name string
	Subprotocol    string
	// Again is set if the event has been raised again: the number of its first record.
	Again uint64
	// Outcome is one of the kinds that begin with KindEvent.
	Outcome Kind
	// Reason is why there is no answer, or why the answer is invalid.
	Reason string

	// Handler is the URL template of the event handler. URL is where the event was sent
	// to. Both are without query. A handler in memory is not called by its URL.
	Handler, URL    string
	InMemory        bool
	Request, Answer Payload
	Status          int // of the answer
	Attempts        int
	// Log has all attempts, the first one first.
	Log []Attempt
	// State of the connection: as sent with the event, and after the answer.
	StateBefore, StateAfter State

	// Queued is the time that a notification has waited for those before it.
	// Consent is the time until the handler had consented. Took is the time from the
	// event's turn to its end, Consent and the pauses between attempts included.
	Queued, Consent, Took time.Duration
}

// Attempt is one delivery of an event: an answer or an error.
type Attempt struct {
	Start, Took time.Duration // since the first attempt
	Status      int
	Error       string
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
	Query        string
	Took         time.Duration
	Refused      string // why the call has no valid token; empty if it has

	// Request and Answer are empty unless a sink wants KindRESTPayload.
	Request, Answer Payload
}

// ForeignRefused is a request for a foreign host or of a foreign web page.
type ForeignRefused struct{ Reason string }

// Handshake is the request of a client that wants to connect. Query and Header are without
// the token.
type Handshake struct {
	Client
	Query, Header, Claims map[string][]string
	Subprotocols          []string
	Refused               bool // the client has no valid token
}

// Ack is an answer to a request with an ack id.
type Ack struct {
	Client
	ID             uint64
	Error, Message string // empty if the request has succeeded
}

// GroupChange is a client that has joined or left a group.
type GroupChange struct {
	Client
	Kind  Kind
	Group string
}

// GroupState is a change of the client's own state in a group, or of its subscription.
type GroupState struct {
	Client
	Kind    Kind
	Group   string
	Entries map[string]string // of KindGroupStateSet
}

// PermissionChange is a permission that was granted or revoked by a REST call.
type PermissionChange struct {
	Client
	Kind              Kind
	Permission, Group string
}

func (r ClientRecord) kind() Kind     { return r.Kind }
func (Handshake) kind() Kind          { return KindHandshake }
func (Ack) kind() Kind                { return KindAck }
func (r GroupChange) kind() Kind      { return r.Kind }
func (r GroupState) kind() Kind       { return r.Kind }
func (r PermissionChange) kind() Kind { return r.Kind }
func (FrameIn) kind() Kind            { return KindFrameIn }
func (FrameOut) kind() Kind           { return KindFrameOut }
func (r Event) kind() Kind            { return r.Outcome }
func (ForeignRefused) kind() Kind     { return KindForeignRefused }

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
