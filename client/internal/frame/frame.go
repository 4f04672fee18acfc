package frame

import "github.com/go-webpubsub/webpubsub/internal/wire"

// MaxRequest is the size in bytes of the largest frame that the service takes.
const MaxRequest = 1 << 20

// MaxFrame is the size in bytes of the largest frame that is taken from the
// service.
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

// Codec is a subprotocol. It keeps no state.
type Codec interface {
	// Name of the subprotocol.
	Name() string
	// Reliable tells whether messages have sequence ids and connections can be
	// recovered.
	Reliable() bool
	// Binary tells whether frames are binary rather than text.
	Binary() bool
	// Append writes a request behind what buf holds.
	Append(buf []byte, r *Request) []byte
	// Decode reads a frame of the service. What it puts into f is parts of text.
	// A frame of a kind that is not known is [Unknown], which is no error. With an
	// error f has a kind only if the frame can be read but for what it carries, and
	// a sequence id whenever one can be found.
	Decode(text string, f *Frame) error
}

// RequestKind is what a client asks for.
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
)

// Request is a frame of the client. Which fields have a meaning is up to its kind.
type Request struct {
	Kind     RequestKind
	Name     string // of the group or event
	ID       string // of the stream or invocation
	Sequence uint64 // of the message acknowledged, or the piece of the stream
	AckID    uint64
	WantsAck bool
	NoEcho   bool
	TTL      uint32 // seconds; 0: none
	Idle     uint32 // milliseconds; 0: the service's default
	Data     Data
	Metadata map[string]string
	Failure  *Failure // why a stream is aborted
}

// Kind is what the service says.
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
)

// Frame is a frame of the service. Which fields have a meaning is up to its kind.
type Frame struct {
	Kind     Kind
	ID       string // of the connection, stream or invocation
	Group    string
	UserID   string // of the client, or of a message's sender
	Token    string // for recovery
	Message  string // why the connection ends
	AckID    uint64
	Sequence uint64 // of the message; 0: it has none
	Expected uint64 // sequence id of the next piece of a stream
	Success  bool
	Failure  *Failure
	Data     Data
	Metadata map[string]string
	Stream   *Stream
}

// Failure is an error that the service, or another client, tells of.
type Failure struct {
	Name, Message, UserErrorCode string
}

// Stream says which piece of a stream a group message is.
type Stream struct {
	ID       string
	Sequence uint64
	End      bool
	Failure  *Failure
}
