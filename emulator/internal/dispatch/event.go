package dispatch

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/go-webpubsub/webpubsub/emulator/internal/trace"
	"github.com/go-webpubsub/webpubsub/internal/upstream"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// event is an event that is being delivered.
type event struct {
	session     *session
	id          string
	typ         string
	name        string
	contentType string
	body        []byte
	metadata    map[string]string
	url         *url.URL // of the event handler; nil until the handler has consented
	cause       trace.Context

	// For the record.
	handler         *route      // nil if none selects the event
	header          http.Header // of the request; nil until it is sent
	queued, consent time.Duration
	again           uint64  // see [trace.Event]
	state           *string // in place of the connection's; nil: none
}

// record returns the record of an event with its outcome.
func (ev *event) record(outcome trace.Kind, reason string) trace.Event {
	state := trace.StateOf(ev.header.Get(wire.HeaderConnectionState))
	out := trace.Event{
		Client: ev.session.client(), ID: ev.id, Type: ev.typ, Name: ev.name, Subprotocol: ev.session.protocol(),
		Again: ev.again, Outcome: outcome, Reason: reason,
		Request: trace.Message(ev.header, ev.body), Queued: ev.queued, Consent: ev.consent,
		StateBefore: state, StateAfter: state,
	}
	if ev.handler != nil {
		out.Handler, out.InMemory = ev.handler.name, ev.handler.local
	}
	if ev.url != nil {
		out.URL = upstream.WithoutSecrets(ev.url.String())
	}
	return out
}

// request writes an event as the service does. All attempts to deliver it are
// copies of this request.
func (ev *event) request(ctx context.Context, origins, keys []string, now time.Time) (*http.Request, error) {
	s := ev.session
	out := upstream.Event{
		Origins: origins, Keys: keys, Hub: s.hubName, ConnectionID: s.connectionID,
		Type: ev.typ, Name: ev.name, ID: ev.id, Time: now,
		ContentType: ev.contentType, Body: ev.body, Metadata: ev.metadata,
	}
	if state, ok := s.State(); ev.state != nil {
		out.State = ev.state
	} else if ok {
		out.State = &state
	}
	s.mu.Lock()
	out.UserID, out.Subprotocol = s.userID, s.subprotocol
	s.mu.Unlock()
	req, err := out.Request(ctx, ev.url.String())
	if err != nil {
		return nil, err
	}
	s.AddCookies(req)
	return req, nil
}
