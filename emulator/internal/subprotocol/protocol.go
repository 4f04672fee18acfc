package subprotocol

import (
	"strings"
	"time"

	"github.com/go-webpubsub/webpubsub/emulator/internal/hub"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// MaxFrame is the size of the largest frame that a client may send.
const MaxFrame = 1 << 20

// Protocol is a subprotocol in both directions: it writes frames as a hub.Codec
// does, and reads those of clients.
type Protocol interface {
	hub.Codec
	// Read decodes one frame of a client.
	Read(binary bool, data []byte) (Request, *Violation)
}

// Violation is a frame that ends the connection.
type Violation struct {
	Code   int
	Reason string // for the client
	Detail string // for the log
}

// Request is what a client asks for: one of the types below.
type Request any

// The requests of clients.
type (
	// JoinGroup makes the client a member of a group.
	JoinGroup struct {
		Group string
		AckID *uint64
	}
	// LeaveGroup ends that.
	LeaveGroup struct {
		Group string
		AckID *uint64
	}
	// SendToGroup publishes a message.
	SendToGroup struct {
		Message *hub.Message
		NoEcho  bool
		TTL     time.Duration
		AckID   *uint64
	}
	// SendEvent is for the event handler; its message has no group.
	SendEvent struct {
		Event   string
		Message *hub.Message
		AckID   *uint64
	}
	// Invoke is a SendEvent whose answer is matched by id.
	Invoke struct {
		ID      string
		Event   string
		Message *hub.Message
	}
	// CancelInvocation says that nobody waits for the answer any more.
	CancelInvocation struct{ ID string }
	// SequenceAck acknowledges all messages up to an id.
	SequenceAck struct{ ID uint64 }
	// Ping wants a pong.
	Ping struct{}
	// StartStream begins a stream to a group.
	StartStream struct {
		ID     string
		Group  string
		NoEcho bool
		Idle   time.Duration
	}
	// StreamData is the next piece of a stream.
	StreamData struct {
		ID       string
		Sequence uint64
		Message  *hub.Message // nil: keep-alive
	}
	// StreamEnd ends a stream.
	StreamEnd struct {
		ID    string
		Error *hub.StreamError
	}
)

// Choose gives the protocol by its name, compared without case, or Raw for any
// other name.
func Choose(name string) Protocol {
	switch {
	case strings.EqualFold(name, wire.SubprotocolJSON):
		return JSON{}
	case strings.EqualFold(name, wire.SubprotocolJSONReliable):
		return JSON{reliable: true}
	}
	return Raw{}
}

// Known tells whether a name is one of the service's own subprotocols.
func Known(name string) bool { return Choose(name) != Raw{} }
