package otelwebpubsub_test

import (
	"log/slog"
	"net/http"
	stdtest "net/http/httptest"
	"os"
	"regexp"
	"testing"

	cloudevents "github.com/cloudevents/sdk-go/v2/client"
	cehttp "github.com/cloudevents/sdk-go/v2/protocol/http"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/client"
	"github.com/go-webpubsub/webpubsub/emulator"
	"github.com/go-webpubsub/webpubsub/forward"
	"github.com/go-webpubsub/webpubsub/httptest"
	"github.com/go-webpubsub/webpubsub/otelwebpubsub"
	"github.com/go-webpubsub/webpubsub/service"
)

// The functions of this file are the Go blocks of docs/observability.md.

// everyPart is a program of all parts.
type everyPart struct {
	h *webpubsub.Handler
	c *client.Client
	s *service.Client
	e *emulator.Server
}

func (p *everyPart) make(cfg webpubsub.Config, credential client.Credential, connectionString string) error {
	telemetry, err := otelwebpubsub.New(nil) // the global providers
	if err != nil {
		return err
	}
	h, err := webpubsub.NewHandler(telemetry.Handler(cfg))
	if err != nil {
		return err
	}
	c, err := client.New(credential, &client.Options{Trace: telemetry.Client()})
	if err != nil {
		return err
	}
	s, err := service.NewClientFromConnectionString(connectionString, "chat", telemetry.Service(nil))
	if err != nil {
		return err
	}
	e, err := emulator.New(emulator.Config{Trace: telemetry.Emulator()})
	if err != nil {
		return err
	}
	*p = everyPart{h, c, s, e}
	return nil
}

func (p *everyPart) forward(cfg webpubsub.Config, telemetry *otelwebpubsub.Telemetry, sink cloudevents.Client) error {
	toSink, err := forward.To(telemetry.Sender(sink.Send), nil) // a client of the CloudEvents SDK
	if err != nil {
		return err
	}
	cfg.Interceptors = append(cfg.Interceptors, toSink)
	h, err := webpubsub.NewHandler(telemetry.Handler(cfg))
	p.h = h
	return err
}

// TestGuide checks that each Go block of docs/observability.md is a part of this file.
func TestGuide(t *testing.T) {
	t.Parallel()
	code, err := os.ReadFile("guide_test.go")
	require.NoError(t, err)
	guide, err := os.ReadFile("../docs/observability.md")
	require.NoError(t, err)
	blocks := regexp.MustCompile("(?s)\n```go\n(.*?\n)```\n").FindAllStringSubmatch(string(guide), -1)
	require.Len(t, blocks, 2)
	for _, block := range blocks {
		assert.Contains(t, string(code), regexp.MustCompile("(?m)^(.)").ReplaceAllString(block[1], "\t$1"))
	}
}

// TestGuideRuns runs the blocks.
func TestGuideRuns(t *testing.T) {
	t.Parallel()
	cfg := webpubsub.Config{Hub: "chat", ConnectionStrings: []string{httptest.ConnectionString}, Logger: slog.New(slog.DiscardHandler)}
	var p everyPart
	require.NoError(t, p.make(cfg, client.StaticURL("ws://localhost/client/hubs/chat"), httptest.ConnectionString))
	p.e.Close()

	received := make(chan http.Header, 1)
	srv := stdtest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { received <- r.Header }))
	defer srv.Close()
	binding, err := cehttp.New(cehttp.WithTarget(srv.URL))
	require.NoError(t, err)
	sink, err := cloudevents.New(binding)
	require.NoError(t, err)
	r := newRig(t, otelwebpubsub.Options{})
	require.NoError(t, p.forward(cfg, r.Telemetry, sink))
	require.NoError(t, connected(t, httptest.New(p.h, nil)).Connected(t.Context()))
	sent := r.only(t, "send cloudevents")
	assert.Equal(t, r.only(t, "connected chat").SpanContext().SpanID(), sent.Parent().SpanID())
	assert.Contains(t, (<-received).Get("Ce-Traceparent"), sent.SpanContext().SpanID().String())
}
