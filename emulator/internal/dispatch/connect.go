package dispatch

import (
	"context"

	"github.com/go-webpubsub/webpubsub/emulator/internal/hub"
	"github.com/go-webpubsub/webpubsub/emulator/internal/trace"
	"github.com/go-webpubsub/webpubsub/internal/upstream"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// Connect delivers a connect event.
func (d *Dispatcher) Connect(ctx context.Context, h *hub.Hub, in *hub.Handshake) (*hub.Decision, error) {
	s := &session{hubName: h.Name, connectionID: in.ConnectionID}
	if id := in.UserID(); id != nil {
		s.userID = *id
	}
	d.remember(s)
	decision, err := d.connect(ctx, s, in)
	if err != nil {
		d.forget(s)
	}
	return decision, err
}

func (d *Dispatcher) connect(ctx context.Context, s *session, in *hub.Handshake) (*hub.Decision, error) {
	ev := &event{session: s, id: s.EventID(wire.TypeConnect), typ: wire.TypeConnect, name: wire.NameConnect, contentType: upstream.JSONContentType}
	r := d.routes.find(s.hubName, ev.typ, ev.name, "")
	if r == nil {
		return nil, nil //nolint:nilnil // no handler changes nothing
	}
	body := upstream.ConnectRequest{Claims: in.Claims, Query: in.Query, Headers: in.Headers, Subprotocols: in.Subprotocols}
	var err error
	if ev.body, err = body.Encode(); err != nil {
		return nil, err
	}
	answer, err := d.deliver(ctx, r, ev)
	if err != nil {
		return nil, err
	}
	if !answer.OK() {
		return nil, refusal(answer)
	}
	out, err := upstream.DecodeConnect(answer)
	if err != nil {
		return nil, err
	}
	s.Keep(ev.url, answer)
	decision := &hub.Decision{UserID: out.UserID, Groups: out.Groups, Roles: out.Roles}
	if out.Subprotocol != nil {
		decision.Subprotocol = *out.Subprotocol
	}
	return decision, nil
}

// refusal returns the error of an answer that is not a success.
func refusal(answer *upstream.Answer) error {
	return &hub.RefusalError{Status: answer.Status, Text: upstream.Text(answer.Body)}
}

// Abandoned forgets a client that was not connected. If there is a reason, it delivers a
// disconnected event.
func (d *Dispatcher) Abandoned(connectionID, reason string) {
	s := d.session(connectionID)
	if s == nil {
		return
	}
	d.forget(s)
	if reason != "" {
		d.notify(s, wire.TypeDisconnected, wire.NameDisconnected, "", trace.Context{}, upstream.Disconnected{Reason: &reason})
	}
}
