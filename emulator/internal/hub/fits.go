package hub

import (
	"fmt"

	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// envelope is more than what stands around the data of a message in its frame.
const envelope = 64 << 10

// Fits returns an error if a message is too large for the connection: its frame is
// longer than what clients take.
func (c *Connection) Fits(m *Message) error {
	if 6*len(m.Data)+envelope <= wire.MaxClientFrame {
		return nil // each byte takes six at most to write
	}
	if size := len(m.Encode(c.out.Codec)); size+envelope > wire.MaxClientFrame {
		return fmt.Errorf("the answer is too large: for the client it makes a frame of %d bytes, at most %d are sent", size, wire.MaxClientFrame-envelope)
	}
	return nil
}
