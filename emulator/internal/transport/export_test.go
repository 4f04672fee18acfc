package transport

import (
	"net"

	"github.com/go-webpubsub/webpubsub/emulator/internal/hub"
)

// Recorders returns the functions that record frames from and to the client of a connection.
func Recorders(hubs *hub.Hubs, c *hub.Connection) (in func(hub.Request, []byte), out func(hub.Frame)) {
	s := &socket{e: &Endpoint{Hubs: hubs}, client: c}
	return func(req hub.Request, data []byte) { s.recordIn(req, false, data) }, s.recordOut
}

// NewWire returns the functions that write messages, and control frames of the library, to
// a connection.
func NewWire(conn net.Conn) (messages func([]hub.Frame) error, control func([]byte) (int, error)) {
	w := newWire(conn, new(socket))
	return w.writeMessages, w.Write
}
