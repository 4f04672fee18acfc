package otelwebpubsub

import (
	"context"

	cloudevents "github.com/cloudevents/sdk-go/v2/event"
	"github.com/cloudevents/sdk-go/v2/protocol"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// Sender returns a function that sends an event within a span and with its trace context,
// as the extensions traceparent and tracestate of CloudEvents. send is the method Send
// of a client of the CloudEvents SDK, or another function that sends events.
func (t *Telemetry) Sender(send func(context.Context, cloudevents.Event) protocol.Result) func(context.Context, cloudevents.Event) protocol.Result {
	return func(ctx context.Context, ev cloudevents.Event) protocol.Result {
		ctx, span := t.tracer.Start(ctx, "send cloudevents", trace.WithSpanKind(trace.SpanKindProducer), trace.WithAttributes(
			semconv.MessagingSystemKey.String("cloudevents"), semconv.MessagingOperationTypeSend, operationOf("send"),
		))
		defer span.End() // also after a panic
		if span.IsRecording() {
			span.SetAttributes(semconv.CloudEventsEventID(cut(ev.ID())), semconv.CloudEventsEventSpecVersion(ev.SpecVersion()), semconv.MessagingMessageBodySize(len(ev.Data())))
		}
		ev = ev.Clone()
		w3c.Inject(ctx, extensions{&ev})
		result := send(ctx, ev)
		if !protocol.IsACK(result) {
			span.SetAttributes(semconv.ErrorTypeKey.String(typeOf(result)))
			span.SetStatus(codes.Error, "not acknowledged")
		}
		return result
	}
}

// extensions writes a trace context as extensions of an event.
type extensions struct{ of *cloudevents.Event }

var _ propagation.TextMapCarrier = extensions{}

// Get returns an extension.
func (x extensions) Get(key string) string {
	value, _ := x.of.Extensions()[key].(string)
	return value
}

// Set sets an extension.
func (x extensions) Set(key, value string) { x.of.SetExtension(key, value) }

// Keys returns the names of the extensions that a trace context has.
func (extensions) Keys() []string { return []string{traceParent, traceState} }
