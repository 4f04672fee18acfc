package subprotocol

import (
	"strings"

	"github.com/go-webpubsub/webpubsub/emulator/internal/hub"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// MaxFrame is the size of the largest frame that a client may send.
const MaxFrame = 1 << 20

// Protocol is a client subprotocol.
type Protocol interface {
	// Read decodes a frame of a client.
	Read(binary bool, data []byte) (hub.Request, *Violation)
	// Output returns the output for one client.
	Output() hub.Output
}

// Violation reports an invalid frame, which closes the connection.
type Violation struct {
	Code   int
	Reason string // for the client
	Detail string // for the log
}

// Choose returns the protocol with the name, compared without case, or raw.
func Choose(name string, raw Raw) Protocol {
	switch {
	case strings.EqualFold(name, wire.SubprotocolJSON):
		return JSON{}
	case strings.EqualFold(name, wire.SubprotocolJSONReliable):
		return JSON{reliable: true}
	case strings.EqualFold(name, wire.SubprotocolProtobuf):
		return Protobuf{}
	case strings.EqualFold(name, wire.SubprotocolProtobufReliable):
		return Protobuf{reliable: true}
	}
	return raw
}

// First returns the first name that is a subprotocol of the service, or "".
func First(names []string) string {
	for _, name := range names {
		if Choose(name, Raw{}) != (Raw{}) {
			return name
		}
	}
	return ""
}
