package dispatch

import (
	"encoding/json"
	"fmt"

	"github.com/go-webpubsub/webpubsub/emulator/internal/hub"
	"github.com/go-webpubsub/webpubsub/emulator/internal/trace"
	"github.com/go-webpubsub/webpubsub/internal/upstream"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// Connected queues a connected event.
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
	d.notify(s, wire.TypeConnected, wire.NameConnected, "", trace.Context{}, struct{}{})
}

// Disconnected queues a disconnected event.
func (d *Dispatcher) Disconnected(c *hub.Connection, reason string, cause trace.Context) {
	if s := d.session(c.ID); s != nil {
		d.forget(s)
		d.notify(s, wire.TypeDisconnected, wire.NameDisconnected, "", cause, upstream.Disconnected{Reason: &reason})
	}
}

// Joined queues a joined event.
func (d *Dispatcher) Joined(c *hub.Connection, group string, cause trace.Context) {
	if s := d.session(c.ID); s != nil {
		d.notify(s, wire.TypeGroupJoined, wire.NameJoined, group, cause, upstream.GroupPresence{Group: group})
	}
}

// Left queues a left event.
func (d *Dispatcher) Left(c *hub.Connection, group string, cause trace.Context) {
	if s := d.session(c.ID); s != nil {
		d.notify(s, wire.TypeGroupLeft, wire.NameLeft, group, cause, upstream.GroupPresence{Group: group})
	}
}

// notify delivers a notification after those before it, and logs the outcome. Events of
// groups, of which clients can cause any number, are dropped if the handler is too slow.
func (d *Dispatcher) notify(s *session, typ, name, group string, cause trace.Context, body any) {
	r := d.routes.find(s.hubName, typ, name, group)
	if r == nil && group != "" {
		return // without using up an id
	}
	ev := &event{session: s, id: s.EventID(typ), typ: typ, name: name, contentType: upstream.JSONContentType, cause: cause}
	if r == nil {
		return
	}
	raised := d.cfg.Clock.Now()
	added, dropped := s.notices.add(d.background, notice{kept: group == "", deliver: func() {
		ev.queued = d.cfg.Clock.Now().Sub(raised)
		var err error
		if ev.body, err = json.Marshal(body); err != nil {
			trace.Emit(d.ctx, d.cfg.Trace, ev.record(trace.KindEventNotWritten, err.Error()))
			return
		}
		if answer, err := d.deliver(d.ctx, r, ev); err == nil && answer.OK() {
			s.KeepCookies(ev.url, answer)
		}
	}})
	out := trace.EventsDropped{Client: s.client(), ID: ev.id, Name: ev.name}
	switch {
	case !added && dropped == 1:
		out.Reason = fmt.Sprintf("%d notifications of the connection wait for the event handler; joined and left are dropped until half of them are delivered", maxNotices)
		trace.Emit(d.ctx, d.cfg.Trace, out)
	case added && dropped > 0:
		out.Count = dropped
		trace.Emit(d.ctx, d.cfg.Trace, out)
	}
}
