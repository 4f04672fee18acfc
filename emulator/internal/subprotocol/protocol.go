package subprotocol

import (
	"strings"

	"github.com/go-webpubsub/webpubsub/emulator/internal/hub"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// MaxFrame is the size of the largest frame that a client may send.
const MaxFrame = 1 << 20

// Protocol is a subprotocol in both directions.
type Protocol interface {
	// Read decodes one frame of a client.
	Read(binary bool, data []byte) (hub.Request, *Violation)
	// Output returns what writes to one client.
	Output() hub.Output
}

// Violation is a frame that ends the connection.
type Violation struct {
	Code   int
	Reason string // for the client
	Detail string // for the log
}

// Choose returns the protocol of a name, compared without case, or raw for any other
// name.
func Choose(name string, raw Raw) Protocol {
	switch {
	case strings.EqualFold(name, wire.SubprotocolJSON):
		return JSON{}
	case strings.EqualFold(name, wire.SubprotocolJSONReliable):
		return JSON{reliable: true}
	}
	return raw
}

// First returns the first of some names that is a subprotocol of the service, empty if
// none is.
func First(names []string) string {
	for _, name := range names {
		if Choose(name, Raw{}) != (Raw{}) {
			return name
		}
	}
	return ""
}
