package otelwebpubsub

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"time"

	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/go-webpubsub/webpubsub"
)

// Handler returns a copy of cfg that makes spans and metrics of a handler:
//
//	h, err := webpubsub.NewHandler(telemetry.Handler(cfg))
//
// It adds an interceptor, the outermost, and sets Observe to a function that calls the one
// of cfg. With [Options.LinkConnections] it also wraps the functions that return a state.
//
// The interceptor makes the span of an event, within which the other interceptors and the
// function run. Its parent is the span of ctx, which middleware of package otelhttp
// makes, or else the one that the header of the verified request names. An event whose
// functions do not run has a span without that parent, or none if it was not verified.
//
// As with any interceptor, events without a function are read before they are ignored, so
// that an invalid one is refused.
func (t *Telemetry) Handler(cfg webpubsub.Config) webpubsub.Config {
	h := &handler{Telemetry: t, hub: cfg.Hub, next: cfg.Observe, operations: make(map[string]*operation, len(cfg.UserEvents))}
	h.sets = make(map[labels]attributes)
	for name := range cfg.UserEvents {
		h.operations[name] = h.newOperation(webpubsub.EventKindUser, name)
	}
	for i, kind := range systemKinds {
		h.system[i] = h.newOperation(kind, string(kind))
	}
	h.unknown = h.newOperation(webpubsub.EventKindUser, other)
	h.untyped = h.newOperation("", other)
	cfg.Interceptors = append([]webpubsub.Interceptor{h.intercept}, cfg.Interceptors...)
	cfg.Observe = h.observe
	if t.opts.LinkConnections {
		linkFunctions(&cfg)
	}
	return cfg
}

var systemKinds = [...]webpubsub.EventKind{
	webpubsub.EventKindConnect, webpubsub.EventKindConnected, webpubsub.EventKindDisconnected, webpubsub.EventKindGroupJoined, webpubsub.EventKindGroupLeft,
}

// handler is the telemetry of one handler.
type handler struct {
	*Telemetry

	hub        string // empty: any
	next       func(context.Context, webpubsub.Outcome)
	operations map[string]*operation // of user events
	system     [len(systemKinds)]*operation
	unknown    *operation // of user events without a function of their own
	untyped    *operation // of events of an unknown type
	hubs       nameSet    // of a handler without a hub

	setsByLabels
}

// operation is what the spans of an event's name have in common.
type operation struct {
	span  string
	start []trace.SpanStartOption
}

func (h *handler) newOperation(kind webpubsub.EventKind, name string) *operation {
	attrs := trace.WithAttributes(system, semconv.MessagingOperationTypeProcess, operationOf(name), EventKindKey.String(cmp.Or(string(kind), other)))
	op := &operation{span: name, start: []trace.SpanStartOption{trace.WithSpanKind(trace.SpanKindConsumer), attrs}}
	if name == other {
		op.span = cmp.Or(string(kind), "event")
	}
	if h.hub != "" {
		op.span += " " + h.hub
		op.start = append(op.start, trace.WithAttributes(hubOf(h.hub)))
	}
	return op
}

// operationOf returns the operation of an event. Its name is one of a function, or that of
// a system event.
func (h *handler) operationOf(kind webpubsub.EventKind, name string) *operation {
	if i := slices.Index(systemKinds[:], kind); i >= 0 {
		return h.system[i]
	}
	if kind == "" {
		return h.untyped
	}
	if op, ok := h.operations[name]; ok {
		return op
	}
	return h.unknown
}

// intercept makes the span of an event whose functions run.
func (h *handler) intercept(ctx context.Context, ev webpubsub.Event, next func(context.Context) error) error {
	ctx, span := h.start(ctx, ev)
	ended := false
	defer func() {
		if !ended { // http.ErrAbortHandler, or runtime.Goexit
			span.SetStatus(codes.Error, "aborted")
			span.End()
		}
	}()
	err := next(ctx)
	if ended = true; err != nil {
		fail(span, webpubsub.StatusOf(err), err)
	}
	span.End()
	return err
}

// start starts the span of an event.
func (h *handler) start(ctx context.Context, ev webpubsub.Event) (context.Context, trace.Span) {
	m := ev.EventMeta()
	ctx, links := h.origin(ctx, ev)
	op := h.operationOf(kindOf(ev), m.EventName)
	start := op.start
	if len(links) > 0 {
		start = append(slices.Clip(start), trace.WithLinks(links...))
	}
	ctx, span := h.tracer.Start(ctx, op.span, start...)
	if span.IsRecording() {
		h.describe(span, ev)
	}
	return ctx, span
}

// describe sets the attributes that differ from event to event.
func (h *handler) describe(span trace.Span, ev webpubsub.Event) {
	m := ev.EventMeta()
	span.SetAttributes(ConnectionIDKey.String(cut(m.ConnectionID)), semconv.CloudEventsEventID(cut(m.ID)), semconv.MessagingMessageID(cut(m.ID)))
	if h.hub == "" {
		span.SetAttributes(hubOf(cut(m.Hub)))
	}
	if m.Redelivered() {
		span.SetAttributes(RedeliveredKey.Bool(true))
	}
	if user, ok := ev.(*webpubsub.UserEvent); ok {
		span.SetAttributes(semconv.MessagingMessageBodySize(len(user.Data)))
	}
}

// fail describes a refusal. Only failures of the server are errors of a span, as in the
// conventions for HTTP.
func fail(span trace.Span, status int, err error) {
	span.SetAttributes(semconv.HTTPResponseStatusCode(status))
	if err != nil {
		span.SetAttributes(semconv.ErrorTypeKey.String(typeOf(err)))
	}
	if status >= http.StatusInternalServerError {
		span.SetStatus(codes.Error, http.StatusText(status))
	}
}

// observe counts a request, and makes the span of one whose functions did not run.
func (h *handler) observe(ctx context.Context, o webpubsub.Outcome) {
	h.measure(ctx, &o)
	if isVerified(&o) && !isIntercepted(&o) {
		h.spanOf(ctx, &o)
	}
	if h.next != nil {
		h.next(ctx, o)
	}
}

// spanOf makes the span of an event that no function has handled.
func (h *handler) spanOf(ctx context.Context, o *webpubsub.Outcome) {
	now := time.Now()
	op := h.operationOf(o.EventKind, o.Function)
	start := append(slices.Clip(op.start), trace.WithTimestamp(now.Add(-o.Duration)),
		trace.WithAttributes(OutcomeKey.String(string(o.Kind)), RefusalReasonKey.String(string(o.Reason))))
	if o.Event != nil {
		var links []trace.Link
		ctx, links = h.origin(ctx, o.Event)
		start = append(start, trace.WithLinks(links...))
	}
	_, span := h.tracer.Start(ctx, op.span, start...)
	if o.Event != nil && span.IsRecording() {
		h.describe(span, o.Event)
	}
	fail(span, o.Status, o.Err)
	span.End(trace.WithTimestamp(now))
}

// isVerified reports whether the service has sent a request.
func isVerified(o *webpubsub.Outcome) bool {
	switch o.Reason {
	case webpubsub.ReasonMethod, webpubsub.ReasonForeign, webpubsub.ReasonHeader, webpubsub.ReasonHub, webpubsub.ReasonOrigin, webpubsub.ReasonUnverified:
		return false
	default:
		return o.Kind != webpubsub.OutcomeValidation
	}
}

// isIntercepted reports whether the interceptors have run.
func isIntercepted(o *webpubsub.Outcome) bool {
	return o.Event != nil && o.Kind != webpubsub.OutcomeRepeated && o.Reason != webpubsub.ReasonStore
}

// kindOf returns the kind of an event.
func kindOf(ev webpubsub.Event) webpubsub.EventKind {
	switch ev.(type) {
	case *webpubsub.ConnectEvent:
		return webpubsub.EventKindConnect
	case *webpubsub.ConnectedEvent:
		return webpubsub.EventKindConnected
	case *webpubsub.DisconnectedEvent:
		return webpubsub.EventKindDisconnected
	case *webpubsub.GroupJoinedEvent:
		return webpubsub.EventKindGroupJoined
	case *webpubsub.GroupLeftEvent:
		return webpubsub.EventKindGroupLeft
	default:
		return webpubsub.EventKindUser
	}
}
