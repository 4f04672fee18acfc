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

	mu     sync.Mutex
	bodies []codecBody
}

type codecBody struct {
	codec Codec
	body  []byte
}

// Encode returns [Codec].Message of the message, which it calls once for each codec.
func (m *Message) Encode(c Codec) []byte {
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

// StreamInfo is the position of a message in a stream.
type StreamInfo struct {
	ID       string
	Sequence uint64
	End      bool
	Error    *StreamError // why the stream ended; nil: its client closed it
}

// StreamError is why a stream was refused or ended.
type StreamError struct {
	Name          string
	Message       string
	UserErrorCode string
}

// Error returns the name and message.
func (e *StreamError) Error() string { return e.Name + ": " + e.Message }

// AckError is why a request failed.
type AckError struct {
	Name    string
	Message string
}

// Error returns the name and message.
func (e *AckError) Error() string { return e.Name + ": " + e.Message }
