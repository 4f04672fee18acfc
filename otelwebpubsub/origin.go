package otelwebpubsub

import (
	"context"
	"net/http"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/go-webpubsub/webpubsub"
)

// w3c reads and writes traceparent and tracestate. Baggage is not passed on, as it may
// have anything.
var w3c propagation.TraceContext

const traceParent, traceState = "traceparent", "tracestate"

// metadataPrefix is that of the headers with a message's metadata.
const metadataPrefix = "X-Webpubsub-Metadata-"

// origin returns the context whose span is the parent of an event's span, and the links of
// that span: to the span of the connect event, and to the one that the client names.
func (h *handler) origin(ctx context.Context, ev webpubsub.Event) (context.Context, []trace.Link) {
	m := ev.EventMeta()
	if !trace.SpanContextFromContext(ctx).IsValid() {
		ctx = w3c.Extract(ctx, propagation.HeaderCarrier(m.RequestHeader))
	}
	var links []trace.Link
	add := func(name string, sc trace.SpanContext) {
		if sc.IsValid() {
			links = append(links, trace.Link{SpanContext: sc, Attributes: linkAttributes[name]})
		}
	}
	if h.opts.LinkConnections {
		var note string
		m.RawState, note = cutNote(m.RawState)
		add(linkToConnect, spanOfNote(note))
	}
	switch ev := ev.(type) {
	case *webpubsub.ConnectEvent:
		if parent := ev.Headers.Get(traceParent); parent != "" {
			add(linkToClient, extract(propagation.MapCarrier{traceParent: parent, traceState: ev.Headers.Get(traceState)}))
		}
	case *webpubsub.UserEvent:
		if client := ofMetadata(m.RequestHeader); client.IsValid() {
			if h.opts.InsecureTrustClients && !trace.SpanContextFromContext(ctx).IsValid() {
				return trace.ContextWithRemoteSpanContext(ctx, client), links
			}
			add(linkToClient, client)
		}
	}
	return ctx, links
}

func extract(carrier propagation.TextMapCarrier) trace.SpanContext {
	return trace.SpanContextFromContext(w3c.Extract(context.Background(), carrier))
}

func ofMetadata(header http.Header) trace.SpanContext {
	if header.Get(metadataPrefix+traceParent) == "" {
		return trace.SpanContext{}
	}
	return extract(propagation.MapCarrier{traceParent: header.Get(metadataPrefix + traceParent), traceState: header.Get(metadataPrefix + traceState)})
}
