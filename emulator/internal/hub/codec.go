package hub

// Codec encodes messages in the format of a subprotocol. Its values must be comparable,
// and equal for equal formats: a message is encoded once for each.
type Codec interface {
	// Message encodes a message as a frame without sequence id.
	Message(m *Message) Frame
	// AppendSequenced appends the data of such a frame with a sequence id in it.
	AppendSequenced(b, data []byte, sequenceID uint64) []byte
}

// Answerer encodes all other frames for clients.
type Answerer interface {
	Connected(c *Connection) Frame
	Disconnected(reason string) Frame
	Pong() Frame
	Ack(id uint64, err *RequestError) Frame
	InvokeResponse(id string, m *Message, err *RequestError) Frame
	StreamAck(id string, expected uint64) Frame
	StreamNack(id string, expected uint64, err RequestError) Frame
	StreamClosed(id string, err *RequestError) Frame
}

// Output encodes and delivers the frames for one client.
type Output struct {
	Codec    Codec
	Delivery Delivery
	// Answers is nil for clients that understand only messages. Their connection is
	// closed when a request fails, since they would not understand an error.
	Answers Answerer
	// SilentRecovery means that a client that resumes its connection gets no connected
	// frame.
	SilentRecovery bool
}

// FrameKind is the kind of a frame.
type FrameKind uint8

// Kinds of frames.
const (
	FrameText FrameKind = iota
	FrameBinary
	// FrameClose closes the link with Code. Data is the reason.
	FrameClose
)

// Frame is a WebSocket frame, or its equivalent in another transport. All frames of a
// message share Data, also those with a sequence id: the transport inserts it when it
// writes the frame.
type Frame struct {
	Kind FrameKind
	Code int
	Data []byte
	// SequenceID is to be inserted into Data by Codec. Zero means none.
	SequenceID uint64
	Codec      Codec
}

// Close codes, numbered as in WebSocket.
const (
	CloseNormal      = 1000
	CloseGoingAway   = 1001
	CloseUnsupported = 1003
	CloseInvalid     = 1007
	ClosePolicy      = 1008
	CloseTooLarge    = 1009
	CloseInternal    = 1011
)
