package otelwebpubsub

import (
	"errors"

	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/semconv/v1.43.0/httpconv"
	"go.opentelemetry.io/otel/semconv/v1.43.0/messagingconv"
)

// seconds are the buckets that the semantic conventions ask for.
var seconds = metric.WithExplicitBucketBoundaries(0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)

var bytes = metric.WithExplicitBucketBoundaries(64, 256, 1<<10, 4<<10, 16<<10, 64<<10, 256<<10, 1<<20)

// instruments are those of a meter.
type instruments struct {
	// Of handlers.
	requests metric.Int64Counter
	process  messagingconv.ProcessDuration // also of the callbacks of clients
	payload  metric.Int64Histogram

	// Of clients.
	connections metric.Int64UpDownCounter
	connect     metric.Float64Histogram
	recovery    metric.Float64Histogram
	lost        metric.Int64Counter
	operation   messagingconv.ClientOperationDuration
	sent        messagingconv.ClientSentMessages
	retries     metric.Int64Counter
	consumed    messagingconv.ClientConsumedMessages
	repeated    metric.Int64Counter
	acks        metric.Int64Counter
	queued      metric.Int64Histogram
	waited      metric.Float64Histogram

	// Of emulators.
	emulated metric.Int64UpDownCounter
	delivery metric.Float64Histogram
	calls    httpconv.ServerRequestDuration
}

func newInstruments(m metric.Meter) (in instruments, err error) {
	var errs []error
	counter := func(name, unit, description string) metric.Int64Counter {
		c, err := m.Int64Counter(name, metric.WithUnit(unit), metric.WithDescription(description))
		errs = append(errs, err)
		return c
	}
	gauge := func(name, unit, description string) metric.Int64UpDownCounter {
		c, err := m.Int64UpDownCounter(name, metric.WithUnit(unit), metric.WithDescription(description))
		errs = append(errs, err)
		return c
	}
	duration := func(name, description string) metric.Float64Histogram {
		h, err := m.Float64Histogram(name, metric.WithUnit("s"), seconds, metric.WithDescription(description))
		errs = append(errs, err)
		return h
	}
	sizes := func(name, unit, description string, buckets metric.HistogramOption) metric.Int64Histogram {
		h, err := m.Int64Histogram(name, metric.WithUnit(unit), buckets, metric.WithDescription(description))
		errs = append(errs, err)
		return h
	}
	in = instruments{
		requests: counter("webpubsub.handler.requests", "{request}", "Requests to event handlers, by outcome."),
		payload:  sizes("webpubsub.handler.payload.size", "By", "Length of the bodies of events.", bytes),

		connections: gauge("webpubsub.client.connections", "{connection}", "Open connections of clients, lost ones that may be recovered included."),
		connect:     duration("webpubsub.client.connect.duration", "Duration of attempts to make a connection."),
		recovery:    duration("webpubsub.client.recovery.duration", "Duration of attempts to recover a connection."),
		lost:        counter("webpubsub.client.lost_sockets", "{socket}", "WebSockets that ended although the client was not being stopped."),
		retries:     counter("webpubsub.client.retries", "{request}", "Requests that were sent again."),
		repeated:    counter("webpubsub.client.repeated_messages", "{message}", "Messages that the service sent again, and that were dropped."),
		acks:        counter("webpubsub.client.acks", "{ack}", "Acks of messages."),
		queued:      sizes("webpubsub.client.queue.length", "{message}", "Messages that wait for callbacks, when another one arrives.", metric.WithExplicitBucketBoundaries(1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2000)),
		waited:      duration("webpubsub.client.queue.wait.duration", "Time that messages wait for their callbacks."),

		emulated: gauge("webpubsub.emulator.connections", "{connection}", "Open connections of an emulator, lost ones that may be recovered included."),
		delivery: duration("webpubsub.emulator.delivery.duration", "Duration of deliveries of events, all attempts included."),
	}
	for _, standard := range []func() error{
		func() (err error) { in.process, err = messagingconv.NewProcessDuration(m, seconds); return err },
		func() (err error) {
			in.operation, err = messagingconv.NewClientOperationDuration(m, seconds)
			return err
		},
		func() (err error) { in.sent, err = messagingconv.NewClientSentMessages(m); return err },
		func() (err error) { in.consumed, err = messagingconv.NewClientConsumedMessages(m); return err },
		func() (err error) { in.calls, err = httpconv.NewServerRequestDuration(m, seconds); return err },
	} {
		errs = append(errs, standard())
	}
	return in, errors.Join(errs...)
}
