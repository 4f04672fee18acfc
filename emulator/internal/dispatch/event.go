package dispatch

import (
	"bytes"
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-webpubsub/webpubsub/emulator/internal/trace"
	"github.com/go-webpubsub/webpubsub/internal/upstream"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

const jsonType = wire.MediaJSON + "; charset=utf-8"

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

	// For the record.
	handler         string      // URL template, without its query
	header          http.Header // of the request; nil until it is sent
	queued, consent time.Duration
}

// record returns the record of an event with its outcome.
func (ev *event) record(outcome trace.Kind, reason string) trace.Event {
	state := ev.header.Get(wire.HeaderConnectionState)
	return trace.Event{
		Client: ev.session.client(), ID: ev.id, Name: ev.name, Outcome: outcome, Reason: reason,
		Handler: ev.handler, Request: trace.Message(ev.header, ev.body), Queued: ev.queued, Consent: ev.consent,
		StateBefore: state, StateAfter: state,
	}
}

// request writes an event as the service does. All attempts to deliver it are
// copies of this request.
func (ev *event) request(ctx context.Context, origins, keys []string, now time.Time) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, ev.url.String(), bytes.NewReader(ev.body))
	if err != nil {
		return nil, err
	}
	s := ev.session
	set := func(name, value string) { req.Header[name] = []string{value} }
	set(wire.HeaderRequestOrigin, strings.Join(origins, ", "))
	set(wire.HeaderContentType, ev.contentType)
	set(wire.HeaderVersion, wire.Version)
	set(wire.HeaderSpecVersion, wire.SpecVersion)
	set(wire.HeaderType, ev.typ)
	set(wire.HeaderSource, "/hubs/"+s.hubName+"/client/"+s.connectionID)
	set(wire.HeaderID, ev.id)
	set(wire.HeaderTime, now.UTC().Format(time.RFC3339))
	set(wire.HeaderConnectionID, s.connectionID)
	set(wire.HeaderHub, s.hubName)
	set(wire.HeaderEventName, ev.name)
	set(wire.HeaderClientRequestID, upstream.NewRequestID())
	set(wire.HeaderSignature, strings.Join(upstream.Signatures(keys, s.connectionID), ","))
	upstream.AddMetadata(req.Header, ev.metadata)
	if state, ok := s.State(); ok {
		set(wire.HeaderConnectionState, state)
	}
	s.AddCookies(req)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.userID != "" {
		set(wire.HeaderUserID, s.userID)
	}
	if s.subprotocol != "" {
		set(wire.HeaderSubprotocol, s.subprotocol)
	}
	return req, nil
}
