package otelwebpubsub_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/go-webpubsub/webpubsub/otelwebpubsub"
)

// rig is a Telemetry whose spans and metrics a test can read.
type rig struct {
	*otelwebpubsub.Telemetry

	tracers *sdktrace.TracerProvider
	spans   *tracetest.SpanRecorder
	reader  *metric.ManualReader
}

func newRig(tb testing.TB, opts otelwebpubsub.Options) *rig {
	tb.Helper()
	r := &rig{spans: tracetest.NewSpanRecorder(), reader: metric.NewManualReader()}
	r.tracers = sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(r.spans))
	meters := metric.NewMeterProvider(metric.WithReader(r.reader), metric.WithCardinalityLimit(0)) // so that a test sees all sets
	tb.Cleanup(func() {
		require.NoError(tb, r.tracers.Shutdown(context.Background()))
		require.NoError(tb, meters.Shutdown(context.Background()))
	})
	opts.TracerProvider, opts.MeterProvider = r.tracers, meters
	var err error
	r.Telemetry, err = otelwebpubsub.New(&opts)
	require.NoError(tb, err)
	return r
}

// points returns the attribute sets of an instrument with their values: sums, and counts
// of histograms.
func (r *rig) points(tb testing.TB, name string) map[attribute.Distinct]point {
	tb.Helper()
	out := make(map[attribute.Distinct]point)
	for _, m := range r.metrics(tb) {
		if m.Name != name {
			continue
		}
		switch data := m.Data.(type) {
		case metricdata.Sum[int64]:
			for _, p := range data.DataPoints {
				out[p.Attributes.Equivalent()] = point{p.Attributes, p.Value}
			}
		case metricdata.Histogram[float64]:
			for _, p := range data.DataPoints {
				out[p.Attributes.Equivalent()] = point{p.Attributes, int64(p.Count)}
			}
		case metricdata.Histogram[int64]:
			for _, p := range data.DataPoints {
				out[p.Attributes.Equivalent()] = point{p.Attributes, int64(p.Count)}
			}
		default:
			require.Failf(tb, "unexpected data", "%T of %s", data, name)
		}
	}
	return out
}

type point struct {
	attrs attribute.Set
	value int64
}

func (r *rig) metrics(tb testing.TB) []metricdata.Metrics {
	tb.Helper()
	var all metricdata.ResourceMetrics
	require.NoError(tb, r.reader.Collect(context.Background(), &all))
	var out []metricdata.Metrics
	for _, scope := range all.ScopeMetrics {
		out = append(out, scope.Metrics...)
	}
	return out
}

// values returns the values of an instrument by the text of their attributes.
func (r *rig) values(tb testing.TB, name string) map[string]int64 {
	tb.Helper()
	out := make(map[string]int64)
	for _, p := range r.points(tb, name) {
		out[text(p.attrs.ToSlice())] = p.value
	}
	return out
}

// text returns attributes as text, in the order of their keys.
func text(attrs []attribute.KeyValue) string {
	set := attribute.NewSet(attrs...)
	return set.Encoded(attribute.DefaultEncoder())
}

// only returns the span of a name.
func (r *rig) only(tb testing.TB, name string) sdktrace.ReadOnlySpan {
	tb.Helper()
	var found []sdktrace.ReadOnlySpan
	var names []string
	for _, s := range r.spans.Ended() {
		if names = append(names, s.Name()); s.Name() == name {
			found = append(found, s)
		}
	}
	require.Lenf(tb, found, 1, "spans %q among %q", name, names)
	return found[0]
}
