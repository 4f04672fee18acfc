package subprotocol

import (
	"bytes"
	"unicode/utf8"

	"github.com/go-webpubsub/webpubsub/emulator/internal/hub"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// Raw is the protocol of clients without a Web PubSub subprotocol: each frame is
// a message, and nothing else is ever said. A raw client that sends to a group
// has Group set, and needs the permission like any other.
type Raw struct {
	Group  string
	NoEcho bool
}

// Read makes a user event "message" of a frame, or a message to the group.
func (p Raw) Read(binary bool, data []byte) (Request, *Violation) {
	if !binary && !utf8.Valid(data) {
		return nil, &Violation{Code: hub.CloseInvalid, Reason: "The client message is not valid UTF-8.", Detail: "text frame is not UTF-8"}
	}
	m := &hub.Message{Type: hub.Text, Data: data, Group: p.Group}
	if binary {
		m.Type = hub.Binary
	}
	if p.Group != "" {
		return SendToGroup{Message: m, NoEcho: p.NoEcho}, nil
	}
	return SendEvent{Event: wire.NameMessage, Message: m}, nil
}

// Reliable is false.
func (Raw) Reliable() bool { return false }

// Message is the data as it is, but for text that is not UTF-8, as an event
// handler may answer: a text frame with it would end the client.
func (Raw) Message(m *hub.Message) []byte {
	if m.Type == hub.Text || m.Type == hub.JSON {
		return bytes.ToValidUTF8(m.Data, []byte("\uFFFD"))
	}
	return m.Data
}

// Sequenced makes a text frame of text and JSON, a binary one of the rest.
func (Raw) Sequenced(m *hub.Message, body []byte, _ uint64) hub.Frame {
	if m.Type == hub.Text || m.Type == hub.JSON {
		return hub.Frame{Kind: hub.FrameText, Data: body}
	}
	return hub.Frame{Kind: hub.FrameBinary, Data: body}
}

// Ack and all that follows send nothing: a raw client would take it for a message.
func (Raw) Ack(uint64, *hub.AckError) hub.Frame { return hub.Frame{} }

// Connected sends nothing.
func (Raw) Connected(*hub.Connection) hub.Frame { return hub.Frame{} }

// Disconnected sends nothing.
func (Raw) Disconnected(string) hub.Frame { return hub.Frame{} }

// Pong sends nothing.
func (Raw) Pong() hub.Frame { return hub.Frame{} }

// InvokeResponse sends nothing.
func (Raw) InvokeResponse(string, *hub.Message, *hub.AckError) hub.Frame { return hub.Frame{} }

// StreamAck sends nothing.
func (Raw) StreamAck(string, uint64) hub.Frame { return hub.Frame{} }

// StreamNack sends nothing.
func (Raw) StreamNack(string, uint64, hub.StreamError) hub.Frame { return hub.Frame{} }

// StreamClosed sends nothing.
func (Raw) StreamClosed(string, *hub.StreamError) hub.Frame { return hub.Frame{} }
