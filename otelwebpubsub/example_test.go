package otelwebpubsub_test

import (
	"context"
	"fmt"
	"log"
	"log/slog"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/httptest"
	"github.com/go-webpubsub/webpubsub/otelwebpubsub"
)

// Two lines add telemetry to a handler.
func ExampleTelemetry_Handler() {
	spans := tracetest.NewInMemoryExporter()
	tracers := sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans)) // a program exports to a collector

	cfg := webpubsub.Config{
		Hub:               "chat",
		ConnectionStrings: []string{httptest.ConnectionString},
		Logger:            slog.New(slog.DiscardHandler),
		UserEvents: map[string]webpubsub.UserEventFunc{
			"say": webpubsub.Text(func(_ context.Context, _ *webpubsub.UserEvent, in string) (string, error) {
				return "you said " + in, nil
			}),
		},
	}
	telemetry, err := otelwebpubsub.New(&otelwebpubsub.Options{TracerProvider: tracers})
	if err != nil {
		log.Fatal(err)
	}
	h, err := webpubsub.NewHandler(telemetry.Handler(cfg))
	if err != nil {
		log.Fatal(err)
	}

	conn, err := httptest.New(h, nil).Connect(context.Background(), nil)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := conn.SendText(context.Background(), "say", "hello"); err != nil {
		log.Fatal(err)
	}
	for _, span := range spans.GetSpans() {
		fmt.Println(span.Name)
	}
	// Output:
	// connect chat
	// say chat
}
