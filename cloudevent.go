package webpubsub

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	cloudevents "github.com/cloudevents/sdk-go/v2/event"
	"github.com/cloudevents/sdk-go/v2/types"

	"github.com/go-webpubsub/webpubsub/internal/excerpt"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// CloudEvent converts the event for the CloudEvents SDK, which can forward it to any
// CloudEvents sink. Id, source, type and time are those of the event, the data is the
// request's body, and all other attributes (hub, connectionid, userid, eventname,
// subprotocol, connectionstate, …) are extensions, with names in lower case as
// CloudEvents requires.
//
// In binary mode the SDK writes the user id unencoded to a header, where only ASCII is
// valid. Structured mode supports all characters.
//
// The result does not have the signature, which allows forging events of the
// connection. CloudEvent returns an error if the event lacks a required attribute,
// which is possible only if it was not received by a [Handler].
func (m *Meta) CloudEvent() (cloudevents.Event, error) {
	return m.cloudEvent(wire.MediaJSON, []byte(m.text))
}

// CloudEvent converts the event for the CloudEvents SDK; see [Meta.CloudEvent].
// Its data is the client's payload with its own content type.
func (ev *UserEvent) CloudEvent() (cloudevents.Event, error) {
	return ev.cloudEvent(ev.ContentType, ev.Data)
}

func (m *Meta) cloudEvent(contentType string, data []byte) (cloudevents.Event, error) {
	source := types.ParseURIRef(m.Source)
	if source == nil {
		return cloudevents.Event{}, fmt.Errorf("webpubsub: cloud event: source %q is not a URI reference", excerpt.Short(m.Source))
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

// isInlineData reports whether the JSON document of an event in structured mode can
// have the data as it is, not in base64. The SDK copies data of any JSON type, and of
// none, without checks: an MQTT client, which chooses both type and bytes, could write
// attributes.
func isInlineData(contentType string, data []byte) bool {
	media, _, _ := strings.Cut(contentType, ";")
	switch strings.TrimSpace(media) { // with case: the SDK reads only this spelling
	case wire.MediaJSON:
		return utf8.Valid(data) && json.Valid(data)
	case wire.MediaText:
		return utf8.Valid(data)
	}
	return false
}

// extensions returns the attributes that CloudEvents does not define.
func (m *Meta) extensions() map[string]any {
	out := make(map[string]any, 10)
	for name, values := range m.RequestHeader {
		attribute, ok := strings.CutPrefix(name, wire.PrefixAttribute)
		if !ok || len(values) != 1 || values[0] == "" {
			continue
		}
		switch attribute = strings.ToLower(attribute); attribute {
		case "id", "source", "type", "time", "specversion", "signature":
		case "subject", "dataschema", "datacontenttype", "data": // defined by CloudEvents; the service does not send them
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
	return s != "" && !strings.ContainsFunc(s, func(c rune) bool { return (c < 'a' || c > 'z') && (c < '0' || c > '9') })
}
