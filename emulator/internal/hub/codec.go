package hub

// Codec writes messages in the format of a subprotocol. Its values must be
// comparable, and equal for equal formats: a message is encoded once for each.
type Codec interface {
	// Message encodes a message without its sequence id.
	Message(m *Message) []byte
	// Sequenced adds a sequence id to what Message returned; zero adds none.
	Sequenced(m *Message, body []byte, sequenceID uint64) Frame
}

// Answerer writes what a client is told beside messages, one frame each.
type Answerer interface {
	Connected(c *Connection) Frame
	Disconnected(reason string) Frame
	Pong() Frame
	Ack(id uint64, err *AckError) Frame
	InvokeResponse(id string, m *Message, err *AckError) Frame
	StreamAck(id string, expected uint64) Frame
	StreamNack(id string, expected uint64, err StreamError) Frame
	StreamClosed(id string, err *StreamError) Frame
}

// Output is how a client is written to.
type Output struct {
	Codec    Codec
	Delivery Delivery
	// Answers is nil for a client that understands messages only. Since nothing else
	// can tell it that a request failed, its connection is closed then.
	Answers Answerer
}

// FrameKind is what a frame is on the wire.
type FrameKind uint8

// The kinds of frames.
const (
	FrameText FrameKind = iota
	FrameBinary
	// FrameClose ends the link with Code and Data as reason.
	FrameClose
)

// Frame is one frame for a client, in terms of WebSocket.
type Frame struct {
	Kind FrameKind
	Data []byte
	Code int
}

// Close codes of links, with the values of WebSocket.
const (
	CloseNormal      = 1000
	CloseGoingAway   = 1001
	CloseUnsupported = 1003
	CloseInvalid     = 1007
	ClosePolicy      = 1008
	CloseTooLarge    = 1009
	CloseInternal    = 1011
)
