package webpubsub

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2/event"

	"github.com/go-webpubsub/webpubsub/internal/excerpt"
	"github.com/go-webpubsub/webpubsub/internal/wire"
	"github.com/go-webpubsub/webpubsub/mqtt"
)

// Event is one event of the service: a [*ConnectEvent], [*ConnectedEvent],
// [*UserEvent], [*DisconnectedEvent], [*GroupJoinedEvent] or [*GroupLeftEvent].
// No other type implements it.
//
// The service delivers at least once: it sends an event again after a transport
// error, a 408 or any 5xx answer, up to four times in all. [Meta.ID] together
// with [Meta.ConnectionID] tells the copies of one event apart from the next.
type Event interface {
	// EventMeta returns what all kinds of events have in common.
	EventMeta() *Meta
	// CloudEvent converts the event for the CloudEvents SDK; see [Meta.CloudEvent].
	CloudEvent() (cloudevents.Event, error)

	sealed()
}

// Meta is what every event says about itself and its connection. Strings are
// as the service sent them: ids are opaque and nothing is percent-decoded.
//
// An event prints and logs as one short line without user data, so that no
// claim, token or payload reaches a log by accident.
type Meta struct {
	// ID (ce-id) counts the events of one connection: "0" is connect, "1" is
	// connected. It is unique only together with ConnectionID, and the same in
	// every delivery of an event.
	ID string
	// Type (ce-type) is "azure.webpubsub.", a kind and the event's name.
	Type string
	// Time (ce-time) is when the event happened, to the second; zero if not told.
	Time time.Time
	// Source (ce-source) is a path such as /hubs/chat/client/{connectionId}.
	// It is not meant to be parsed.
	Source string
	// Origin (WebHook-Request-Origin) is the host name of the service, or
	// several, joined by ", ", if it has replicas or custom domains. It is what
	// the request claims: one of several names at least is allowed and signed for,
	// which need not be the first.
	Origin string
	// Hub (ce-hub) is the hub's name; the service may write it in lower case.
	Hub string
	// ConnectionID (ce-connectionId) is the connection's id; for MQTT it is the
	// client id, which outlives network connections.
	ConnectionID string
	// UserID (ce-userId) is the connection's user, empty if it has none.
	UserID string
	// Subprotocol (ce-subprotocol) is the negotiated WebSocket subprotocol. It is
	// empty for clients without one and, except for MQTT, in connect events.
	Subprotocol string
	// EventName (ce-eventName) is the name of the event without its prefix.
	EventName string
	// RawState (ce-connectionState) is the connection's state as it was last
	// set by the answer to a connect or user event. Read it with [State].
	RawState string
	// MQTT is set if the client is an MQTT client, nil otherwise.
	MQTT *MQTTSession
	// RequestHeader is the header of the webhook request that brought the
	// event. It is shared: do not change it.
	RequestHeader http.Header

	request *http.Request
	body    []byte
}

// EventMeta returns m itself; it is what makes every event an [Event].
func (m *Meta) EventMeta() *Meta { return m }

func (m *Meta) sealed() {}

// PathValue returns the value of a wildcard of the pattern under which the
// handler is mounted, as [http.Request.PathValue] does: with the pattern
// "/webhooks/{tenant}", PathValue("tenant"). It is empty if there is none.
func (m *Meta) PathValue(name string) string {
	if m.request == nil {
		return ""
	}
	return m.request.PathValue(name)
}

// String describes the event in one line, without user data. It is a method of
// the value, as are GoString and LogValue, so that a copy of an event is as
// silent as the event.
func (m Meta) String() string {
	return fmt.Sprintf("event %q (id %q) of connection %q in hub %q",
		clip(m.EventName), clip(m.ID), clip(m.ConnectionID), clip(m.Hub))
}

// GoString is String.
func (m Meta) GoString() string { return m.String() }

// Format is String, whatever the verb.
func (m Meta) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, m.String()) }

// LogValue logs the event as its hub, connection, name and id.
func (m Meta) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("hub", clip(m.Hub)),
		slog.String("connection_id", clip(m.ConnectionID)),
		slog.String("event", clip(m.EventName)),
		slog.String("event_id", clip(m.ID)),
	)
}

// clip bounds what a stranger may put into a log line or an error.
func clip(s string) string { return excerpt.Cut(s, 128) }

// ConnectEvent asks whether a client may connect (azure.webpubsub.sys.connect).
// The service waits for the answer. Nothing in it has been agreed yet: what the
// client's token said is in Claims, what the client itself said in the rest.
//
// Its strings share memory: keeping one of them keeps all of the request,
// tokens included. [strings.Clone] takes one out.
type ConnectEvent struct {
	Meta
	// Claims (claims) of the client's access token. The service has verified
	// the token; without one, or for an anonymous client, they are empty.
	Claims Claims
	// Query (query) holds the parameters of the client's URL. It may contain
	// the client's access_token.
	Query url.Values
	// Headers (headers) of the client's handshake, names as the client spelled them.
	Headers Headers
	// Subprotocols (subprotocols) that the client offers, in its order.
	Subprotocols []string
	// ClientCertificates (clientCertificates) that the client presented.
	ClientCertificates []ClientCertificate
	// MQTTConnect (mqtt) is what an MQTT client put into its CONNECT packet; nil
	// for other clients.
	MQTTConnect *mqtt.Connect
}

// Claims are the claims of an access token. A claim always has a list of
// values; one fact may stand under a short and a long name (sub and
// http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier).
type Claims map[string][]string

// Get returns the first value of a claim, empty if there is none.
func (c Claims) Get(name string) string { return first(c[name]) }

// Has reports whether a claim has the value.
func (c Claims) Has(name, value string) bool { return slices.Contains(c[name], value) }

// Headers are the HTTP headers of a client's handshake, names as the client
// spelled them.
type Headers map[string][]string

// Get returns the first value of a header, its name compared without case; empty
// if there is none.
func (h Headers) Get(name string) string { return first(h.Values(name)) }

// Values returns all values of a header, its name compared without case. Those of
// a name spelled in several ways come in the order of the spellings, so that
// chance does not choose what Get returns.
func (h Headers) Values(name string) []string {
	var spellings []string
	for k := range h {
		if strings.EqualFold(k, name) {
			spellings = append(spellings, k)
		}
	}
	switch len(spellings) {
	case 0:
		return nil
	case 1:
		return h[spellings[0]]
	}
	slices.Sort(spellings)
	var all []string
	for _, k := range spellings {
		all = append(all, h[k]...)
	}
	return all
}

// Cookie returns the cookie of the name that the client's browser sent with its
// handshake, or [http.ErrNoCookie], as [http.Request.Cookie] does. If several
// have the name, it returns the first.
//
// A page of any origin can open a WebSocket, and the browser may add the cookie.
// Before you trust it, compare Get("Origin") with the origins of your pages.
func (h Headers) Cookie(name string) (*http.Cookie, error) {
	r := http.Request{Header: http.Header{"Cookie": h.Values("Cookie")}}
	return r.Cookie(name)
}

func first(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return values[0]
}

// ClientCertificate is a certificate that a client presented in its TLS handshake.
type ClientCertificate struct {
	// Thumbprint (thumbprint) is the hexadecimal SHA-1 digest of the certificate.
	Thumbprint string
	// Content (content) is the certificate in PEM form; empty if not sent.
	Content string
}

// Parse reads the certificate. It makes no statement about who signed it:
// verify the result with [x509.Certificate.Verify] against the authorities you
// trust before you believe its names.
func (c ClientCertificate) Parse() (*x509.Certificate, error) {
	block, _ := pem.Decode([]byte(c.Content))
	if block == nil {
		return nil, errors.New("webpubsub: client certificate has no PEM block")
	}
	if block.Type != "CERTIFICATE" {
		return nil, fmt.Errorf("webpubsub: client certificate is a PEM block of type %q, want CERTIFICATE", clip(block.Type))
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("webpubsub: parse client certificate: %w", err)
	}
	return cert, nil
}

// ConnectedEvent reports that a client is connected (azure.webpubsub.sys.connected).
// The service does not wait for the answer, and a [DisconnectedEvent] may
// overtake it.
type ConnectedEvent struct{ Meta }

// DisconnectedEvent reports that a connection has ended
// (azure.webpubsub.sys.disconnected). It comes once for every connection whose
// connect event was accepted. For MQTT it is the session that has ended.
type DisconnectedEvent struct {
	Meta
	// Reason (reason) is free text, empty if not told.
	Reason string
	// MQTTDisconnect (mqtt) says how an MQTT session ended; nil for other clients.
	MQTTDisconnect *mqtt.Disconnect
}

// GroupJoinedEvent reports that a connection has joined a group
// (azure.webpubsub.gp.joined). The service sends it only for hubs whose event
// handler asks for it (groupPresenceEvents). Whether groups given by a token, a
// connect reply or a REST call raise it is not documented.
type GroupJoinedEvent struct {
	Meta
	// Group (group) is the group's name; compared with case.
	Group string
}

// GroupLeftEvent reports that a connection has left a group
// (azure.webpubsub.gp.left). Whether the end of a connection raises it for
// every group is not documented: clean up on [DisconnectedEvent] as well.
type GroupLeftEvent struct {
	Meta
	// Group (group) is the group's name; compared with case.
	Group string
}

// UserEvent is a message of a client (azure.webpubsub.user.*). The service
// waits for the answer, which may carry a message back to the client.
//
// A client without a Web PubSub subprotocol raises "message" for each of its
// WebSocket frames; the others name their events.
type UserEvent struct {
	Meta
	// ContentType (Content-Type) as it came, with its parameters.
	ContentType string
	// DataType is the kind of Data that ContentType names.
	DataType DataType
	// Data is the payload, at most [Config.MaxBodyBytes] long. It belongs to
	// the function that receives the event.
	Data []byte

	validate func(any) error
}

// Metadata returns the message metadata that the client sent along
// (X-WebPubSub-Metadata-* headers), names in lower case; nil if there is none.
func (ev *UserEvent) Metadata() map[string]string {
	var m map[string]string
	for k, v := range ev.RequestHeader {
		name, ok := strings.CutPrefix(k, wire.PrefixMetadata)
		if !ok || name == "" || len(v) == 0 {
			continue
		}
		if m == nil {
			m = make(map[string]string)
		}
		m[strings.ToLower(name)] = v[len(v)-1]
	}
	return m
}

// DataType is the kind of a payload.
type DataType uint8

// The kinds of payloads and their media types.
const (
	// DataText is text/plain.
	DataText = DataType(wire.DataText)
	// DataJSON is application/json.
	DataJSON = DataType(wire.DataJSON)
	// DataBinary is application/octet-stream and, from MQTT clients, any other type.
	DataBinary = DataType(wire.DataBinary)
	// DataProtobuf is application/x-protobuf.
	DataProtobuf = DataType(wire.DataProtobuf)
)

// String returns the name that the JSON subprotocol uses for the kind.
func (t DataType) String() string { return wire.DataType(t).String() }

// dataTypeOf returns the kind of a Content-Type. It reports false for a type that
// user events do not have.
func dataTypeOf(contentType string) (DataType, bool) {
	kind, known := wire.DataTypeOf(contentType)
	return DataType(kind), known
}
