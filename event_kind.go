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

// eventKindOf returns the kind of a ce-type, without case. It is empty if the type is
// not known.
func eventKindOf(typ string) EventKind {
	switch typ {
	case wire.TypeConnect:
		return EventKindConnect
	case wire.TypeConnected:
		return EventKindConnected
	case wire.TypeDisconnected:
		return EventKindDisconnected
	case wire.TypeGroupJoined:
		return EventKindGroupJoined
	case wire.TypeGroupLeft:
		return EventKindGroupLeft
	}
	if hasPrefixFold(typ, wire.TypePrefixUser) {
		return EventKindUser
	}
	if lower := strings.ToLower(typ); lower != typ {
		return eventKindOf(lower)
	}
	return ""
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
