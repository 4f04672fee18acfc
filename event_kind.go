package webpubsub

import (
	"strings"

	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// EventKind is the kind of an event.
type EventKind string

// The kinds of events. The kind of a system event is its name.
const (
	EventKindConnect      EventKind = "connect"
	EventKindConnected    EventKind = "connected"
	EventKindDisconnected EventKind = "disconnected"
	EventKindUser         EventKind = "user"
	EventKindGroupJoined  EventKind = "joined"
	EventKindGroupLeft    EventKind = "left"
)

// eventKind is the kind of event that a ce-type names.
type eventKind uint8

const (
	kindForeign eventKind = iota // not the service's
	kindConnect
	kindConnected
	kindDisconnected
	kindUser
	kindGroupJoined
	kindGroupLeft
	kindUnknownPresence // a notification about a group that is not known
	kindUnknown         // any other type of the service's that is not known
)

// kindNames has the names of the kinds that are known.
var kindNames = [kindUnknown + 1]EventKind{
	kindConnect:      EventKindConnect,
	kindConnected:    EventKindConnected,
	kindDisconnected: EventKindDisconnected,
	kindUser:         EventKindUser,
	kindGroupJoined:  EventKindGroupJoined,
	kindGroupLeft:    EventKindGroupLeft,
}

// eventKindOf returns the kind of a ce-type, without case.
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

// nameInType returns the event's name in a ce-type.
func nameInType(typ string) string {
	for _, prefix := range [...]string{wire.TypePrefixUser, wire.TypePrefixSystem, wire.TypePrefixGroup} {
		if hasPrefixFold(typ, prefix) {
			return typ[len(prefix):]
		}
	}
	return ""
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && equalFold(s[:len(prefix)], prefix)
}
