package otelwebpubsub

import (
	"context"
	"slices"
	"sync"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"github.com/go-webpubsub/webpubsub"
)

// labels are the attributes of a request. Each has few values whatever strangers send.
type labels struct {
	hub, function string
	kind          webpubsub.EventKind
	outcome       webpubsub.OutcomeKind
	reason        webpubsub.RefusalReason
	status        int
}

// attributes are labels for the instruments. They are slices, as the instruments want
// them, so that none is made for each event.
type attributes struct {
	request []metric.AddOption    // all
	event   []metric.RecordOption // hub, kind and name
	process []metric.RecordOption // those and the error
}

// setsByLabels keeps the attributes for labels, which take longer to make than to find.
type setsByLabels struct {
	mu   sync.RWMutex
	sets map[labels]attributes
}

func (s *setsByLabels) of(l labels) attributes {
	s.mu.RLock()
	found, ok := s.sets[l]
	s.mu.RUnlock()
	if ok {
		return found
	}
	made := l.attributes()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sets[l] = made
	return made
}

func (l labels) attributes() attributes {
	event := []attribute.KeyValue{system}
	add := func(to []attribute.KeyValue, key attribute.Key, value string) []attribute.KeyValue {
		if value != "" {
			to = append(to, key.String(value))
		}
		return to
	}
	event = add(event, semconv.MessagingDestinationNameKey, l.hub)
	event = add(event, EventKindKey, string(l.kind))
	event = add(event, semconv.MessagingOperationNameKey, l.function)
	process := add(slices.Clip(event), semconv.ErrorTypeKey, string(l.reason))
	request := append(add(slices.Clip(event), RefusalReasonKey, string(l.reason)),
		OutcomeKey.String(string(l.outcome)), semconv.HTTPResponseStatusCode(l.status))
	option := func(list []attribute.KeyValue) metric.MeasurementOption {
		return metric.WithAttributeSet(attribute.NewSet(list...))
	}
	return attributes{
		request: []metric.AddOption{option(request)}, event: []metric.RecordOption{option(event)}, process: []metric.RecordOption{option(process)},
	}
}

// measure records the metrics of a request.
func (h *handler) measure(ctx context.Context, o *webpubsub.Outcome) {
	l := labels{hub: o.Hub, function: o.Function, kind: o.EventKind, outcome: o.Kind, reason: o.Reason, status: o.Status}
	if h.hub == "" { // unless the handler is in a HubMux, o.Hub is what the event says
		l.hub = h.hubs.limit(l.hub)
	}
	if l.function == "" && l.kind != "" {
		if l.function = string(l.kind); l.kind == webpubsub.EventKindUser {
			l.function = other
		}
	}
	attrs := h.of(l)
	h.instruments.requests.Add(ctx, 1, attrs.request...)
	if !isVerified(o) || o.Event == nil {
		return
	}
	h.instruments.payload.Record(ctx, int64(o.PayloadBytes), attrs.event...)
	if isIntercepted(o) {
		h.instruments.process.Inst().Record(ctx, o.Duration.Seconds(), attrs.process...)
	}
}
