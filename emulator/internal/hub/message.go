package hub

import (
	"sync"

	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// The kinds of a message's data.
const (
	Text     = wire.DataText
	JSON     = wire.DataJSON
	Binary   = wire.DataBinary
	Protobuf = wire.DataProtobuf
)

// Message is what is delivered to connections. It must not change once sent.
type Message struct {
	// Group that the message was sent to; empty for one from the server.
	Group string
	// FromUserID of the sender; nil for a sender without user, and for the server.
	FromUserID *string
	Type       wire.DataType
	Data       []byte
	Metadata   map[string]string
	// Stream that the message is part of; nil for most.
	Stream *StreamInfo

	mu     sync.Mutex
	bodies []codecBody
}

type codecBody struct {
	codec Codec
	body  []byte
}

// body encodes the message once for each codec, not for each receiver.
func (m *Message) body(c Codec) []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, b := range m.bodies {
		if b.codec == c {
			return b.body
		}
	}
	body := c.Message(m)
	m.bodies = append(m.bodies, codecBody{c, body})
	return body
}

// StreamInfo places a message in a stream that a client sends to a group.
type StreamInfo struct {
	ID       string
	Sequence uint64
	// End marks the last message of the stream; Error says why, if not by wish.
	End   bool
	Error *StreamError
}

// StreamError is why a stream ended.
type StreamError struct {
	Name          string
	Message       string
	UserErrorCode string
}

// Error gives the name and message.
func (e *StreamError) Error() string { return e.Name + ": " + e.Message }

// AckError is why a client's request failed.
type AckError struct {
	Name    string
	Message string
}

// Error gives the name and message.
func (e *AckError) Error() string { return e.Name + ": " + e.Message }

// Codec writes the frames of one subprotocol. Values of it must be comparable,
// and equal for equal formats.
type Codec interface {
	// Message encodes a message without its sequence id, Sequenced adds the id to
	// what Message gave. Codecs of unreliable subprotocols get a zero id.
	Message(m *Message) []byte
	Sequenced(m *Message, body []byte, sequenceID uint64) Frame
	// Reliable tells whether messages have sequence ids and can be recovered.
	Reliable() bool

	// The rest write one frame each; the zero Frame sends nothing.
	Ack(id uint64, err *AckError) Frame
	Connected(c *Connection) Frame
	Disconnected(reason string) Frame
	Pong() Frame
	InvokeResponse(id string, m *Message, err *AckError) Frame
	StreamAck(id string, expected uint64) Frame
	StreamNack(id string, expected uint64, err StreamError) Frame
	StreamClosed(id string, err *StreamError) Frame
}

// FrameKind is what a frame is on the wire.
type FrameKind uint8

// The kinds of frames.
const (
	FrameNone FrameKind = iota
	FrameText
	FrameBinary
	// FrameClose ends the link with Code and Data as reason.
	FrameClose
)

// Frame is one WebSocket frame.
type Frame struct {
	Kind FrameKind
	Data []byte
	Code int
}

// Close codes of links.
const (
	CloseNormal      = 1000
	CloseGoingAway   = 1001
	CloseProtocol    = 1002
	CloseUnsupported = 1003
	CloseInvalid     = 1007
	ClosePolicy      = 1008
	CloseTooLarge    = 1009
	CloseInternal    = 1011
)
