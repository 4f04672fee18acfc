package dispatch

import (
	"encoding/json"
	"fmt"
	"log/slog"

	"github.com/go-webpubsub/webpubsub/emulator/internal/hub"
	"github.com/go-webpubsub/webpubsub/internal/upstream"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// Connected tells the handler that a client has connected.
func (d *Dispatcher) Connected(c *hub.Connection) {
	s := d.session(c.ID)
	if s == nil {
		return
	}
	s.mu.Lock()
	s.userID, s.subprotocol = "", c.Subprotocol
	if c.UserID != nil {
		s.userID = *c.UserID
	}
	s.mu.Unlock()
	d.notify(s, wire.TypeConnected, wire.NameConnected, "", struct{}{})
}

// Disconnected tells the handler that a connection has ended.
func (d *Dispatcher) Disconnected(c *hub.Connection, reason string) {
	if s := d.session(c.ID); s != nil {
		d.forget(s)
		d.notify(s, wire.TypeDisconnected, wire.NameDisconnected, "", upstream.Disconnected{Reason: &reason})
	}
}

// Joined tells the handler that a connection is in a group.
func (d *Dispatcher) Joined(c *hub.Connection, group string) {
	if s := d.session(c.ID); s != nil {
		d.notify(s, wire.TypeGroupJoined, wire.NameJoined, group, upstream.GroupPresence{Group: group})
	}
}

// Left tells the handler that a connection is not in a group any more.
func (d *Dispatcher) Left(c *hub.Connection, group string) {
	if s := d.session(c.ID); s != nil {
		d.notify(s, wire.TypeGroupLeft, wire.NameLeft, group, upstream.GroupPresence{Group: group})
	}
}

// notify delivers a notification after those before it. What comes of it is for
// the log only. Of groups' events some are dropped if the handler is too slow for
// them, since a client can cause as many as it likes.
func (d *Dispatcher) notify(s *session, typ, name, group string, body any) {
	r := d.routes.find(s.hubName, typ, name, group)
	if r == nil && group != "" {
		return // a group's event without handler has no id, as if there were no such events
	}
	ev := &event{session: s, id: s.EventID(typ), typ: typ, name: name, contentType: jsonType}
	if r == nil {
		return
	}
	added, dropped := s.notices.add(d.background, notice{kept: group == "", deliver: func() {
		var err error
		if ev.body, err = json.Marshal(body); err != nil {
			d.log(d.ctx, slog.LevelError, "event not written", ev, slog.String("reason", err.Error()))
			return
		}
		if answer, err := d.deliver(d.ctx, r, ev); err == nil && answer.OK() {
			s.KeepCookies(ev.url, answer)
		}
	}})
	switch {
	case !added && dropped == 1:
		d.log(d.ctx, slog.LevelWarn, "events are dropped", ev, slog.String("reason", fmt.Sprintf(
			"%d notifications of the connection wait for the event handler; joined and left are dropped until half of them are delivered", maxNotices)))
	case added && dropped > 0:
		d.log(d.ctx, slog.LevelWarn, "events were dropped", ev, slog.Int("count", dropped))
	}
}
