package emulator

import (
	"cmp"
	"context"
	"log/slog"

	"github.com/go-webpubsub/webpubsub/emulator/internal/dispatch"
	"github.com/go-webpubsub/webpubsub/emulator/internal/hub"
)

// observer tells the log, and then the event handlers, what becomes of
// connections.
type observer struct {
	*dispatch.Dispatcher
	log *slog.Logger
}

// Connected logs a client that has come.
func (o observer) Connected(c *hub.Connection) {
	o.log.LogAttrs(context.Background(), slog.LevelInfo, "client connected",
		slog.String("hub", c.Hub()), slog.String("connection", c.ID), slog.String("user", user(c)), slog.String("subprotocol", c.Subprotocol))
	o.Dispatcher.Connected(c)
}

// Disconnected logs a client that has gone for good. A client that says goodbye
// seldom says why.
func (o observer) Disconnected(c *hub.Connection, reason string) {
	o.log.LogAttrs(context.Background(), slog.LevelInfo, "client gone",
		slog.String("hub", c.Hub()), slog.String("connection", c.ID), slog.String("user", user(c)), slog.String("reason", cmp.Or(reason, "closed by the client")))
	o.Dispatcher.Disconnected(c, reason)
}

func user(c *hub.Connection) string {
	if c.UserID == nil {
		return ""
	}
	return *c.UserID
}
