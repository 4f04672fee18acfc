package webpubsub

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/go-webpubsub/webpubsub/internal/excerpt"
)

// Outcome is what became of a request that a [Handler] has answered; see
// [Config.Observe].
//
// Kind, Reason, EventKind, Hub, Function and Status have few values, whatever
// clients and strangers send: they can be labels of metrics. The others cannot.
type Outcome struct {
	// Kind is what the handler did with the request.
	Kind OutcomeKind
	// Reason is the step at which the request was refused, or [ReasonOrigin] if a
	// validation request got no consent; empty otherwise.
	Reason RefusalReason
	// EventKind is the kind of the event, empty for validation requests and for
	// types that are not known. Until the request is verified, it is a claim.
	EventKind EventKind
	// Hub is [Config.Hub]. If that is empty, it is the hub that a verified event
	// names, and empty for other requests.
	Hub string
	// Function is the name of the function for the event: the key of
	// [Config.UserEvents], or the EventKind of a system event. It is empty if there
	// is none, and for [Config.Fallback].
	Function string
	// Status is the HTTP status of the answer. It is 200 or 204 for a refusal that
	// [Config.RefusalReply] replied to; [StatusOf] of Err is the refusal's.
	Status int

	// Event is the event, nil if the request was refused before its body was decoded.
	Event Event
	// Header is what the request's header says of the event; empty for validation
	// requests. Anybody can write it, unless the event was verified.
	Header EventHeader
	// Err is why the request was refused; nil if it was not. It may quote what a client
	// sent.
	Err error
	// ReplyErr is the error of a [Config.RefusalReply] that panicked or whose reply
	// breaks a rule; the refusal was answered as it is.
	ReplyErr error
	// Duration is the time from the call of ServeHTTP until the answer was written.
	// It is zero in the handler's own log.
	Duration time.Duration
	// PayloadBytes is the length of the event's body; zero if it was not read.
	PayloadBytes int
	// HeaderBytes is about the length of the answer's header, of which StateBytes
	// are the connection state. Compare them with the limits of proxies, see
	// [MaxStateBytes].
	HeaderBytes int
	// StateBytes is the length of the connection state that the answer sets.
	StateBytes int
}

// LogValue logs the outcome as the handler's own log does, without the event.
func (o Outcome) LogValue() slog.Value {
	return slog.GroupValue(append(o.attrs(o.Status, o.Err), slog.String("outcome", string(o.Kind)), slog.String("reason", string(o.Reason)))...)
}

// attrs are what a record of an outcome says.
func (o *Outcome) attrs(status int, err error) []slog.Attr {
	attrs := []slog.Attr{
		slog.String("hub", clip(o.Header.Hub)),
		slog.String("connection_id", clip(o.Header.ConnectionID)),
		slog.String("event", clip(o.Header.EventName)),
		slog.String("event_id", clip(o.Header.EventID)),
		slog.Int("status", status),
	}
	if err != nil {
		attrs = append(attrs, slog.String("error", excerpt.Cut(errorText(err), maxErrorText)))
	}
	if stack := stackOf(err); stack != nil {
		attrs = append(attrs, slog.String("stack", string(stack)))
	}
	return attrs
}

// OutcomeKind is what a [Handler] did with a request.
type OutcomeKind string

// The kinds of outcomes.
const (
	// OutcomeValidation is a validation request, with or without consent.
	OutcomeValidation OutcomeKind = "validation"
	// OutcomeRefused is a request that was answered with an error, whoever
	// returned it, or with a reply of [Config.RefusalReply].
	OutcomeRefused OutcomeKind = "refused"
	// OutcomeHandled is an event whose function succeeded.
	OutcomeHandled OutcomeKind = "handled"
	// OutcomeIgnored is an event without a function, answered with 204.
	OutcomeIgnored OutcomeKind = "ignored"
)

// RefusalReason is the step at which a request was refused, in the order of the steps
// of [Handler].
type RefusalReason string

// The reasons of refusals.
const (
	ReasonMethod     RefusalReason = "method"     // neither POST nor a validation request
	ReasonForeign    RefusalReason = "foreign"    // not the service's
	ReasonHeader     RefusalReason = "header"     // an attribute is missing, repeated or malformed
	ReasonHub        RefusalReason = "hub"        // of another hub
	ReasonOrigin     RefusalReason = "origin"     // validation request: the origin is not allowed
	ReasonUnverified RefusalReason = "unverified" // origin, signature or Verifier
	ReasonEventType  RefusalReason = "event_type" // not known to this version
	ReasonMediaType  RefusalReason = "media_type" // not one of a user event
	ReasonBody       RefusalReason = "body"       // too long or cut short
	ReasonPayload    RefusalReason = "payload"    // does not decode or is not valid
	ReasonFunction   RefusalReason = "function"   // error of an interceptor or function, panics included
)

// EventKind is the kind of an event.
type EventKind string

// The kinds of events. Those of system events are their names.
const (
	EventKindConnect      EventKind = "connect"
	EventKindConnected    EventKind = "connected"
	EventKindDisconnected EventKind = "disconnected"
	EventKindUser         EventKind = "user"
	EventKindGroupJoined  EventKind = "joined"
	EventKindGroupLeft    EventKind = "left"
)

// EventHeader is what the header of a request says of its event, each value cut to
// 128 bytes.
type EventHeader struct {
	Hub          string // ce-hub
	ConnectionID string // ce-connectionId
	EventName    string // ce-eventName, or the end of ce-type without it
	EventID      string // ce-id
}

func (e EventHeader) clip() EventHeader {
	return EventHeader{Hub: clip(e.Hub), ConnectionID: clip(e.ConnectionID), EventName: clip(e.EventName), EventID: clip(e.EventID)}
}

// startTime returns the time if somebody asks how long a request takes.
func (h *Handler) startTime() time.Time {
	if h.observe == nil {
		return time.Time{}
	}
	return time.Now()
}

// report calls Config.Observe. The request has been answered: a panic is logged, and
// the server does not see it, http.ErrAbortHandler included.
func (h *Handler) report(r *http.Request, start time.Time, o *Outcome) {
	o.Duration = time.Since(start)
	o.Header = o.Header.clip()
	returned := false
	defer func() {
		if v := recover(); !returned {
			h.log.write(r.Context(), slog.LevelError, "Observe panicked; the answer had been written", o, o.Status, panicked(v))
		}
	}()
	h.observe(r.Context(), *o)
	returned = true
}
