package otelwebpubsub

import (
	"fmt"
	"strings"
	"sync"

	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
)

// System is the value of messaging.system.
const System = "webpubsub"

// Attributes for which there is no semantic convention.
const (
	// EventKindKey is the kind of an event, see [webpubsub.EventKind].
	EventKindKey = attribute.Key("webpubsub.event.kind")
	// OutcomeKey is what became of a request or an operation.
	OutcomeKey = attribute.Key("webpubsub.outcome")
	// RefusalReasonKey is the step of a handler that refused a request, see
	// [webpubsub.RefusalReason].
	RefusalReasonKey = attribute.Key("webpubsub.refusal.reason")
	// ConnectionIDKey is the id of a connection. Only spans have it.
	ConnectionIDKey = attribute.Key("webpubsub.connection.id")
	// RedeliveredKey reports that an event was delivered before.
	RedeliveredKey = attribute.Key("webpubsub.redelivered")
	// AttemptsKey is the number of attempts of an operation. Only spans have it.
	AttemptsKey = attribute.Key("webpubsub.attempts")
	// CloseCodeKey is the code with which a WebSocket was closed.
	CloseCodeKey = attribute.Key("webpubsub.close.code")
	// MessageKindKey is the kind of a message that a client has received, see
	// [client.MessageKind].
	MessageKindKey = attribute.Key("webpubsub.message.kind")
)

// LinkKey is what a link of a span leads to.
const LinkKey = attribute.Key("webpubsub.link")

// Values of [LinkKey].
const (
	linkToConnect  = "connect"  // the span of the connection's connect event
	linkToClient   = "client"   // the span that the client names
	linkToDelivery = "delivery" // the span that the request names, if a client's is the parent
)

var linkAttributes = map[string][]attribute.KeyValue{
	linkToConnect:  {LinkKey.String(linkToConnect)},
	linkToClient:   {LinkKey.String(linkToClient)},
	linkToDelivery: {LinkKey.String(linkToDelivery)},
}

// other is the value of an attribute that is not one of a limited set.
const other = "_OTHER"

var (
	system      = semconv.MessagingSystemKey.String(System)
	operationOf = semconv.MessagingOperationNameKey.String
	hubOf       = semconv.MessagingDestinationName
)

// maxIDBytes limits an id in a span.
const maxIDBytes = 128

func cut(id string) string {
	if len(id) > maxIDBytes {
		id = strings.ToValidUTF8(id[:maxIDBytes], "")
	}
	return id
}

// typeOf returns the type of an error: of the first in its chain that is not of package
// errors or fmt. Its text may contain what a client has sent.
func typeOf(err error) string {
	for range 16 {
		name := fmt.Sprintf("%T", err)
		if !strings.HasPrefix(name, "*errors.") && !strings.HasPrefix(name, "*fmt.") {
			return name
		}
		inner, ok := err.(interface{ Unwrap() error })
		if !ok || inner.Unwrap() == nil {
			return name
		}
		err = inner.Unwrap()
	}
	return other
}

// maxNames is the number of names that a [nameSet] passes.
const maxNames = 32

// nameSet limits the values of an attribute to the first few.
type nameSet struct {
	mu    sync.RWMutex
	names map[string]struct{}
}

// limit returns a name, or another value if there are too many names.
func (s *nameSet) limit(name string) string {
	s.mu.RLock()
	_, known := s.names[name]
	s.mu.RUnlock()
	if known || name == "" {
		return name
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.names) >= maxNames {
		return other
	}
	if s.names == nil {
		s.names = make(map[string]struct{}, maxNames)
	}
	s.names[strings.Clone(name)] = struct{}{}
	return name
}
