package webpubsub

import (
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-webpubsub/webpubsub/internal/excerpt"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// equalFold is strings.EqualFold, but faster for equal strings.
func equalFold(a, b string) bool { return a == b || strings.EqualFold(a, b) }

// attributes are the values of an event's header. Each line is looked up once, since
// a lookup takes longer than most of the checks.
type attributes struct {
	kind        EventKind // empty: not known
	specVersion string
	typ         string
	source      string
	id          string
	time        time.Time
	userID      string
	connection  string
	hub         string
	eventName   string
	subprotocol string
	state       string
	physical    string // of MQTT
	session     string // of MQTT
	contentType string
	origins     []string // the lines of a list
	signatures  []string // the lines of a list

	timeLines []string
	repeated  string // the first attribute with more than one line
}

// read looks up the attributes and sets repeated to the first with several lines:
// programs do not agree on which of the lines counts. The lists ce-signature and WebHook-Request-Origin may be repeated.
func (a *attributes) read(header http.Header) {
	a.origins = header[wire.HeaderRequestOrigin]
	a.signatures = header[wire.HeaderSignature]
	a.timeLines = header[wire.HeaderTime]
	a.specVersion = a.only("ce-specversion", header[wire.HeaderSpecVersion])
	a.typ = a.only("ce-type", header[wire.HeaderType])
	a.source = a.only("ce-source", header[wire.HeaderSource])
	a.id = a.only("ce-id", header[wire.HeaderID])
	_ = a.only("ce-time", a.timeLines)
	a.userID = a.only("ce-userId", header[wire.HeaderUserID])
	a.connection = a.only("ce-connectionId", header[wire.HeaderConnectionID])
	a.hub = a.only("ce-hub", header[wire.HeaderHub])
	a.eventName = a.only("ce-eventName", header[wire.HeaderEventName])
	a.subprotocol = a.only("ce-subprotocol", header[wire.HeaderSubprotocol])
	a.state = a.only("ce-connectionState", header[wire.HeaderConnectionState])
	if strings.EqualFold(a.subprotocol, wire.SubprotocolMQTT) {
		a.physical = a.only("ce-physicalConnectionId", header[wire.HeaderPhysicalConnectionID])
		a.session = a.only("ce-sessionId", header[wire.HeaderSessionID])
	}
	a.contentType = a.only("Content-Type", header[wire.HeaderContentType])
	a.kind = eventKindOf(a.typ)
	switch {
	case a.kind != "" && a.kind != EventKindUser:
		a.eventName = string(a.kind) // the request may have it in another case
	case a.eventName == "":
		a.eventName = nameInType(a.typ)
	}
}

func (a *attributes) only(name string, lines []string) string {
	if len(lines) > 1 && a.repeated == "" {
		a.repeated = name
	}
	return first(lines)
}

// check returns the fault of an event's attributes, empty if there is none.
// CloudEvents requires some of them; the service sends a connection id with every
// event. screen has checked the type.
func (a *attributes) check() string {
	switch {
	case a.specVersion != wire.SpecVersion:
		return fmt.Sprintf("header ce-specversion is %q, want %q", excerpt.Short(a.specVersion), wire.SpecVersion)
	case a.id == "":
		return "header ce-id is missing"
	case a.source == "":
		return "header ce-source is missing"
	case a.connection == "":
		return "header ce-connectionId is missing"
	}
	if len(a.timeLines) > 0 {
		var err error
		if a.time, err = time.Parse(time.RFC3339, a.timeLines[0]); err != nil {
			return fmt.Sprintf("header ce-time is %q, want a time as in RFC 3339", excerpt.Short(a.timeLines[0]))
		}
	}
	switch {
	case !utf8.ValidString(a.connection):
		return "header ce-connectionId is not UTF-8"
	case !utf8.ValidString(a.userID):
		return "header ce-userId is not UTF-8"
	}
	return ""
}

// header returns the attributes that identify an event.
func (a *attributes) header() EventHeader {
	return EventHeader{Hub: a.hub, ConnectionID: a.connection, EventName: a.eventName, EventID: a.id}.cut()
}

func (a *attributes) isMQTT() bool { return a.physical != "" }

// fill sets the fields that all events have, except the body.
func (m *Meta) fill(r *http.Request, a *attributes) {
	m.request = r
	m.RequestHeader = r.Header
	m.ID = a.id
	m.Type = a.typ
	m.Time = a.time
	m.Source = a.source
	m.Origin = first(a.origins)
	if len(a.origins) > 1 {
		m.Origin = strings.Join(a.origins, ", ")
	}
	m.Hub = a.hub
	m.ConnectionID = a.connection
	m.UserID = a.userID
	m.Subprotocol = a.subprotocol
	m.EventName = a.eventName
	m.RawState = a.state
	if a.isMQTT() {
		m.MQTT = &MQTTSession{PhysicalConnectionID: a.physical, SessionID: a.session}
	}
}
