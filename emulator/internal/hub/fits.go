package hub

import (
	"fmt"

	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// envelope exceeds the size of a frame without the message's data.
const envelope = 64 << 10

// Fits returns an error if the frame of a message would exceed [wire.MaxClientFrame].
func (c *Connection) Fits(m *Message) error {
	if 6*len(m.Data)+envelope <= wire.MaxClientFrame {
		return nil // a byte is encoded in at most six
	}
	if size := len(m.Encode(c.out.Codec)); size+envelope > wire.MaxClientFrame {
		return fmt.Errorf("the answer is too large: for the client it makes a frame of %d bytes, at most %d are sent", size, wire.MaxClientFrame-envelope)
	}
	return nil
}
