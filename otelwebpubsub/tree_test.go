package otelwebpubsub_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	stdtest "net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2/client"
	"github.com/cloudevents/sdk-go/v2/protocol"
	cehttp "github.com/cloudevents/sdk-go/v2/protocol/http"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/exporters/stdout/stdouttrace"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/client"
	"github.com/go-webpubsub/webpubsub/emulator"
	"github.com/go-webpubsub/webpubsub/otelwebpubsub"
	"github.com/go-webpubsub/webpubsub/service"
)

// whole is a service client, an emulator, a handler that forwards its events as
// CloudEvents, and the receiver of these, each with telemetry.
type whole struct {
	*rig

	emulator *emulator.TestServer
	service  *service.Client
	received chan http.Header // of the receiver's requests
}

func newWhole(t *testing.T, opts otelwebpubsub.Options) *whole {
	t.Helper()
	w := &whole{rig: newRig(t, opts), received: make(chan http.Header, 100)}
	sink := stdtest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.received <- r.Header
		rw.WriteHeader(http.StatusAccepted)
	}))
	t.Cleanup(sink.Close)
	binding, err := cehttp.New(cehttp.WithTarget(sink.URL))
	require.NoError(t, err)
	sender, err := cloudevents.New(binding)
	require.NoError(t, err)
	send := w.Sender(sender.Send)
	forward := func(ctx context.Context, ev webpubsub.Event, next func(context.Context) error) error {
		out, err := ev.CloudEvent()
		if err != nil {
			return err
		}
		if result := send(ctx, out); !protocol.IsACK(result) {
			return result
		}
		return next(ctx)
	}
	h, err := webpubsub.NewHandler(w.Handler(webpubsub.Config{
		Hub: "chat", Logger: slog.New(slog.DiscardHandler), ConnectionStrings: []string{emulator.ConnectionString("http://localhost", emulator.DefaultAccessKey)},
		UserEvents: map[string]webpubsub.UserEventFunc{"say": reply}, Interceptors: []webpubsub.Interceptor{forward},
	}))
	require.NoError(t, err)
	w.emulator = emulator.Start(t, emulator.Config{
		Hubs: map[string]emulator.Hub{"chat": {EventHandlers: []emulator.EventHandler{emulator.InMemory(h)}}}, Trace: w.Emulator(),
	})
	w.service, err = service.NewClientFromConnectionString(w.emulator.ConnectionString, "chat", w.Service(nil))
	require.NoError(t, err)
	return w
}

// exported is a span as the stdout exporter writes it.
type exported struct {
	Name        string
	SpanContext struct{ TraceID, SpanID string }
	Parent      struct{ SpanID string }
	Links       []struct{ SpanContext struct{ TraceID string } }
}

// tree exports all spans by the stdout exporter, and returns those of a trace as indented
// names.
func (w *whole) tree(t *testing.T, traceID string) []string {
	t.Helper()
	var out bytes.Buffer
	exporter, err := stdouttrace.New(stdouttrace.WithWriter(&out))
	require.NoError(t, err)
	require.NoError(t, exporter.ExportSpans(t.Context(), w.spans.Ended()))
	children := make(map[string][]exported)
	for lines := json.NewDecoder(&out); ; {
		var s exported
		if err := lines.Decode(&s); err == io.EOF {
			break
		}
		if s.SpanContext.TraceID == traceID {
			children[s.Parent.SpanID] = append(children[s.Parent.SpanID], s)
		}
	}
	var names []string
	var walk func(parent, indent string)
	walk = func(parent, indent string) {
		list := children[parent]
		slices.SortFunc(list, func(a, b exported) int { return strings.Compare(a.Name, b.Name) })
		for _, s := range list {
			names = append(names, indent+s.Name)
			walk(s.SpanContext.SpanID, indent+"  ")
		}
	}
	walk("0000000000000000", "")
	total := 0
	for _, list := range children {
		total += len(list)
	}
	require.Len(t, names, total, "spans of one tree")
	return names
}

// settle waits until a trace has as many spans as the tree, and compares them.
func (w *whole) settle(t *testing.T, traceID string, tree []string) {
	t.Helper()
	require.Eventually(t, func() bool {
		n := 0
		for _, s := range w.spans.Ended() {
			if s.SpanContext().TraceID().String() == traceID {
				n++
			}
		}
		return n >= len(tree)
	}, 10*time.Second, time.Millisecond)
	assert.Equal(t, tree, w.tree(t, traceID))
}

// in calls f within a span, and returns the id of its trace.
func (w *whole) in(t *testing.T, name string, f func(ctx context.Context) error) string {
	t.Helper()
	ctx, span := w.tracers.Tracer("test").Start(t.Context(), name)
	require.NoError(t, f(ctx))
	span.End()
	return span.SpanContext().TraceID().String()
}

// next returns the trace that the receiver is told for the next CloudEvent of a type.
func (w *whole) next(t *testing.T, typ string) string {
	t.Helper()
	for {
		select {
		case header := <-w.received:
			if header.Get("Ce-Type") == typ {
				return header.Get("Ce-Traceparent")
			}
		case <-t.Context().Done():
			require.FailNow(t, "no event", typ)
		}
	}
}

// TestOneTree: a call of the service client, what the emulator does, the handler and the
// CloudEvent that it sends are one tree.
func TestOneTree(t *testing.T) {
	t.Parallel()
	w := newWhole(t, otelwebpubsub.Options{})
	c := startClient(t, w.rig, w.emulator, client.Options{DisableAutoReconnect: true})
	ended := make(chan struct{})
	c.OnStopped(func(context.Context, client.StoppedEvent) { close(ended) })

	id := w.in(t, "add", func(ctx context.Context) error { return w.service.Group("g").AddConnection(ctx, c.ConnectionID()) })
	forwarded := w.next(t, "azure.webpubsub.gp.joined")
	assert.Equal(t, id, forwarded[3:35])
	w.settle(t, id, []string{
		"add",
		"  Client.AddConnectionToGroup",
		"    HTTP PUT",
		"    PUT /api/hubs/{hub}/groups/{group}/connections/{connection}",
		"      deliver joined",
		"        joined chat",
		"          send cloudevents",
	})
	sent := w.spans.Ended()[slices.IndexFunc(w.spans.Ended(), func(s sdktrace.ReadOnlySpan) bool {
		return s.Name() == "send cloudevents" && s.SpanContext().TraceID().String() == id
	})]
	assert.Equal(t, sent.SpanContext().SpanID().String(), forwarded[36:52], "the receiver continues the trace")

	id = w.in(t, "close", func(ctx context.Context) error { return w.service.Connection(c.ConnectionID()).Close(ctx, nil) })
	<-ended
	assert.Equal(t, id, w.next(t, "azure.webpubsub.sys.disconnected")[3:35])
	w.settle(t, id, []string{
		"close",
		"  Client.CloseConnection",
		"    DELETE /api/hubs/{hub}/connections/{connection}",
		"      deliver disconnected",
		"        disconnected chat",
		"          send cloudevents",
		"      deliver left",
		"        left chat",
		"          send cloudevents",
		"    HTTP DELETE",
	})
}

// TestMessageCarriesTheTrace: a message of the service client, the event with which its
// receiver answers, and the CloudEvent of that are one tree if clients are trusted.
func TestMessageCarriesTheTrace(t *testing.T) {
	t.Parallel()
	w := newWhole(t, otelwebpubsub.Options{InsecureTrustClients: true})
	c := startClient(t, w.rig, w.emulator, client.Options{})
	done := make(chan error, 1)
	c.OnServerMessage(func(ctx context.Context, m *client.ServerMessage) {
		if m.Data.String() != "hi" {
			return // the answer to the event
		}
		ctx = otelwebpubsub.FromMetadata(ctx, m.Metadata)
		_, err := c.SendEvent(ctx, "say", client.Text("got it"), &client.EventOptions{Metadata: otelwebpubsub.WithTraceContext(ctx, map[string]string{"k": "v"})})
		done <- err
	})
	id := w.in(t, "send", func(ctx context.Context) error {
		return w.service.Connection(c.ConnectionID()).SendText(ctx, "hi", &service.SendOptions{Metadata: otelwebpubsub.WithTraceContext(ctx, nil)})
	})
	require.NoError(t, <-done)
	assert.Equal(t, id, w.next(t, "azure.webpubsub.user.say")[3:35])
	w.settle(t, id, []string{
		"send",
		"  Client.SendToConnection",
		"    HTTP POST",
		"    POST /api/hubs/{hub}/connections/{connection}/:send",
		"  SendEvent",
		"  say chat",
		"    send cloudevents",
	})
}
