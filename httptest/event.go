package httptest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/cloudevents/sdk-go/v2/binding"
	cloudevents "github.com/cloudevents/sdk-go/v2/event"
	cehttp "github.com/cloudevents/sdk-go/v2/protocol/http"
	"github.com/cloudevents/sdk-go/v2/types"

	"github.com/go-webpubsub/webpubsub/internal/upstream"
	"github.com/go-webpubsub/webpubsub/internal/wire"
	"github.com/go-webpubsub/webpubsub/mqtt"
)

// Event describes a request of [Service.NewRequest]. Each field defaults to what
// the service would send; only Name is required.
type Event struct {
	// Type (ce-type); defaults to a user event, "azure.webpubsub.user." and Name.
	Type string
	// Name (ce-eventName) of the event.
	Name string
	// ID (ce-id); defaults to "0" for connect, "1" for connected, "2" for others.
	ID string
	// Time (ce-time); defaults to now.
	Time time.Time
	// RequestID (x-ms-client-request-id); defaults to a new one.
	RequestID string

	// ConnectionID (ce-connectionId); defaults to a new one.
	ConnectionID string
	// UserID (ce-userId); empty leaves the header out.
	UserID string
	// Subprotocol (ce-subprotocol); empty leaves the header out.
	Subprotocol string
	// State (ce-connectionState); nil leaves the header out.
	State *string
	// PhysicalConnectionID (ce-physicalConnectionId) of an MQTT client.
	PhysicalConnectionID string
	// SessionID (ce-sessionId) of an MQTT client.
	SessionID string

	// ContentType of Data; defaults to JSON for the service's own events. Empty leaves
	// the header out for user events.
	ContentType string
	// Data is the request's body.
	Data []byte
	// Metadata (X-WebPubSub-Metadata-*) of a message.
	Metadata map[string]string
	// MQTTUserProperties (mqtt-*) of an MQTT message.
	MQTTUserProperties []mqtt.UserProperty

	// Signature configures the ce-signature header.
	Signature Signature
}

// Signature configures the ce-signature header. The zero value is what the service
// sends: one line with the tokens of both its keys.
type Signature struct {
	// Keys to sign with; nil defaults to the service's two. Empty and not nil leaves
	// the header out.
	Keys []string
	// ConnectionID to sign; defaults to the event's own.
	ConnectionID string
	// UpperCase writes the digests in upper-case hexadecimal.
	UpperCase bool
	// Spaced puts a space after each comma.
	Spaced bool
	// Lines puts each token into a header line of its own.
	Lines bool
}

// lines returns the values of the header.
func (sig Signature) lines(keys []string, connectionID string) []string {
	if sig.Keys != nil {
		keys = sig.Keys
	}
	tokens := upstream.Signatures(keys, cmp.Or(sig.ConnectionID, connectionID))
	if sig.UpperCase {
		for i, token := range tokens {
			tokens[i] = wire.SignaturePrefix + strings.ToUpper(token[len(wire.SignaturePrefix):])
		}
	}
	switch {
	case len(tokens) == 0:
		return nil
	case sig.Lines:
		return tokens
	case sig.Spaced:
		return []string{strings.Join(tokens, ", ")}
	}
	return []string{strings.Join(tokens, ",")}
}

// NewRequest returns the request of an event, to be sent with [Service.Do] or
// passed to the handler. Its header has canonical names, so that [http.Header.Set]
// and [http.Header.Del] work.
func (s *Service) NewRequest(ctx context.Context, ev Event) (*http.Request, error) {
	if ev.Name == "" {
		return nil, errors.New("httptest: event has no Name")
	}
	s.complete(&ev)
	u, err := s.url.Resolve(s.hub, ev.Name)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), http.NoBody)
	if err != nil {
		return nil, err
	}
	ce, err := s.cloudEvent(&ev)
	if err != nil {
		return nil, err
	}
	if err := cehttp.WriteRequest(ctx, (*binding.EventMessage)(ce), req); err != nil {
		return nil, fmt.Errorf("httptest: write event: %w", err)
	}
	if req.Body == nil { // the binding leaves an event without data without a body
		req.Body = http.NoBody
	}
	s.addOwnHeaders(req.Header, &ev)
	return req, nil
}

// complete sets the defaults.
func (s *Service) complete(ev *Event) {
	ev.Type = cmp.Or(ev.Type, wire.TypePrefixUser+ev.Name)
	if ev.ID == "" {
		ev.ID = new(upstream.Session).EventID(ev.Type)
	}
	if ev.Time.IsZero() {
		ev.Time = time.Now()
	}
	ev.RequestID = cmp.Or(ev.RequestID, upstream.NewRequestID())
	ev.ConnectionID = cmp.Or(ev.ConnectionID, upstream.NewConnectionID())
	if ev.ContentType == "" && !strings.HasPrefix(ev.Type, wire.TypePrefixUser) {
		ev.ContentType = upstream.JSONContentType
	}
}

// cloudEvent returns the event for the CloudEvents SDK.
func (s *Service) cloudEvent(ev *Event) (*cloudevents.Event, error) {
	path := "/hubs/" + s.hub + "/client/" + ev.ConnectionID
	if ev.PhysicalConnectionID != "" {
		path += "/" + ev.PhysicalConnectionID
	}
	attributes := &cloudevents.EventContextV1{
		ID:     ev.ID,
		Source: types.URIRef{URL: url.URL{Path: path}},
		Type:   ev.Type,
		Time:   &types.Timestamp{Time: ev.Time.Truncate(time.Second)},
		Extensions: map[string]any{
			"awpsversion":  wire.Version,
			"hub":          s.hub,
			"connectionid": ev.ConnectionID,
			"eventname":    ev.Name,
		},
	}
	if ev.ContentType != "" {
		attributes.DataContentType = &ev.ContentType
	}
	for name, value := range map[string]string{
		"userid":               ev.UserID,
		"subprotocol":          ev.Subprotocol,
		"physicalconnectionid": ev.PhysicalConnectionID,
		"sessionid":            ev.SessionID,
	} {
		if value != "" {
			attributes.Extensions[name] = value
		}
	}
	if ev.State != nil {
		attributes.Extensions["connectionstate"] = *ev.State
	}
	ce := &cloudevents.Event{Context: attributes, DataEncoded: ev.Data}
	if err := ce.Validate(); err != nil {
		return nil, fmt.Errorf("httptest: event: %w", err)
	}
	return ce, nil
}

// addOwnHeaders adds the headers that are not CloudEvents attributes, the token, and the
// signature: it may have several lines, which the binding cannot write.
func (s *Service) addOwnHeaders(header http.Header, ev *Event) {
	header[wire.HeaderRequestOrigin] = []string{strings.Join(s.origins, ", ")}
	header[wire.HeaderClientRequestID] = []string{ev.RequestID}
	if lines := ev.Signature.lines(s.keys, ev.ConnectionID); lines != nil {
		header[wire.HeaderSignature] = lines
	}
	if s.id != nil {
		header[wire.HeaderAuthorization] = []string{"Bearer " + s.id.Token()}
	}
	upstream.AddMetadata(header, ev.Metadata)
	for _, p := range ev.MQTTUserProperties {
		header.Add(wire.PrefixMQTT+p.Name, p.Value)
	}
}

// countingBody counts the bytes that are read.
type countingBody struct {
	io.ReadCloser
	n atomic.Int64
}

func (b *countingBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.n.Add(int64(n))
	return n, err
}
