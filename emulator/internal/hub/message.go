package hub

import (
	"fmt"
	"sync"

	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// The kinds of a message's data. A message keeps its kind and its data on the way from any
// sender to any receiver:
//
//	from                       | protobuf      | JSON                | raw    | event handler
//	text, text_data, REST      | text_data     | text                | text   | text/plain
//	json, json_data, REST      | json_data     | json                | text   | application/json
//	binary, binary_data, REST  | binary_data   | binary, in base64   | binary | application/octet-stream
//	protobuf, protobuf_data    | protobuf_data | protobuf, in base64 | binary | application/x-protobuf
//
// The answer of an event handler is like a REST call, and can be application/x-protobuf.
//
// Data of JSON is valid JSON, and data of Protobuf is a serialized google.protobuf.Any:
// whatever reads a message checks this, since the data is a part of the frames of
// receivers. Text of a REST call or an event handler may be invalid UTF-8; codecs repair it.
const (
	Text     = wire.DataText
	JSON     = wire.DataJSON
	Binary   = wire.DataBinary
	Protobuf = wire.DataProtobuf
)

// Message is a message for clients. It must not change once it has been sent.
type Message struct {
	// Group is empty for a message from the application server.
	Group string
	// FromUserID is nil for a sender without user id, and for the application server.
	FromUserID *string
	Type       wire.DataType
	Data       []byte
	Metadata   map[string]string
	Stream     *StreamInfo // nil: none
	// States are sent instead of data. They are nil for all other messages.
	States *GroupStates

	mu     sync.Mutex
	frames []codecFrame
}

type codecFrame struct {
	codec Codec
	frame Frame
}

// Encode returns [Codec].Message of the message, which it calls once for each codec.
func (m *Message) Encode(c Codec) Frame {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range m.frames {
		if m.frames[i].codec == c {
			return m.frames[i].frame
		}
	}
	f := c.Message(m)
	m.frames = append(m.frames, codecFrame{c, f})
	return f
}

// StreamInfo is the position of a message in a stream.
type StreamInfo struct {
	ID       string
	Sequence uint64
	End      bool
	Error    *RequestError // why the stream ended; nil: its client closed it
}

// RequestError is why a request failed, or why a stream ended.
type RequestError struct {
	Name          string
	Message       string
	UserErrorCode string // of the client that ended the stream
}

// Error returns the name and message.
func (e *RequestError) Error() string { return e.Name + ": " + e.Message }

// envelope exceeds the size of a frame without the message's data.
const envelope = 64 << 10

// Fits returns an error if the frame of a message would exceed [wire.MaxClientFrame].
func (c *Connection) Fits(m *Message) error {
	if 6*len(m.Data)+envelope <= wire.MaxClientFrame {
		return nil // a byte is encoded in at most six
	}
	if size := len(m.Encode(c.out.Codec).Data); size+envelope > wire.MaxClientFrame {
		return fmt.Errorf("the answer is too large: the client's frame has %d bytes, the maximum is %d", size, wire.MaxClientFrame-envelope)
	}
	return nil
}
