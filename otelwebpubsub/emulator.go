package otelwebpubsub

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/go-webpubsub/webpubsub/emulator"
)

// Emulator returns a function for [emulator.Config.Trace]. It makes a span of each REST call
// and of each delivery of an event, and metrics of these and of connections. The span of a
// REST call is the parent of those of the events that the call raises, and the span of a
// delivery is the parent of that of the handler.
func (t *Telemetry) Emulator() func(emulator.Operation) (emulator.TraceContext, func(emulator.OperationResult)) {
	e := &emulatorTrace{Telemetry: t}
	return func(op emulator.Operation) (emulator.TraceContext, func(emulator.OperationResult)) {
		switch op.Kind {
		case emulator.OperationREST:
			return e.call(op)
		case emulator.OperationDelivery:
			return e.deliver(op)
		default:
			return e.connect(op)
		}
	}
}

// emulatorTrace is the telemetry of one emulator.
type emulatorTrace struct {
	*Telemetry

	hubs nameSet
}

func (e *emulatorTrace) connect(op emulator.Operation) (emulator.TraceContext, func(emulator.OperationResult)) {
	hub := metric.WithAttributes(hubOf(e.hubs.limit(op.Hub)))
	e.instruments.emulated.Add(context.Background(), 1, hub)
	return op.Cause, func(emulator.OperationResult) { e.instruments.emulated.Add(context.Background(), -1, hub) }
}

// call traces a REST call, as the conventions for HTTP servers have it.
func (e *emulatorTrace) call(op emulator.Operation) (emulator.TraceContext, func(emulator.OperationResult)) {
	method, route, _ := strings.Cut(op.Name, " ")
	attrs := []attribute.KeyValue{semconv.HTTPRequestMethodKey.String(method), semconv.HTTPRoute(route), hubOf(e.hubs.limit(op.Hub))}
	start := time.Now()
	ctx, span := e.tracer.Start(parentOf(op.Cause), op.Name, trace.WithSpanKind(trace.SpanKindServer), trace.WithTimestamp(start), trace.WithAttributes(attrs...))
	return passed(ctx), func(result emulator.OperationResult) {
		attrs = append(attrs, semconv.HTTPResponseStatusCode(result.Status))
		span.SetAttributes(semconv.HTTPResponseStatusCode(result.Status))
		if result.Status >= http.StatusInternalServerError {
			attrs = append(attrs, semconv.ErrorTypeKey.String(strconv.Itoa(result.Status)))
			span.SetStatus(codes.Error, "")
		}
		span.End()
		e.instruments.calls.Inst().Record(ctx, time.Since(start).Seconds(), metric.WithAttributes(append(attrs, semconv.URLScheme("http"))...))
	}
}

// deliver traces a delivery, which is an HTTP request to the event handler, or several.
func (e *emulatorTrace) deliver(op emulator.Operation) (emulator.TraceContext, func(emulator.OperationResult)) {
	attrs := []attribute.KeyValue{system, operationOf("deliver"), hubOf(e.hubs.limit(op.Hub)), EventKindKey.String(op.Name)}
	start := time.Now()
	ctx, span := e.tracer.Start(parentOf(op.Cause), "deliver "+op.Name, trace.WithSpanKind(trace.SpanKindProducer), trace.WithTimestamp(start), trace.WithAttributes(
		append(attrs, semconv.MessagingOperationTypeSend, ConnectionIDKey.String(op.ConnectionID), semconv.CloudEventsEventID(op.EventID))...,
	))
	return passed(ctx), func(result emulator.OperationResult) {
		outcome := "delivered"
		switch {
		case result.Status == 0:
			outcome = "not_delivered"
		case result.Status >= http.StatusMultipleChoices:
			outcome = "refused"
		}
		span.SetAttributes(OutcomeKey.String(outcome), AttemptsKey.Int(result.Attempts))
		attrs = append(attrs, OutcomeKey.String(outcome))
		if result.Status != 0 {
			span.SetAttributes(semconv.HTTPResponseStatusCode(result.Status))
			attrs = append(attrs, semconv.HTTPResponseStatusCode(result.Status))
		}
		if result.Status == 0 || result.Status >= http.StatusBadRequest {
			span.SetStatus(codes.Error, "")
		}
		span.End()
		e.instruments.delivery.Record(ctx, time.Since(start).Seconds(), metric.WithAttributes(attrs...))
	}
}

// parentOf returns a context with the trace context of a request.
func parentOf(c emulator.TraceContext) context.Context {
	return w3c.Extract(context.Background(), propagation.MapCarrier{traceParent: c.Parent, traceState: c.State})
}

// passed returns the trace context of the span of ctx.
func passed(ctx context.Context) emulator.TraceContext {
	carrier := make(propagation.MapCarrier, 2)
	w3c.Inject(ctx, carrier)
	return emulator.TraceContext{Parent: carrier[traceParent], State: carrier[traceState]}
}
