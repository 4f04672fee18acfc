package frame

import "github.com/go-webpubsub/webpubsub/internal/wire"

// MaxRequest is the size in bytes of the largest frame that the service accepts.
const MaxRequest = 1 << 20

// MaxFrame is the size in bytes of the largest frame that the client accepts.
const MaxFrame = wire.MaxClientFrame

// The types of payloads.
const (
	None     = wire.DataNone
	Text     = wire.DataText
	JSON     = wire.DataJSON
	Binary   = wire.DataBinary
	Protobuf = wire.DataProtobuf
)

// Data is a payload.
type Data struct {
	Type  wire.DataType
	Text  string // of Text, and the JSON of JSON
	Bytes []byte // of Binary and Protobuf
}

// size returns the number of bytes.
func (d *Data) size() int { return len(d.Text) + len(d.Bytes) }

// Codec is a subprotocol. It has no state.
type Codec interface {
	// Name returns the name of the subprotocol.
	Name() string
	// Reliable reports whether messages have sequence ids and connections can be
	// recovered.
	Reliable() bool
	// Binary reports whether frames are binary rather than text.
	Binary() bool
	// Append appends an encoded request to buf.
	Append(buf []byte, r *Request) []byte
	// Decode decodes a frame of the service. Nothing in f is a part of b. A frame of
	// an unknown kind is [Unknown] without an error. If Decode returns an error, f has
	// a sequence id whenever one can be found. If its kind is [InvokeResponse], ID is
	// that of the invocation.
	Decode(b []byte, f *Frame) error
}

// RequestKind is the kind of a request.
type RequestKind uint8

// The kinds of requests.
const (
	JoinGroup RequestKind = iota
	LeaveGroup
	SendToGroup
	SendEvent
	SequenceAck
	Ping
	StreamStart
	StreamData
	StreamEnd
	Invoke
	CancelInvocation
	SetGroupState
	SubscribeGroupState
	UnsubscribeGroupState
)

// Request is a frame of the client. Its kind determines which fields have a
// meaning.
type Request struct {
	Kind     RequestKind
	Name     string // of the group or event
	ID       string // of the stream or invocation
	Sequence uint64 // of the acknowledged message or the piece of the stream
	AckID    uint64
	WantsAck bool
	NoEcho   bool
	TTL      uint32 // seconds; 0: none
	Idle     uint32 // milliseconds; 0: the service's default
	Data     Data
	Metadata map[string]string
	State    map[string]string // in the group; nil clears it
	Failure  *Failure          // reason for aborting a stream
}

// Kind is the kind of a frame.
type Kind uint8

// The kinds of frames.
const (
	Unknown Kind = iota
	Ack
	GroupMessage
	ServerMessage
	Connected
	Disconnected
	Pong
	StreamAck
	StreamNack
	StreamClosed
	InvokeResponse
	GroupStateUpdate
	GroupStateSnapshot
)

// Frame is a frame of the service. Its kind determines which fields have a meaning.
type Frame struct {
	Kind     Kind
	ID       string // of the connection, stream or invocation
	Group    string
	UserID   string // of the client, or of a message's sender
	Token    string // for recovery
	Message  string // reason for the end of the connection
	AckID    uint64
	Sequence uint64 // of the message; 0 if it has none
	Expected uint64 // sequence id of the next piece of a stream
	Success  bool
	Failure  *Failure
	Data     Data
	Metadata map[string]string
	Stream   *Stream
	States   []State
}

// Failure is an error from the service or another client.
type Failure struct {
	Name, Message, UserErrorCode string
}

// Stream describes the piece of a stream in a group message.
type Stream struct {
	ID       string
	Sequence uint64
	End      bool
	Failure  *Failure
}
