package webpubsub

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2/event"

	"github.com/go-webpubsub/webpubsub/internal/excerpt"
	"github.com/go-webpubsub/webpubsub/internal/wire"
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

	// decode reads the event's own fields from its body.
	decode() error
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
	// Type (ce-type) is "azure.webpubsub.", a kind and the event's name, as sent.
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
	// EventName is the name of the event: that of a system event, and for a user
	// event the key of [Config.UserEvents] under which its function was found. A user
	// event without one, or for [Config.Fallback], has the name that the client sent
	// (ce-eventName). Type has the name as it was sent in any case.
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

func (m *Meta) decode() error { return nil }

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
	MQTTDisconnect *MQTTDisconnect
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

func (ev *UserEvent) decode() error {
	ev.Data = ev.body
	return nil
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

// The kinds of payloads and the media types that stand for them.
const (
	// DataBinary is application/octet-stream and, from MQTT clients, whatever
	// is none of the others.
	DataBinary DataType = iota
	// DataText is text/plain.
	DataText
	// DataJSON is application/json.
	DataJSON
	// DataProtobuf is application/x-protobuf.
	DataProtobuf
)

// String returns the name that the JSON subprotocol uses for the kind.
func (t DataType) String() string {
	switch t {
	case DataBinary:
		return "binary"
	case DataText:
		return "text"
	case DataJSON:
		return "json"
	case DataProtobuf:
		return "protobuf"
	}
	return fmt.Sprintf("DataType(%d)", uint8(t))
}

// dataTypeOf reads a Content-Type as a media type: without case, parameters
// left out. It reports false for a type that user events do not have.
func dataTypeOf(contentType string) (DataType, bool) {
	switch contentType {
	case wire.MediaText:
		return DataText, true
	case wire.MediaJSON:
		return DataJSON, true
	case wire.MediaBinary:
		return DataBinary, true
	}
	media, _, _ := strings.Cut(contentType, ";")
	media = strings.TrimSpace(media)
	switch {
	case strings.EqualFold(media, wire.MediaText):
		return DataText, true
	case strings.EqualFold(media, wire.MediaJSON):
		return DataJSON, true
	case strings.EqualFold(media, wire.MediaBinary):
		return DataBinary, true
	case strings.EqualFold(media, wire.MediaProtobuf):
		return DataProtobuf, true
	}
	return DataBinary, false
}
