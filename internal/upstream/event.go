package upstream

import (
	"bytes"
	"cmp"
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/go-webpubsub/webpubsub/internal/rule"
	"github.com/go-webpubsub/webpubsub/internal/wire"
	"github.com/go-webpubsub/webpubsub/mqtt"
)

// Event is an event as the service writes it: a CloudEvent in binary mode.
type Event struct {
	// Origins are the service's host names (WebHook-Request-Origin).
	Origins []string
	// Keys sign the event (ce-signature); without one the header is left out.
	Keys []string

	Hub          string
	ConnectionID string
	// UserID, Subprotocol and State have no header if they are empty or nil.
	UserID      string
	Subprotocol string
	State       *string
	// PhysicalConnectionID and SessionID of an MQTT client have no header if they are
	// empty.
	PhysicalConnectionID string
	SessionID            string

	Type, Name, ID string
	Time           time.Time
	// RequestID (x-ms-client-request-id); defaults to a new one.
	RequestID string

	// ContentType of Body; empty leaves the header out.
	ContentType string
	Body        []byte
	Metadata    map[string]string
	// UserProperties of an MQTT message (mqtt-*).
	UserProperties []mqtt.UserProperty
}

// Request returns the request that delivers the event to a URL. All attempts to deliver
// it are copies of this request. It has no cookies, which belong to a [Session].
func (ev *Event) Request(ctx context.Context, url string) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(ev.Body))
	if err != nil {
		return nil, err
	}
	set := func(name, value string) { req.Header[name] = []string{value} }
	setNonEmpty := func(name, value string) {
		if value != "" {
			set(name, value)
		}
	}
	set(wire.HeaderRequestOrigin, strings.Join(ev.Origins, ", "))
	setNonEmpty(wire.HeaderContentType, ev.ContentType)
	set(wire.HeaderVersion, wire.Version)
	set(wire.HeaderSpecVersion, wire.SpecVersion)
	set(wire.HeaderType, ev.Type)
	set(wire.HeaderSource, ev.source())
	set(wire.HeaderID, ev.ID)
	set(wire.HeaderTime, ev.Time.UTC().Format(time.RFC3339))
	set(wire.HeaderConnectionID, ev.ConnectionID)
	set(wire.HeaderHub, ev.Hub)
	set(wire.HeaderEventName, ev.Name)
	set(wire.HeaderClientRequestID, cmp.Or(ev.RequestID, NewRequestID()))
	setNonEmpty(wire.HeaderSignature, strings.Join(Signatures(ev.Keys, ev.ConnectionID), ","))
	setNonEmpty(wire.HeaderUserID, ev.UserID)
	setNonEmpty(wire.HeaderSubprotocol, ev.Subprotocol)
	setNonEmpty(wire.HeaderPhysicalConnectionID, ev.PhysicalConnectionID)
	setNonEmpty(wire.HeaderSessionID, ev.SessionID)
	if ev.State != nil {
		set(wire.HeaderConnectionState, *ev.State)
	}
	AddMetadata(req.Header, ev.Metadata)
	for _, p := range ev.UserProperties {
		req.Header.Add(wire.PrefixMQTT+p.Name, p.Value)
	}
	return req, nil
}

func (ev *Event) source() string {
	s := "/hubs/" + ev.Hub + "/client/" + ev.ConnectionID
	if ev.PhysicalConnectionID != "" {
		s += "/" + ev.PhysicalConnectionID
	}
	return s
}

// IsType reports whether the service has events of a type and a name.
func IsType(typ, name string) bool {
	switch typ {
	case wire.TypeConnect, wire.TypeConnected, wire.TypeDisconnected, wire.TypeGroupJoined, wire.TypeGroupLeft:
		return strings.HasSuffix(typ, "."+name)
	}
	user, ok := strings.CutPrefix(typ, wire.TypePrefixUser)
	return ok && user == name && rule.CheckEvent(name) == nil
}
