package emulator

import (
	"context"

	"github.com/go-webpubsub/webpubsub/emulator/internal/dispatch"
	"github.com/go-webpubsub/webpubsub/emulator/internal/hub"
	"github.com/go-webpubsub/webpubsub/emulator/internal/trace"
)

// observer tells the log, and then the event handlers, what becomes of
// connections.
type observer struct {
	*dispatch.Dispatcher
	trace *trace.Stream
}

// Connected logs a client that has come.
func (o observer) Connected(c *hub.Connection) {
	trace.Emit(context.Background(), o.trace, trace.ClientConnected{Client: clientOf(c), Subprotocol: c.Subprotocol})
	o.Dispatcher.Connected(c)
}

// Disconnected logs a client that has gone for good. A client that says goodbye
// seldom says why.
func (o observer) Disconnected(c *hub.Connection, reason string) {
	trace.Emit(context.Background(), o.trace, trace.ClientGone{Client: clientOf(c), Reason: reason})
	o.Dispatcher.Disconnected(c, reason)
}

func clientOf(c *hub.Connection) trace.Client {
	out := trace.Client{Hub: c.Hub(), Connection: c.ID}
	if c.UserID != nil {
		out.User = *c.UserID
	}
	return out
}
