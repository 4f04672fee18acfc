package otelwebpubsub_test

import (
	"context"
	"testing"

	cloudevents "github.com/cloudevents/sdk-go/v2/event"
	"github.com/cloudevents/sdk-go/v2/protocol"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/go-webpubsub/webpubsub/otelwebpubsub"
)

// TestSenderPanics: the span does not have the text of a panic, which OpenTelemetry adds to
// a span whose method End is deferred.
func TestSenderPanics(t *testing.T) {
	t.Parallel()
	r := newRig(t, otelwebpubsub.Options{})
	send := r.Sender(func(context.Context, cloudevents.Event) protocol.Result { panic(secret) })
	assert.PanicsWithValue(t, secret, func() { _ = send(t.Context(), cloudevents.New()) })
	span := r.only(t, "send cloudevents")
	assert.Empty(t, span.Events())
	assert.Equal(t, codes.Error, span.Status().Code)
	holdsNone(t, r.everything(t))
}

// TestSenderReplacesTheTraceContext: an event that has a trace context already, as package
// forward sets that of the request, gets that of the span as a whole.
func TestSenderReplacesTheTraceContext(t *testing.T) {
	t.Parallel()
	r := newRig(t, otelwebpubsub.Options{})
	var got cloudevents.Event
	send := r.Sender(func(_ context.Context, ev cloudevents.Event) protocol.Result {
		got = ev
		return nil
	})
	ev := cloudevents.New()
	ev.SetExtension("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	ev.SetExtension("tracestate", "vendor=of-another-trace")
	require.NoError(t, send(t.Context(), ev))
	assert.Contains(t, got.Extensions()["traceparent"], r.only(t, "send cloudevents").SpanContext().SpanID().String())
	assert.NotContains(t, got.Extensions(), "tracestate")
	assert.Contains(t, ev.Extensions(), "tracestate", "the caller's event is not modified")
}

// TestMetadataReplacesTheTraceContext: so does a message whose metadata were received.
func TestMetadataReplacesTheTraceContext(t *testing.T) {
	t.Parallel()
	r := newRig(t, otelwebpubsub.Options{})
	ctx, span := r.tracers.Tracer("").Start(t.Context(), "span")
	defer span.End()
	received := map[string]string{"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "tracestate": "vendor=of-another-trace", "k": "v"}
	out := otelwebpubsub.WithTraceContext(ctx, received)
	assert.Equal(t, span.SpanContext().SpanID(), trace.SpanContextFromContext(otelwebpubsub.FromMetadata(t.Context(), out)).SpanID())
	assert.NotContains(t, out, "tracestate")
	assert.Equal(t, "v", out["k"])
	assert.Equal(t, received, otelwebpubsub.WithTraceContext(t.Context(), received), "without a span, the metadata are as they were")
}
