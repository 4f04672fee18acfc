package otelwebpubsub

import (
	"context"
	"errors"
	"strconv"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/go-webpubsub/webpubsub/client"
)

// Client returns a trace for the options of a client:
//
//	c, err := client.New(credential, &client.Options{Trace: telemetry.Client()})
//
// It makes spans of attempts to connect and to recover, and of requests, as children of the
// span of their context. It makes metrics of these, of messages and of the queue.
// The spans of requests have the names of groups and events.
func (t *Telemetry) Client() *client.Trace {
	c := clientTrace{t}
	return &client.Trace{
		ConnectDone: c.connectDone, Lost: c.lost, RecoverDone: c.recoverDone, Ended: c.ended,
		RequestSent: c.requestSent, RequestDone: c.requestDone,
		Received: c.received, Repeated: c.repeated, Delivered: c.delivered, Acknowledged: c.acknowledged,
	}
}

// clientTrace has the functions of a [client.Trace].
type clientTrace struct{ *Telemetry }

func (c clientTrace) connectDone(ctx context.Context, info client.ConnectDoneInfo) {
	if info.Err == nil {
		c.instruments.connections.Add(ctx, 1)
	}
	c.instruments.connect.Record(ctx, info.Duration.Seconds(), metric.WithAttributes(failure(info.Err)...))
	c.past(ctx, "connect", trace.SpanKindClient, info.Duration, info.Err, ConnectionIDKey.String(cut(info.ConnectionID)), AttemptsKey.Int(info.Attempt))
}

func (c clientTrace) lost(ctx context.Context, info client.LostInfo) {
	c.instruments.lost.Add(ctx, 1, metric.WithAttributes(CloseCodeKey.String(closeCode(info.CloseCode))))
}

func (c clientTrace) recoverDone(ctx context.Context, info client.RecoverDoneInfo) {
	c.instruments.recovery.Record(ctx, info.Duration.Seconds(), metric.WithAttributes(failure(info.Err)...))
	c.past(ctx, "recover", trace.SpanKindClient, info.Duration, info.Err, ConnectionIDKey.String(cut(info.ConnectionID)), AttemptsKey.Int(info.Attempt))
}

func (c clientTrace) ended(ctx context.Context, _ client.EndedInfo) {
	c.instruments.connections.Add(ctx, -1)
}

func (c clientTrace) requestSent(ctx context.Context, info client.RequestSentInfo) {
	if isMessage(info.Operation) {
		c.instruments.sent.Inst().Add(ctx, 1, metric.WithAttributes(system, operationOf(info.Operation)))
	}
	if info.Attempt > 1 {
		c.instruments.retries.Add(ctx, 1, metric.WithAttributes(operationOf(info.Operation)))
	}
}

func (c clientTrace) requestDone(ctx context.Context, info client.RequestDoneInfo) {
	attrs := append(failure(info.Err), system, operationOf(info.Operation))
	c.instruments.operation.Inst().Record(ctx, info.Duration.Seconds(), metric.WithAttributes(attrs...))
	kind := trace.SpanKindClient
	if isMessage(info.Operation) {
		kind, attrs = trace.SpanKindProducer, append(attrs, semconv.MessagingOperationTypeSend)
	}
	attrs = append(attrs, semconv.MessagingDestinationName(cut(info.Name)), AttemptsKey.Int(info.Attempts))
	c.past(ctx, info.Operation, kind, info.Duration, info.Err, attrs...)
}

func (c clientTrace) received(ctx context.Context, info client.ReceivedInfo) {
	c.instruments.consumed.Inst().Add(ctx, 1, metric.WithAttributes(system, operationOf("receive"), MessageKindKey.String(string(info.Kind))))
	c.instruments.queued.Record(ctx, int64(info.Queued))
}

func (c clientTrace) repeated(ctx context.Context, _ client.RepeatedInfo) {
	c.instruments.repeated.Add(ctx, 1)
}

func (c clientTrace) delivered(ctx context.Context, info client.DeliveredInfo) {
	c.instruments.waited.Record(ctx, info.Waited.Seconds())
	c.instruments.process.Inst().Record(ctx, info.Duration.Seconds(), metric.WithAttributes(system, operationOf("callback"), MessageKindKey.String(string(info.Kind))))
}

func (c clientTrace) acknowledged(ctx context.Context, _ client.AcknowledgedInfo) {
	c.instruments.acks.Add(ctx, 1)
}

// past makes a span that ends now.
func (t *Telemetry) past(ctx context.Context, name string, kind trace.SpanKind, took time.Duration, err error, attrs ...attribute.KeyValue) {
	now := time.Now()
	_, span := t.tracer.Start(ctx, name, trace.WithSpanKind(kind), trace.WithTimestamp(now.Add(-took)), trace.WithAttributes(append(failure(err), attrs...)...))
	if err != nil {
		span.SetStatus(codes.Error, "")
	}
	span.End(trace.WithTimestamp(now))
}

// isMessage reports whether an operation of a client sends a message.
func isMessage(operation string) bool {
	switch operation {
	case "SendToGroup", "SendEvent", "InvokeEvent":
		return true
	}
	return false
}

// failure returns the attribute of an error. Its value is one of a few: of the service's
// error names, only known ones.
func failure(err error) []attribute.KeyValue {
	if err == nil {
		return nil
	}
	value := other
	for _, known := range [...]struct {
		err  error
		name string
	}{
		{client.ErrForbidden, "forbidden"}, {client.ErrConnectionLost, "connection_lost"}, {client.ErrStopped, "stopped"}, {client.ErrQueueFull, "queue_full"},
		{context.DeadlineExceeded, "timeout"}, {context.Canceled, "canceled"},
	} {
		if errors.Is(err, known.err) {
			value = known.name
			break
		}
	}
	var answer *client.Error
	if value == other && errors.As(err, &answer) {
		switch {
		case answer.StatusCode >= 100 && answer.StatusCode < 600:
			value = strconv.Itoa(answer.StatusCode)
		case answer.CloseCode != 0:
			value = "close_" + closeCode(answer.CloseCode)
		}
	}
	return []attribute.KeyValue{semconv.ErrorTypeKey.String(value)}
}

// closeCode returns the name of a close code in metrics.
func closeCode(code int) string {
	switch {
	case code == 0:
		return "none"
	case code >= 1000 && code <= 1015:
		return strconv.Itoa(code)
	}
	return other
}
