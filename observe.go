package webpubsub

import (
	"context"
	"log/slog"
	"time"

	"github.com/go-webpubsub/webpubsub/internal/excerpt"
)

// Outcome describes a request that a [Handler] has answered. See [Config.Observe].
//
// Kind, Reason, EventKind, Function and Status have few values whatever clients and
// strangers send, and can be labels of metrics. So does Hub if the handler has a
// [Config.Hub] or is in a [HubMux]. The other fields are unbounded.
type Outcome struct {
	// Kind is what the handler did with the request.
	Kind OutcomeKind
	// Reason is the step that refused the request, or the consent of a validation
	// request. It is empty otherwise.
	Reason RefusalReason
	// EventKind is the kind of the event that the header names, verified or not. It is
	// empty for validation requests and unknown types.
	EventKind EventKind
	// Hub is [Config.Hub], or the handler's name in a [HubMux]. If there is neither, Hub is
	// the hub that a verified event names, cut after 128 bytes, and empty for other
	// requests. The signature does not cover it.
	Hub string
	// Function is the name of the function for the event: the key of
	// [Config.UserEvents], or the EventKind of a system event. It is empty for
	// [Config.Fallback], for an event without a function, and for one that was refused
	// before its function was looked up.
	Function string
	// Status is the HTTP status of the answer. For a refusal that [Config.RefusalReply]
	// replied to, it is 200 or 204, and [StatusOf] returns the status of Err.
	Status int

	// Event is the event. It is nil if the request was refused before the event's body
	// was decoded. The JSON of an Outcome does not have it, since events contain tokens
	// and signatures.
	Event Event `json:"-"`
	// Header identifies the event as the request's header does, verified or not. It
	// is empty for validation requests.
	Header EventHeader
	// Err is the error of a refusal, nil for most other outcomes. It may quote what a client sent.
	Err error
	// ReplyErr is the error of a [Config.RefusalReply] that panicked or returned an
	// invalid reply. The answer is then the refusal.
	ReplyErr error
	// StoreErr is the error of [Deduplication.Store], or of an answer that it could not
	// keep. Unless Reason is ReasonStore, it did not change the answer.
	StoreErr error
	// Duration is the time from the call of ServeHTTP until the answer was written.
	Duration time.Duration
	// PayloadBytes is the length of the event's body, zero if it was not read.
	PayloadBytes int
	// HeaderBytes is the approximate length of the answer's header. Proxies limit it,
	// see [MaxStateBytes].
	HeaderBytes int
	// StateBytes is the length of the connection state in the answer's header.
	StateBytes int
}

// LogValue returns the attributes that [Config.Logger] receives, and Kind and Reason.
func (o Outcome) LogValue() slog.Value {
	return slog.GroupValue(append(o.attrs(o.Status, o.Err), slog.String("outcome", string(o.Kind)), slog.String("reason", string(o.Reason)))...)
}

// attrs returns the attributes of a log record.
func (o *Outcome) attrs(status int, err error) []slog.Attr {
	attrs := append(o.Header.attrs(), slog.Int("status", status))
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
	// OutcomeRefused is a request that the handler, an interceptor or a function
	// refused or failed to handle.
	OutcomeRefused OutcomeKind = "refused"
	// OutcomeHandled is an event whose function succeeded.
	OutcomeHandled OutcomeKind = "handled"
	// OutcomeIgnored is an event without a function. It was answered with 204.
	OutcomeIgnored OutcomeKind = "ignored"
	// OutcomeRepeated is a repeat of an event that was handled or is being handled, see
	// [Deduplication]. Neither interceptors nor a function ran. The answer is the stored
	// one, 503 while the event is being handled, or 500, with an Err, if its answer was too
	// long to be stored.
	OutcomeRepeated OutcomeKind = "repeated"
)

// RefusalReason is the step of a [Handler] that refused a request.
type RefusalReason string

// The reasons of refusals, in the order of the steps.
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
	ReasonStore      RefusalReason = "store"      // Deduplication.Store failed
	ReasonFunction   RefusalReason = "function"   // error of an interceptor or function, panics included
)

// EventHeader identifies an event by the header of its request. Values are cut after
// 128 bytes.
type EventHeader struct {
	Hub          string // ce-hub
	ConnectionID string // ce-connectionId
	EventName    string // ce-eventName, or the name in ce-type
	EventID      string // ce-id
}

func (e EventHeader) cut() EventHeader {
	return EventHeader{Hub: excerpt.Short(e.Hub), ConnectionID: excerpt.Short(e.ConnectionID), EventName: excerpt.Short(e.EventName), EventID: excerpt.Short(e.EventID)}
}

// attrs returns the attributes of a log record.
func (e EventHeader) attrs() []slog.Attr {
	return []slog.Attr{
		slog.String("hub", e.Hub),
		slog.String("connection_id", e.ConnectionID),
		slog.String("event", e.EventName),
		slog.String("event_id", e.EventID),
	}
}

// report calls Config.Observe. It recovers any panic, http.ErrAbortHandler included,
// since the server would discard the answer.
func (h *Handler) report(ctx context.Context, start time.Time, o *Outcome) {
	o.Duration = time.Since(start)
	returned := false
	defer func() {
		if v := recover(); !returned {
			h.log.write(ctx, slog.LevelError, "Observe panicked; the answer had been written", o, o.Status, panicked(v))
		}
	}()
	h.observe(ctx, *o)
	returned = true
}
