package transport

import "github.com/go-webpubsub/webpubsub/emulator/internal/hub"

// Recorders returns the functions that record frames from and to the client of a connection.
func Recorders(hubs *hub.Hubs, c *hub.Connection) (in func(hub.Request, []byte), out func(hub.Frame)) {
	s := &socket{e: &Endpoint{Hubs: hubs}, client: c}
	return func(req hub.Request, data []byte) { s.recordIn(req, false, data) }, s.recordOut
}
