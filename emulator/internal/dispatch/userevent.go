package dispatch

import (
	"context"
	"errors"

	"github.com/go-webpubsub/webpubsub/emulator/internal/hub"
	"github.com/go-webpubsub/webpubsub/emulator/internal/trace"
	"github.com/go-webpubsub/webpubsub/internal/upstream"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

var errNoHandler = errors.New("no event handler selects this event")

// Event delivers a user event and returns the message of the answer, or nil.
func (d *Dispatcher) Event(ctx context.Context, c *hub.Connection, name string, m *hub.Message) (*hub.Message, error) {
	s := d.session(c.ID)
	if s == nil {
		return nil, errors.New("the connection has ended")
	}
	typ := wire.TypePrefixUser + name
	ev := &event{session: s, id: s.EventID(typ), typ: typ, name: name, body: m.Data, metadata: m.Metadata}
	ev.contentType = upstream.ContentType(m.Type)
	r := d.routes.find(s.hubName, ev.typ, name, "")
	if r == nil {
		trace.Emit(ctx, d.cfg.Trace, ev.record(trace.KindEventNoHandler, errNoHandler.Error()))
		return nil, errNoHandler
	}
	answer, err := d.deliver(ctx, r, ev)
	if err != nil {
		return nil, err
	}
	if !answer.OK() {
		return nil, refusal(answer)
	}
	reply, err := message(answer)
	if err == nil && reply != nil {
		err = c.Fits(reply)
	}
	if err != nil {
		trace.Emit(ctx, d.cfg.Trace, ev.record(trace.KindEventAnswerUnusable, err.Error()))
		return nil, err
	}
	s.Keep(ev.url, answer)
	return reply, nil
}

// message returns the message in an answer, or nil.
func message(answer *upstream.Answer) (*hub.Message, error) {
	out, err := upstream.DecodeUser(answer)
	if err != nil || !out.Message {
		return nil, err
	}
	return &hub.Message{Type: out.DataType, Data: out.Data, Metadata: out.Metadata}, nil
}
