package otelwebpubsub_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	nooptrace "go.opentelemetry.io/otel/trace/noop"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/httptest"
	"github.com/go-webpubsub/webpubsub/otelwebpubsub"
)

// discard is a ResponseWriter that keeps nothing.
type discard struct{ header http.Header }

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }
func (d *discard) WriteHeader(int)             {}

// serving returns a function that handles a user event of 1 kB, with telemetry or with
// an Observe and an interceptor that do nothing.
func serving(tb testing.TB, opts *otelwebpubsub.Options) func() {
	tb.Helper()
	cfg := webpubsub.Config{
		Hub: "chat", ConnectionStrings: []string{httptest.ConnectionString}, Logger: slog.New(slog.DiscardHandler),
		UserEvents: map[string]webpubsub.UserEventFunc{"say": reply},
	}
	if opts == nil {
		cfg.Observe = func(context.Context, webpubsub.Outcome) {}
		cfg.Interceptors = []webpubsub.Interceptor{func(ctx context.Context, _ webpubsub.Event, next func(context.Context) error) error { return next(ctx) }}
	} else {
		telemetry, err := otelwebpubsub.New(opts)
		require.NoError(tb, err)
		cfg = telemetry.Handler(cfg)
	}
	h, err := webpubsub.NewHandler(cfg)
	require.NoError(tb, err)
	body := bytes.Repeat([]byte("x"), 1<<10)
	req, err := httptest.New(h, nil).NewRequest(context.Background(), httptest.Event{Name: "say", ContentType: "text/plain", Data: body})
	require.NoError(tb, err)
	header := make(http.Header) // as net/http's server has it
	for name, lines := range req.Header {
		for _, line := range lines {
			header.Add(name, line)
		}
	}
	req.Header = header
	w := &discard{make(http.Header)}
	reader := bytes.NewReader(body)
	payload := readCloser{reader}
	return func() {
		reader.Reset(body)
		req.Body = payload
		clear(w.header)
		h.ServeHTTP(w, req)
	}
}

type readCloser struct{ *bytes.Reader }

func (readCloser) Close() error { return nil }

var ways = []struct {
	name string
	opts func() *otelwebpubsub.Options
}{
	{"plain Observe and interceptor", func() *otelwebpubsub.Options { return nil }},
	{"no SDK", func() *otelwebpubsub.Options {
		return &otelwebpubsub.Options{TracerProvider: nooptrace.NewTracerProvider(), MeterProvider: noop.NewMeterProvider()}
	}},
	{"metrics, no spans", func() *otelwebpubsub.Options {
		return &otelwebpubsub.Options{TracerProvider: nooptrace.NewTracerProvider(), MeterProvider: metric.NewMeterProvider(metric.WithReader(metric.NewManualReader()))}
	}},
	{"metrics, never sampled", func() *otelwebpubsub.Options {
		return &otelwebpubsub.Options{
			TracerProvider: sdktrace.NewTracerProvider(sdktrace.WithSampler(sdktrace.NeverSample())),
			MeterProvider:  metric.NewMeterProvider(metric.WithReader(metric.NewManualReader())),
		}
	}},
	{"metrics, sampled", func() *otelwebpubsub.Options {
		return &otelwebpubsub.Options{
			TracerProvider: sdktrace.NewTracerProvider(sdktrace.WithSampler(sdktrace.AlwaysSample())),
			MeterProvider:  metric.NewMeterProvider(metric.WithReader(metric.NewManualReader())),
		}
	}},
}

func BenchmarkHandler(b *testing.B) {
	for _, way := range ways {
		b.Run(way.name, func(b *testing.B) {
			serve := serving(b, way.opts())
			b.ReportAllocs()
			for b.Loop() {
				serve()
			}
		})
	}
}
