package inspect

import "time"

// Record is one thing that happened, as the page shows it. Its texts have no secrets. It
// does not change once it is in a [List].
type Record struct {
	N          uint64    `json:"n"`
	At         time.Time `json:"at"`
	Kind       string    `json:"kind"`
	Level      string    `json:"level"`
	Hub        string    `json:"hub,omitempty"`
	Connection string    `json:"connection,omitempty"`
	User       string    `json:"user,omitempty"`
	Imported   bool      `json:"imported,omitempty"`
	Skipped    int       `json:"skipped,omitempty"`    // refused requests before this one, without a record
	SequenceID uint64    `json:"sequenceId,omitempty"` // of Frame, which is without it

	// One of these is set, or none.
	Handshake  *Handshake  `json:"handshake,omitempty"`
	Client     *Client     `json:"client,omitempty"`
	Frame      *Frame      `json:"frame,omitempty"`
	Ack        *Ack        `json:"ack,omitempty"`
	Group      *Group      `json:"group,omitempty"`
	GroupState *GroupState `json:"groupState,omitempty"`
	Permission *Permission `json:"permission,omitempty"`
	Event      *Event      `json:"event,omitempty"`
	Dropped    *Dropped    `json:"dropped,omitempty"`
	Validation *Validation `json:"validation,omitempty"`
	REST       *REST       `json:"rest,omitempty"`
	Foreign    *Foreign    `json:"foreign,omitempty"`
}

// members returns how many members with details are set.
func (r *Record) members() (n int) {
	for _, set := range [...]bool{
		r.Handshake != nil, r.Client != nil, r.Frame != nil, r.Ack != nil, r.Group != nil, r.GroupState != nil, r.Permission != nil,
		r.Event != nil, r.Dropped != nil, r.Validation != nil, r.REST != nil, r.Foreign != nil,
	} {
		if set {
			n++
		}
	}
	return n
}

// Handshake is the request of a client.
type Handshake struct {
	Query        map[string][]string `json:"query,omitempty"`
	Headers      map[string][]string `json:"headers,omitempty"`
	Claims       map[string][]string `json:"claims,omitempty"`
	Subprotocols []string            `json:"subprotocols,omitempty"`
}

// Client is a change or a mistake of a client.
type Client struct {
	Reason        string  `json:"reason,omitempty"`
	Subprotocol   string  `json:"subprotocol,omitempty"`
	Status        int     `json:"status,omitempty"`
	Code          int     `json:"code,omitempty"`
	LeftOut       int     `json:"leftOut,omitempty"`
	RecoverableMs float64 `json:"recoverableMs,omitempty"`
}

// Frame is a frame from or to a client. Records of one message to many clients share it. It
// is without the sequence id, which differs.
type Frame struct {
	Request     string `json:"request,omitempty"`
	Subprotocol string `json:"subprotocol,omitempty"`
	Binary      bool   `json:"binary,omitempty"`
	Close       int    `json:"close,omitempty"`
	Data        Data   `json:"data"`

	sharing
}

// Ack is an answer to a request with an ack id.
type Ack struct {
	ID      uint64 `json:"id"`
	Error   string `json:"error,omitempty"`
	Message string `json:"message,omitempty"`
}

// Group is a group that a client has joined or left.
type Group struct {
	Name string `json:"name"`
}

// GroupState is a change of a client's own state in a group, or of its subscription.
type GroupState struct {
	Group   string            `json:"group"`
	Entries map[string]string `json:"entries,omitempty"`
}

// Permission is a permission that was granted or revoked.
type Permission struct {
	Name  string `json:"name"`
	Group string `json:"group"`
}

// Event is an event and its outcome, which is the kind of the record.
type Event struct {
	ID          string    `json:"id"`
	Type        string    `json:"type"`
	Name        string    `json:"name"`
	Subprotocol string    `json:"subprotocol,omitempty"`
	Again       uint64    `json:"again,omitempty"`
	Handler     string    `json:"handler,omitempty"`
	URL         string    `json:"url,omitempty"`
	InMemory    bool      `json:"inMemory,omitempty"`
	Reason      string    `json:"reason,omitempty"`
	Status      int       `json:"status,omitempty"`
	Request     *Message  `json:"request,omitempty"`
	Answer      *Message  `json:"answer,omitempty"`
	StateBefore *State    `json:"stateBefore,omitempty"`
	StateAfter  *State    `json:"stateAfter,omitempty"`
	QueuedMs    float64   `json:"queuedMs"`
	ConsentMs   float64   `json:"consentMs"`
	TookMs      float64   `json:"tookMs"`
	Attempts    []Attempt `json:"attempts,omitempty"`
}

// Attempt is one delivery of an event.
type Attempt struct {
	StartMs float64 `json:"startMs"`
	TookMs  float64 `json:"tookMs"`
	Status  int     `json:"status,omitempty"`
	Error   string  `json:"error,omitempty"`
}

// Message is a request or an answer.
type Message struct {
	Headers map[string][]string `json:"headers,omitempty"`
	Data    Data                `json:"data"`
}

// State is the state of a connection. If JSON is set, the header has the text in base64.
type State struct {
	Text     string `json:"text"`
	JSON     bool   `json:"json,omitempty"`
	Redacted bool   `json:"redacted,omitempty"`
}

// Dropped are notifications that were dropped.
type Dropped struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Count  int    `json:"count,omitempty"`
	Reason string `json:"reason,omitempty"`
}

// Validation is an answer to the abuse protection handshake.
type Validation struct {
	URL     string  `json:"url"`
	Reason  string  `json:"reason,omitempty"`
	AgainMs float64 `json:"againMs"`
}

// REST is a call of the REST API.
type REST struct {
	Method  string   `json:"method"`
	Path    string   `json:"path"`
	Query   string   `json:"query,omitempty"`
	Status  int      `json:"status"`
	Reason  string   `json:"reason,omitempty"`
	Request *Message `json:"request,omitempty"`
	Answer  *Message `json:"answer,omitempty"`
	TookMs  float64  `json:"tookMs"`
}

// Foreign is a request for a foreign host or of a foreign web page.
type Foreign struct {
	Reason string `json:"reason"`
}

// milliseconds returns a duration with a precision of a microsecond.
func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
