package otelwebpubsub

import (
	"fmt"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/go-webpubsub/webpubsub/internal/version"
)

// Name is the name of the tracer and of the meter.
const Name = "github.com/go-webpubsub/webpubsub/otelwebpubsub"

// Options are the options of [New]. Nil and the zero value are the defaults.
type Options struct {
	// TracerProvider provides the tracer. Nil means the global one.
	TracerProvider trace.TracerProvider
	// MeterProvider provides the meter. Nil means the global one.
	MeterProvider metric.MeterProvider
	// LinkConnections links the spans of a connection's events to the span of its connect
	// event. The reply to the connect event then adds 36 bytes to the connection state, as
	// do later replies that set the state. Interceptors and functions see states without
	// them, and seals do not cover them. All programs that handle events of the hub must
	// know them, since others cannot decode such a state.
	LinkConnections bool
	// InsecureTrustClients continues the trace that a client names in its handshake, or in
	// the metadata of its event. Any client can then choose the trace of an event's span, and whether it is
	// sampled. By default the span has a link to it.
	InsecureTrustClients bool
}

// Telemetry makes spans and metrics. It is safe for concurrent use.
type Telemetry struct {
	opts        Options
	tracer      trace.Tracer
	instruments instruments
}

// New returns a Telemetry for the providers of the options. The error is that of a meter
// that refuses an instrument.
func New(opts *Options) (*Telemetry, error) {
	t := new(Telemetry)
	if opts != nil {
		t.opts = *opts
	}
	if t.opts.TracerProvider == nil {
		t.opts.TracerProvider = otel.GetTracerProvider()
	}
	if t.opts.MeterProvider == nil {
		t.opts.MeterProvider = otel.GetMeterProvider()
	}
	t.tracer = t.opts.TracerProvider.Tracer(Name, trace.WithInstrumentationVersion(version.Version), trace.WithSchemaURL(semconv.SchemaURL))
	meter := t.opts.MeterProvider.Meter(Name, metric.WithInstrumentationVersion(version.Version), metric.WithSchemaURL(semconv.SchemaURL))
	var err error
	if t.instruments, err = newInstruments(meter); err != nil {
		return nil, fmt.Errorf("otelwebpubsub: %w", err)
	}
	return t, nil
}
