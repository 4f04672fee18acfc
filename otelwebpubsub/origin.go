package otelwebpubsub

import (
	"context"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/go-webpubsub/webpubsub"
)

// w3c reads and writes traceparent and tracestate. Baggage is not passed on, as it may
// have anything.
var w3c propagation.TraceContext

const traceParent, traceState = "traceparent", "tracestate"

// Names of headers, as net/http has them.
const (
	headerParent   = "Traceparent"
	metadataParent = "X-Webpubsub-Metadata-Traceparent"
	metadataState  = "X-Webpubsub-Metadata-Tracestate"
)

// origin returns the context whose span is the parent of an event's span, and the links of
// that span: to the span of the connect event, and to the one that the client names.
func (h *handler) origin(ctx context.Context, ev webpubsub.Event) (context.Context, []trace.Link) {
	m := ev.EventMeta()
	hasParent := trace.SpanContextFromContext(ctx).IsValid() // of middleware
	if !hasParent && len(m.RequestHeader[headerParent]) == 1 {
		ctx = w3c.Extract(ctx, propagation.HeaderCarrier(m.RequestHeader))
	}
	var links []trace.Link
	link := func(to string, sc trace.SpanContext) {
		if sc.IsValid() {
			links = append(links, trace.Link{SpanContext: sc, Attributes: linkAttributes[to]})
		}
	}
	if h.opts.LinkConnections {
		var note string
		m.RawState, note = cutNote(m.RawState)
		link(linkToConnect, spanOfNote(note))
	}
	client := ofClient(ev)
	if client.IsValid() && h.opts.InsecureTrustClients && !hasParent {
		link(linkToDelivery, trace.SpanContextFromContext(ctx))
		return trace.ContextWithRemoteSpanContext(ctx, client), links
	}
	link(linkToClient, client)
	return ctx, links
}

// ofClient returns the span that the client names: in its handshake, or in the metadata of
// its event.
func ofClient(ev webpubsub.Event) trace.SpanContext {
	switch ev := ev.(type) {
	case *webpubsub.ConnectEvent:
		if parent := ev.Headers.Get(traceParent); parent != "" {
			return extract(propagation.MapCarrier{traceParent: parent, traceState: ev.Headers.Get(traceState)})
		}
	case *webpubsub.UserEvent:
		if parent := ev.RequestHeader[metadataParent]; len(parent) == 1 {
			return extract(propagation.MapCarrier{traceParent: parent[0], traceState: ev.RequestHeader.Get(metadataState)})
		}
	}
	return trace.SpanContext{}
}

func extract(carrier propagation.TextMapCarrier) trace.SpanContext {
	return trace.SpanContextFromContext(w3c.Extract(context.Background(), carrier))
}
