package dashboards_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	stdtest "net/http/httptest"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	exporter "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/sdk/metric"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/client"
	"github.com/go-webpubsub/webpubsub/emulator"
	"github.com/go-webpubsub/webpubsub/otelwebpubsub"
	"github.com/go-webpubsub/webpubsub/service"
)

// scrape runs a program that uses everything of otelwebpubsub, and returns what its
// /metrics shows, parsed.
func scrape(t *testing.T) map[string]*dto.MetricFamily {
	t.Helper()
	registry := prometheus.NewRegistry()
	reader, err := exporter.New(exporter.WithRegisterer(registry))
	require.NoError(t, err)
	meters := metric.NewMeterProvider(metric.WithReader(reader))
	telemetry, err := otelwebpubsub.New(&otelwebpubsub.Options{MeterProvider: meters})
	require.NoError(t, err)
	run(t, telemetry)

	srv := stdtest.NewServer(promhttp.HandlerFor(registry, promhttp.HandlerOpts{ErrorHandling: promhttp.HTTPErrorOnError}))
	defer srv.Close()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL, nil)
	require.NoError(t, err)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	require.Equal(t, http.StatusOK, resp.StatusCode)
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	if testing.Verbose() {
		t.Logf("%s", text)
	}
	return parse(t, text)
}

func parse(t *testing.T, text []byte) map[string]*dto.MetricFamily {
	t.Helper()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(text))
	require.NoError(t, err)
	return families
}

// run makes every metric.
func run(t *testing.T, telemetry *otelwebpubsub.Telemetry) {
	t.Helper()
	ctx := t.Context()
	h, err := webpubsub.NewHandler(telemetry.Handler(webpubsub.Config{
		Hub: "chat", Logger: slog.New(slog.DiscardHandler), ConnectionStrings: []string{emulator.ConnectionString("http://localhost", emulator.DefaultAccessKey)},
		UserEvents: map[string]webpubsub.UserEventFunc{
			"say": func(context.Context, *webpubsub.UserEvent) (webpubsub.Reply, error) {
				return webpubsub.TextReply("done"), nil
			},
			"fail": func(context.Context, *webpubsub.UserEvent) (webpubsub.Reply, error) {
				return webpubsub.Reply{}, webpubsub.Conflict("taken")
			},
		},
	}))
	require.NoError(t, err)
	em := emulator.Start(t, emulator.Config{
		Hubs:  map[string]emulator.Hub{"chat": {EventHandlers: []emulator.EventHandler{emulator.InMemory(h)}}},
		Trace: telemetry.Emulator(), Logger: slog.New(slog.DiscardHandler),
	})
	trace := telemetry.Client()
	c, err := client.New(client.StaticURL(em.ClientURL("chat", nil)), &client.Options{Trace: trace})
	require.NoError(t, err)
	got := make(chan struct{}, 10)
	c.OnServerMessage(func(context.Context, *client.ServerMessage) { got <- struct{}{} })
	require.NoError(t, c.Start(ctx))
	t.Cleanup(func() { require.NoError(t, c.Stop(context.Background())) })
	_, err = c.SendEvent(ctx, "say", client.Text("hi"), nil)
	require.NoError(t, err)
	<-got
	_, err = c.SendEvent(ctx, "fail", client.Text("hi"), nil)
	require.Error(t, err)
	s, err := service.NewClientFromConnectionString(em.ConnectionString, "chat", telemetry.Service(nil))
	require.NoError(t, err)
	require.NoError(t, s.All().SendText(ctx, "hello", nil))
	<-got
	h.ServeHTTP(stdtest.NewRecorder(), stdtest.NewRequestWithContext(ctx, http.MethodPost, "/", nil)) // of a stranger

	// What happens only on a bad network.
	trace.Lost(ctx, client.LostInfo{CloseCode: 1006})
	trace.RecoverDone(ctx, client.RecoverDoneInfo{Attempt: 1, Err: context.DeadlineExceeded})
	trace.Repeated(ctx, client.RepeatedInfo{})
	trace.Acknowledged(ctx, client.AcknowledgedInfo{})
	trace.RequestSent(ctx, client.RequestSentInfo{Operation: "SendEvent", Attempt: 2})
	trace.ConnectDone(ctx, client.ConnectDoneInfo{Err: context.DeadlineExceeded})
	trace.Delivered(ctx, client.DeliveredInfo{Kind: client.MessageServer}) // the last one may still be counted
}

// TestScrape reads metrics as Prometheus does.
func TestScrape(t *testing.T) {
	t.Parallel()
	families := scrape(t)
	value := func(name string, labels map[string]string) (sum float64) {
		for _, m := range families[name].GetMetric() {
			if matches(m, labels) {
				sum += m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
			}
		}
		return sum
	}
	handled := map[string]string{"webpubsub_outcome": "handled", "messaging_operation_name": "say", "webpubsub_event_kind": "user", "http_response_status_code": "200", "messaging_destination_name": "chat"}
	assert.InDelta(t, 1, value("webpubsub_handler_requests_total", handled), 0)
	assert.InDelta(t, 1, value("webpubsub_handler_requests_total", map[string]string{"webpubsub_refusal_reason": "foreign"}), 0)
	assert.InDelta(t, 1, value("messaging_process_duration_seconds", map[string]string{"error_type": "function", "messaging_operation_name": "fail"}), 0)
	assert.InDelta(t, 1, value("webpubsub_client_connections", nil), 0)
	assert.InDelta(t, 1, value("webpubsub_emulator_connections", map[string]string{"messaging_destination_name": "chat"}), 0)
	assert.InDelta(t, 1, value("webpubsub_emulator_delivery_duration_seconds", map[string]string{"webpubsub_outcome": "refused"}), 0)
	assert.InDelta(t, 1, value("http_server_request_duration_seconds", map[string]string{"http_route": "/api/hubs/{hub}/:send", "http_response_status_code": "202"}), 0)
	assert.InDelta(t, 3, value("messaging_client_sent_messages_total", nil), 0)
	assert.InDelta(t, 2, value("messaging_client_consumed_messages_total", map[string]string{"webpubsub_message_kind": "server"}), 0)
}

// matches reports whether a metric has labels.
func matches(m *dto.Metric, labels map[string]string) bool {
	found := 0
	for _, l := range m.GetLabel() {
		if want, ok := labels[l.GetName()]; ok && want == l.GetValue() {
			found++
		}
	}
	return found == len(labels)
}
