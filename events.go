package webpubsub

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2/event"

	"github.com/go-webpubsub/webpubsub/internal/wire"
	"github.com/go-webpubsub/webpubsub/mqtt"
)

// Event is an event of the service: a [*ConnectEvent], [*ConnectedEvent],
// [*UserEvent], [*DisconnectedEvent], [*GroupJoinedEvent] or [*GroupLeftEvent].
// No other type implements it.
//
// The service delivers an event at least once: after a transport error, a 408 or any
// 5xx it delivers it again, up to four times in all. The deliveries of an event
// have the same [Meta.ID] and [Meta.ConnectionID]. [Config.Deduplication] handles each
// event once.
type Event interface {
	// EventMeta returns the fields that all kinds of events have.
	EventMeta() *Meta
	// CloudEvent converts the event for the CloudEvents SDK; see [Meta.CloudEvent].
	CloudEvent() (cloudevents.Event, error)

	// decode reads the event's own fields from the text of its body.
	decode() error
}

// Meta has the fields of every event. Its strings are those that the service sent:
// ids are opaque and nothing is percent-decoded.
//
// An event prints and logs as one short line without user data, so that claims,
// tokens and payloads are not logged by accident.
type Meta struct {
	// ID (ce-id) counts the events of a connection: "0" is connect, "1" is
	// connected. It is unique only together with ConnectionID. All deliveries of an
	// event have the same ID.
	ID string
	// Type (ce-type) is "azure.webpubsub.", a kind and the event's name, as sent.
	Type string
	// Time (ce-time) is the time of the event, to the second. It is zero if the service
	// did not send it.
	Time time.Time
	// Source (ce-source) is a path such as /hubs/chat/client/{connectionId}.
	// It is not meant to be parsed.
	Source string
	// Origin (WebHook-Request-Origin) is the host name of the service, or several,
	// joined by ", ", if it has replicas or custom domains. The request was verified
	// for at least one of them, not necessarily the first.
	Origin string
	// Hub (ce-hub) is the hub's name. The service may send it in lower case.
	Hub string
	// ConnectionID (ce-connectionId) is the connection's id. For MQTT it is the
	// client id, which is the same in several network connections.
	ConnectionID string
	// UserID (ce-userId) is the connection's user, empty if it has none.
	UserID string
	// Subprotocol (ce-subprotocol) is the negotiated WebSocket subprotocol. It is
	// empty for clients without one and, except for MQTT, in connect events.
	Subprotocol string
	// EventName is the name of the event. For a user event it is the key of the event's
	// function in [Config.UserEvents], whatever case the client used. For a user event
	// without one it is the name that the client sent (ce-eventName).
	EventName string
	// RawState (ce-connectionState) is the connection's state, which the answer to a
	// connect or user event sets. Use [State] to decode it.
	RawState string
	// MQTT is not nil if the client is an MQTT client.
	MQTT *MQTTSession
	// RequestHeader is the header of the webhook request. It is shared: do not modify
	// it.
	RequestHeader http.Header

	request *http.Request
	text    string // body of a system event
}

// EventMeta returns m. It implements [Event] for the types that embed Meta.
func (m *Meta) EventMeta() *Meta { return m }

func (m *Meta) decode() error { return nil }

// PathValue returns the request's [http.Request.PathValue]: the value of a wildcard in the
// pattern of the handler, such as "tenant" in "/webhooks/{tenant}". It is empty if there
// is no such wildcard.
func (m *Meta) PathValue(name string) string {
	if m.request == nil {
		return ""
	}
	return m.request.PathValue(name)
}

// Redelivered reports whether an earlier delivery of the event was handled and failed, as
// far as the store of [Config.Deduplication] knows. It is false without Deduplication,
// and if the earlier process ended: the service does not say.
func (m *Meta) Redelivered() bool {
	return m.request != nil && m.request.Context().Value(redeliveredKey{}) != nil
}

// setRedelivered sets Redelivered. A field for it would make every event larger.
func (m *Meta) setRedelivered(ctx context.Context) {
	m.request = m.request.WithContext(context.WithValue(ctx, redeliveredKey{}, true))
}

type redeliveredKey struct{}

// String returns a description of the event in one line, without user data. Like
// GoString, Format and LogValue it is also a method of copies of an event.
func (m Meta) String() string {
	header := m.header()
	return fmt.Sprintf("event %q (id %q) of connection %q in hub %q", header.EventName, header.EventID, header.ConnectionID, header.Hub)
}

func (m *Meta) header() EventHeader {
	return EventHeader{Hub: m.Hub, ConnectionID: m.ConnectionID, EventName: m.EventName, EventID: m.ID}.cut()
}

// GoString is String.
func (m Meta) GoString() string { return m.String() }

// Format is String, whatever the verb.
func (m Meta) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, m.String()) }

// LogValue returns the event's hub, connection, name and id.
func (m Meta) LogValue() slog.Value {
	return slog.GroupValue(m.header().attrs()...)
}

// ConnectedEvent reports that a client has connected (azure.webpubsub.sys.connected).
// The service does not wait for the answer. The [DisconnectedEvent] may arrive first.
type ConnectedEvent struct{ Meta }

// DisconnectedEvent reports that a connection has ended
// (azure.webpubsub.sys.disconnected). The service sends it for every connection whose
// connect event was accepted. For MQTT it reports the end of the session.
type DisconnectedEvent struct {
	Meta
	// Reason (reason) is free text, empty if there is none.
	Reason string
	// MQTTDisconnect (mqtt) describes the end of an MQTT session. It is nil for other
	// clients.
	MQTTDisconnect *mqtt.Disconnect
}

// GroupJoinedEvent reports that a connection has joined a group
// (azure.webpubsub.gp.joined). The service sends it only if the hub's event handler
// setting asks for it (groupPresenceEvents). It is not documented whether a token, a
// connect reply or a REST call that adds a connection to a group raises it.
type GroupJoinedEvent struct {
	Meta
	// Group (group) is the group's name, which is case-sensitive.
	Group string
}

// GroupLeftEvent reports that a connection has left a group
// (azure.webpubsub.gp.left). It is not documented whether the end of a connection
// raises it for every group: clean up on [DisconnectedEvent] as well.
type GroupLeftEvent struct {
	Meta
	// Group (group) is the group's name, which is case-sensitive.
	Group string
}

// UserEvent is a message of a client (azure.webpubsub.user.*). The service
// waits for the answer, which may have a message for the client.
//
// A client without a Web PubSub subprotocol sends the event "message" with each
// WebSocket frame. Other clients choose the names of their events.
type UserEvent struct {
	Meta
	// ContentType (Content-Type) is the media type with its parameters.
	ContentType string
	// DataType is the kind of Data that ContentType names.
	DataType DataType
	// Data is the payload, at most [Config.MaxBodyBytes] long. The function that
	// receives the event may modify it.
	Data []byte

	validate func(any) error
}

// Metadata returns the message metadata that the client sent
// (X-WebPubSub-Metadata-* headers), with names in lower case. It is nil if there is
// none.
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
