package webpubsub

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	cloudevents "github.com/cloudevents/sdk-go/v2/event"
	"github.com/cloudevents/sdk-go/v2/types"

	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// CloudEvent converts the event for the CloudEvents SDK, so that it can be
// forwarded to any CloudEvents sink: id, source, type and time as they are, the
// request's body as data, and all other attributes (hub, connectionid, userid,
// eventname, subprotocol, connectionstate, …) as extensions, their names in
// lower case as CloudEvents wants them.
//
// In binary mode the SDK writes a user id as it is into a header, where other
// characters than ASCII do not belong; structured mode carries every one.
//
// The signature is left out: whoever holds it can forge events of the
// connection. The result is valid by its own Validate; an event that was not
// received by a [Handler] and lacks a required attribute is an error.
func (m *Meta) CloudEvent() (cloudevents.Event, error) {
	return m.cloudEvent(wire.MediaJSON, m.body)
}

// CloudEvent converts the event for the CloudEvents SDK; see [Meta.CloudEvent].
// Its data is the client's payload with its own content type.
func (ev *UserEvent) CloudEvent() (cloudevents.Event, error) {
	return ev.cloudEvent(ev.ContentType, ev.Data)
}

func (m *Meta) cloudEvent(contentType string, data []byte) (cloudevents.Event, error) {
	source := types.ParseURIRef(m.Source)
	if source == nil {
		return cloudevents.Event{}, fmt.Errorf("webpubsub: cloud event: source %q is not a URI reference", clip(m.Source))
	}
	attributes := &cloudevents.EventContextV1{
		ID:         m.ID,
		Source:     *source,
		Type:       m.Type,
		Extensions: m.extensions(),
	}
	if !m.Time.IsZero() {
		attributes.Time = &types.Timestamp{Time: m.Time}
	}
	if contentType != "" {
		attributes.DataContentType = &contentType
	}
	ev := cloudevents.Event{Context: attributes, DataEncoded: data, DataBase64: !isInlineData(contentType, data)}
	if err := ev.Validate(); err != nil {
		return cloudevents.Event{}, fmt.Errorf("webpubsub: cloud event: %w", err)
	}
	return ev, nil
}

// isInlineData reports whether data may stand as it is in the JSON document of an
// event in structured mode; else it stands there in base64. The SDK copies data
// of any JSON type, and of none, into the document unread, so that an MQTT
// client, which chooses type and bytes alone, could write attributes.
func isInlineData(contentType string, data []byte) bool {
	media, _, _ := strings.Cut(contentType, ";")
	switch strings.TrimSpace(media) { // with case: the SDK reads only this spelling back
	case wire.MediaJSON:
		return utf8.Valid(data) && json.Valid(data)
	case wire.MediaText:
		return utf8.Valid(data)
	}
	return false
}

// extensions collects the attributes that CloudEvents does not define itself.
func (m *Meta) extensions() map[string]any {
	out := make(map[string]any, 10)
	for name, values := range m.RequestHeader {
		attribute, ok := strings.CutPrefix(name, wire.PrefixAttribute)
		if !ok || len(values) != 1 || values[0] == "" {
			continue
		}
		switch attribute = strings.ToLower(attribute); attribute {
		case "id", "source", "type", "time", "specversion", "signature":
		case "subject", "dataschema", "datacontenttype", "data": // the envelope's own, which the service does not send
		default:
			if isAlphanumeric(attribute) {
				out[attribute] = values[0]
			}
		}
	}
	set := func(attribute, v string) {
		if v != "" {
			out[attribute] = v
		}
	}
	set("hub", m.Hub)
	set("connectionid", m.ConnectionID)
	set("userid", m.UserID)
	set("eventname", m.EventName)
	set("subprotocol", m.Subprotocol)
	set("connectionstate", m.RawState)
	if m.MQTT != nil {
		set("physicalconnectionid", m.MQTT.PhysicalConnectionID)
		set("sessionid", m.MQTT.SessionID)
	}
	return out
}

// isAlphanumeric reports whether CloudEvents allows the name of an attribute.
func isAlphanumeric(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}
