package dispatch

import (
	"cmp"
	"context"
	"strconv"
	"strings"

	"github.com/go-webpubsub/webpubsub/emulator/internal/hub"
	"github.com/go-webpubsub/webpubsub/emulator/internal/trace"
	"github.com/go-webpubsub/webpubsub/internal/upstream"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// Again is an event that is raised again, as it was or changed.
type Again struct {
	// First is the number of its first record.
	First uint64
	// Hub and ConnectionID of the connection. UserID and Subprotocol are used if it has
	// ended.
	Hub, ConnectionID, UserID, Subprotocol string

	Type, Name string
	ID         string // empty: a new id
	// ContentType, Body and Metadata of the event.
	ContentType string
	Body        []byte
	Metadata    map[string]string
	State       *string // header; nil: that of the connection
}

// againIDs is the first id of an event that is raised again for a connection that has ended.
const againIDs = 1_000_000_000

// Raise delivers an event again and returns the answer. The answer to a user event of
// an open connection has its effects: on the state, and as the reply for the client.
func (d *Dispatcher) Raise(ctx context.Context, in *Again) (answer *upstream.Answer, reply *hub.Message, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(d.ctx, cancel)() //nolint:contextcheck // Close ends it, too
	s := d.session(in.ConnectionID)
	open := s != nil && s.hubName == in.Hub
	id := in.ID
	if !open {
		s = &session{hubName: in.Hub, connectionID: in.ConnectionID, userID: in.UserID, subprotocol: in.Subprotocol}
		id = cmp.Or(id, strconv.FormatUint(againIDs+d.again.Add(1), 10))
	} else if id == "" {
		id = s.EventID(in.Type + " again") // also for connect, whose id is fixed
	}
	ev := &event{
		session: s, id: id, typ: in.Type, name: in.Name, contentType: in.ContentType, body: in.Body, metadata: in.Metadata,
		again: in.First, state: in.State,
	}
	group := ""
	if strings.HasPrefix(ev.typ, wire.TypePrefixGroup) {
		group = upstream.GroupOf(ev.body)
	}
	r := d.routes.find(s.hubName, ev.typ, ev.name, group)
	if r == nil {
		trace.Emit(ctx, d.cfg.Trace, ev.record(trace.KindEventNoHandler, errNoHandler.Error()))
		return nil, nil, errNoHandler
	}
	if answer, err = d.deliver(ctx, r, ev); err != nil || !answer.OK() || !strings.HasPrefix(ev.typ, wire.TypePrefixUser) {
		return answer, nil, err
	}
	if reply, err = message(answer); err != nil {
		trace.Emit(ctx, d.cfg.Trace, ev.record(trace.KindEventAnswerUnusable, err.Error()))
		return answer, nil, err
	}
	if open {
		s.Keep(ev.url, answer)
	}
	return answer, reply, nil
}

// State returns the state of a connection (ce-connectionState), or "".
func (d *Dispatcher) State(connectionID string) string {
	s := d.session(connectionID)
	if s == nil {
		return ""
	}
	state, _ := s.State()
	return state
}
