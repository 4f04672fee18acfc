package hub

import (
	"sync"
)

// DataType is the kind of a message's data.
type DataType uint8

// The kinds of data.
const (
	Text DataType = iota
	JSON
	Binary
	Protobuf
)

// Message is what is delivered to connections. It must not change once sent.
type Message struct {
	// Group that the message was sent to; empty for one from the server.
	Group string
	// FromUserID of the sender; nil for a sender without user, and for the server.
	FromUserID *string
	Type       DataType
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

// Encode encodes the message once for each codec, not for each receiver.
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
