package otelwebpubsub

import (
	"context"
	"maps"

	"go.opentelemetry.io/otel/propagation"
)

// WithTraceContext returns a copy of the metadata of a message that has the trace context of
// ctx, as traceparent and tracestate. It is for the messages of a service client, and
// the messages and events of a client:
//
//	c.SendEvent(ctx, "say", data, &client.EventOptions{Metadata: otelwebpubsub.WithTraceContext(ctx, nil)})
//
// The span of an event has a link to the span that its metadata names.
func WithTraceContext(ctx context.Context, metadata map[string]string) map[string]string {
	out := maps.Clone(metadata)
	if out == nil {
		out = make(map[string]string, 2)
	}
	w3c.Inject(ctx, propagation.MapCarrier(out))
	return out
}

// FromMetadata returns a context with the trace context that is in the metadata of a
// message. Anyone who may send the message can choose it.
func FromMetadata(ctx context.Context, metadata map[string]string) context.Context {
	return w3c.Extract(ctx, propagation.MapCarrier(metadata))
}
