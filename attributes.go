package webpubsub

import (
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// eventKind is what a ce-type stands for.
type eventKind uint8

const (
	kindForeign eventKind = iota // not the service's
	kindConnect
	kindConnected
	kindDisconnected
	kindUser
	kindGroupJoined
	kindGroupLeft
	kindUnknownPresence // a newer service's notification about a group
	kindUnknown         // a newer service's, and nobody can tell what it asks for
)

// eventKindOf reads a ce-type, without case.
func eventKindOf(typ string) eventKind {
	switch typ {
	case wire.TypeConnect:
		return kindConnect
	case wire.TypeConnected:
		return kindConnected
	case wire.TypeDisconnected:
		return kindDisconnected
	case wire.TypeGroupJoined:
		return kindGroupJoined
	case wire.TypeGroupLeft:
		return kindGroupLeft
	}
	switch {
	case hasPrefixFold(typ, wire.TypePrefixUser):
		return kindUser
	case !hasPrefixFold(typ, wire.TypePrefix):
		return kindForeign
	}
	if lower := strings.ToLower(typ); lower != typ {
		return eventKindOf(lower)
	}
	if strings.HasPrefix(typ, wire.TypePrefixGroup) {
		return kindUnknownPresence
	}
	return kindUnknown
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

// value gives the only or first line of a header by its canonical name.
// Indexing is what http.Header.Get does after canonicalising the name anew.
func value(header http.Header, canonical string) string { return first(header[canonical]) }

// repeatedAttribute names an attribute that stands in more than one line.
// Whoever reads the first and whoever reads the last would see two different
// events, so neither is believed. Lists, ce-signature and the origin, may repeat.
func repeatedAttribute(header http.Header) string {
	switch {
	case len(header[wire.HeaderSpecVersion]) > 1:
		return "ce-specversion"
	case len(header[wire.HeaderType]) > 1:
		return "ce-type"
	case len(header[wire.HeaderSource]) > 1:
		return "ce-source"
	case len(header[wire.HeaderID]) > 1:
		return "ce-id"
	case len(header[wire.HeaderTime]) > 1:
		return "ce-time"
	case len(header[wire.HeaderUserID]) > 1:
		return "ce-userId"
	case len(header[wire.HeaderConnectionID]) > 1:
		return "ce-connectionId"
	case len(header[wire.HeaderHub]) > 1:
		return "ce-hub"
	case len(header[wire.HeaderEventName]) > 1:
		return "ce-eventName"
	case len(header[wire.HeaderSubprotocol]) > 1:
		return "ce-subprotocol"
	case len(header[wire.HeaderConnectionState]) > 1:
		return "ce-connectionState"
	case len(header[wire.HeaderPhysicalConnectionID]) > 1:
		return "ce-physicalConnectionId"
	case len(header[wire.HeaderSessionID]) > 1:
		return "ce-sessionId"
	case len(header[wire.HeaderContentType]) > 1:
		return "Content-Type"
	}
	return ""
}

// checkAttributes holds the header to what CloudEvents requires of every event;
// the type has been read already. It gives the reason why it does not.
func checkAttributes(header http.Header) string {
	if v := value(header, wire.HeaderSpecVersion); v != wire.SpecVersion {
		return fmt.Sprintf("header ce-specversion is %q, want %q", clip(v), wire.SpecVersion)
	}
	if value(header, wire.HeaderID) == "" {
		return "header ce-id is missing"
	}
	if value(header, wire.HeaderSource) == "" {
		return "header ce-source is missing"
	}
	if v, ok := header[wire.HeaderTime]; ok {
		if _, err := time.Parse(time.RFC3339, v[0]); err != nil {
			return fmt.Sprintf("header ce-time is %q, want a time as in RFC 3339", clip(v[0]))
		}
	}
	if !utf8.ValidString(value(header, wire.HeaderConnectionID)) {
		return "header ce-connectionId is not UTF-8"
	}
	if !utf8.ValidString(value(header, wire.HeaderUserID)) {
		return "header ce-userId is not UTF-8"
	}
	return ""
}

// eventName gives ce-eventName or, if that is not there, the name in ce-type.
func eventName(header http.Header) string {
	if name := value(header, wire.HeaderEventName); name != "" {
		return name
	}
	typ := value(header, wire.HeaderType)
	for _, prefix := range [...]string{wire.TypePrefixUser, wire.TypePrefixSystem, wire.TypePrefixGroup} {
		if hasPrefixFold(typ, prefix) {
			return typ[len(prefix):]
		}
	}
	return ""
}

// readMeta fills in what the header says; screen has checked it.
func (m *Meta) readMeta(r *http.Request) {
	header := r.Header
	m.request = r
	m.RequestHeader = header
	m.ID = value(header, wire.HeaderID)
	m.Type = value(header, wire.HeaderType)
	m.Source = value(header, wire.HeaderSource)
	m.Hub = value(header, wire.HeaderHub)
	m.ConnectionID = value(header, wire.HeaderConnectionID)
	m.UserID = value(header, wire.HeaderUserID)
	m.Subprotocol = value(header, wire.HeaderSubprotocol)
	m.RawState = value(header, wire.HeaderConnectionState)
	m.EventName = eventName(header)
	m.Origin = value(header, wire.HeaderRequestOrigin)
	if lines := header[wire.HeaderRequestOrigin]; len(lines) > 1 {
		m.Origin = strings.Join(lines, ", ")
	}
	if t := value(header, wire.HeaderTime); t != "" {
		m.Time, _ = time.Parse(time.RFC3339, t) // checked by screen
	}
	physical := value(header, wire.HeaderPhysicalConnectionID)
	if physical != "" && strings.EqualFold(m.Subprotocol, wire.SubprotocolMQTT) {
		m.MQTT = &MQTTSession{
			PhysicalConnectionID: physical,
			SessionID:            value(header, wire.HeaderSessionID),
		}
	}
}

// readDataType reads the payload's kind. MQTT messages may have any media type
// or none.
func (ev *UserEvent) readDataType() bool {
	ev.ContentType = value(ev.RequestHeader, wire.HeaderContentType)
	var known bool
	ev.DataType, known = dataTypeOf(ev.ContentType)
	return known || ev.MQTT != nil
}
