package otelwebpubsub_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/httptest"
	"github.com/go-webpubsub/webpubsub/otelwebpubsub"
)

// started returns a service with a handler of a configuration, which needs no keys.
func (r *rig) started(tb testing.TB, cfg webpubsub.Config) *httptest.Service {
	tb.Helper()
	cfg.ConnectionStrings = []string{httptest.ConnectionString}
	cfg.Logger = slog.New(slog.DiscardHandler)
	h, err := webpubsub.NewHandler(r.Handler(cfg))
	require.NoError(tb, err)
	return httptest.New(h, nil)
}

func connected(tb testing.TB, svc *httptest.Service) *httptest.Conn {
	tb.Helper()
	conn, err := svc.Connect(tb.Context(), &httptest.Client{ConnectionID: "conn-1"})
	require.NoError(tb, err)
	return conn
}

func reply(context.Context, *webpubsub.UserEvent) (webpubsub.Reply, error) {
	return webpubsub.TextReply("done"), nil
}

// TestHandlerSpans checks the span of each outcome of a verified event.
func TestHandlerSpans(t *testing.T) {
	t.Parallel()
	failing := func(err error) webpubsub.UserEventFunc {
		return func(context.Context, *webpubsub.UserEvent) (webpubsub.Reply, error) { return webpubsub.Reply{}, err }
	}
	base := `cloudevents.event_id=2,messaging.destination.name=chat,messaging.message.body.size=2,messaging.message.id=2,messaging.operation.name=%s,messaging.operation.type=process,messaging.system=webpubsub,webpubsub.connection.id=conn-1,webpubsub.event.kind=user`
	tests := map[string]struct {
		event  string
		f      webpubsub.UserEventFunc
		span   string
		name   string
		more   string // attributes that sort before the others, and after cloudevents.event_id
		status codes.Code
	}{
		"handled":          {event: "say", f: reply, span: "say chat", name: "say"},
		"another spelling": {event: "SAY", f: reply, span: "say chat", name: "say"},
		"no function":      {event: "stranger's <name>", f: reply, span: "user chat", name: "_OTHER"},
		"refused":          {event: "say", f: failing(webpubsub.Conflict("taken")), span: "say chat", name: "say", more: "error.type=*webpubsub.Error,http.response.status_code=409,"},
		"failed":           {event: "say", f: failing(fmt.Errorf("a: %w", errors.New("secret"))), span: "say chat", name: "say", more: "error.type=*errors.errorString,http.response.status_code=500,", status: codes.Error},
		"panicked": {event: "say", f: func(context.Context, *webpubsub.UserEvent) (webpubsub.Reply, error) { panic("secret") }, span: "say chat", name: "say",
			more: "error.type=*webpubsub.PanicError,http.response.status_code=500,", status: codes.Error},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, otelwebpubsub.Options{})
			svc := r.started(t, webpubsub.Config{Hub: "chat", UserEvents: map[string]webpubsub.UserEventFunc{"say": tt.f}})
			_, _ = connected(t, svc).SendText(t.Context(), tt.event, "hi")
			span := r.only(t, tt.span)
			want := fmt.Sprintf(base, tt.name)
			want = want[:len("cloudevents.event_id=2,")] + tt.more + want[len("cloudevents.event_id=2,"):]
			assert.Equal(t, want, text(span.Attributes()))
			assert.Equal(t, trace.SpanKindConsumer, span.SpanKind())
			assert.Equal(t, tt.status, span.Status().Code)
			assert.False(t, span.Parent().IsValid())
			assert.Empty(t, span.Events())
		})
	}
}

// TestHandlerSpansOfSystemEvents checks the names of the spans of a connection.
func TestHandlerSpansOfSystemEvents(t *testing.T) {
	t.Parallel()
	r := newRig(t, otelwebpubsub.Options{})
	conn := connected(t, r.started(t, webpubsub.Config{Hub: "chat", OnConnect: func(ctx context.Context, _ *webpubsub.ConnectEvent) (*webpubsub.ConnectReply, error) {
		assert.True(t, trace.SpanContextFromContext(ctx).IsSampled(), "functions run within the span")
		return nil, nil
	}}))
	ctx := t.Context()
	require.NoError(t, conn.Connected(ctx))
	require.NoError(t, conn.JoinedGroup(ctx, "secret group"))
	require.NoError(t, conn.LeftGroup(ctx, "secret group"))
	require.NoError(t, conn.Disconnect(ctx, "secret reason"))
	for _, name := range []string{"connect", "connected", "joined", "left", "disconnected"} {
		span := r.only(t, name+" chat")
		assert.Contains(t, text(span.Attributes()), "messaging.operation.name="+name+",")
		assert.NotContains(t, text(span.Attributes()), "secret")
	}
}

// TestHandlerSpansOfRefusedEvents checks the spans of verified events that reach no function.
func TestHandlerSpansOfRefusedEvents(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		event httptest.Event
		span  string
		want  string
	}{
		"unknown type": {httptest.Event{Type: "azure.webpubsub.sys.later", Name: "later"}, "event chat", "http.response.status_code=501,messaging.destination.name=chat,messaging.operation.name=_OTHER,messaging.operation.type=process,messaging.system=webpubsub,webpubsub.event.kind=_OTHER,webpubsub.outcome=refused,webpubsub.refusal.reason=event_type"},
		"media type":   {httptest.Event{Name: "say", ContentType: "image/png"}, "say chat", "http.response.status_code=415,messaging.destination.name=chat,messaging.operation.name=say,messaging.operation.type=process,messaging.system=webpubsub,webpubsub.event.kind=user,webpubsub.outcome=refused,webpubsub.refusal.reason=media_type"},
		"payload":      {httptest.Event{Type: "azure.webpubsub.gp.joined", Name: "joined", Data: []byte("{")}, "joined chat", "http.response.status_code=400,messaging.destination.name=chat,messaging.operation.name=joined,messaging.operation.type=process,messaging.system=webpubsub,webpubsub.event.kind=joined,webpubsub.outcome=refused,webpubsub.refusal.reason=payload"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, otelwebpubsub.Options{})
			svc := r.started(t, webpubsub.Config{Hub: "chat", UserEvents: map[string]webpubsub.UserEventFunc{"say": reply}})
			req, err := svc.NewRequest(t.Context(), tt.event)
			require.NoError(t, err)
			_, err = svc.Do(req)
			require.NoError(t, err)
			span := r.only(t, tt.span)
			_, rest, _ := strings.Cut(text(span.Attributes()), "http.")
			assert.Equal(t, tt.want, "http."+rest)
		})
	}
}

// TestHandlerMetrics checks all metrics of handled, refused, repeated, ignored and
// validation requests.
func TestHandlerMetrics(t *testing.T) {
	t.Parallel()
	r := newRig(t, otelwebpubsub.Options{})
	store, err := webpubsub.NewMemoryStore(nil)
	require.NoError(t, err)
	var seen []webpubsub.OutcomeKind
	svc := r.started(t, webpubsub.Config{
		Hub: "chat",
		UserEvents: map[string]webpubsub.UserEventFunc{
			"say": reply,
			"fail": func(context.Context, *webpubsub.UserEvent) (webpubsub.Reply, error) {
				return webpubsub.Reply{}, webpubsub.NotFound("no")
			},
		},
		Deduplication: webpubsub.Deduplication{Store: store},
		Observe:       func(_ context.Context, o webpubsub.Outcome) { seen = append(seen, o.Kind) },
	})
	ctx := t.Context()
	require.NoError(t, svc.Validate(ctx))
	conn := connected(t, svc)
	_, err = conn.SendText(ctx, "say", "hi")
	require.NoError(t, err)
	_, err = conn.Redeliver(ctx)
	require.NoError(t, err)
	_, err = conn.SendText(ctx, "fail", "hi")
	require.Error(t, err)
	_, err = conn.SendText(ctx, "unknown", "hi")
	require.NoError(t, err)
	unsigned, err := svc.NewRequest(ctx, httptest.Event{Name: "say", Signature: httptest.Signature{Keys: []string{}}})
	require.NoError(t, err)
	_, err = svc.Do(unsigned)
	require.NoError(t, err)

	const chat, dot = "messaging.destination.name=chat,", "messaging.system=webpubsub,"
	assert.Equal(t, map[string]int64{
		"http.response.status_code=200," + chat + dot + "webpubsub.outcome=validation":                                                                                                 1,
		"http.response.status_code=204," + chat + "messaging.operation.name=connect," + dot + "webpubsub.event.kind=connect,webpubsub.outcome=ignored":                                 1,
		"http.response.status_code=200," + chat + "messaging.operation.name=say," + dot + "webpubsub.event.kind=user,webpubsub.outcome=handled":                                        1,
		"http.response.status_code=200," + chat + "messaging.operation.name=say," + dot + "webpubsub.event.kind=user,webpubsub.outcome=repeated":                                       1,
		"http.response.status_code=404," + chat + "messaging.operation.name=fail," + dot + "webpubsub.event.kind=user,webpubsub.outcome=refused,webpubsub.refusal.reason=function":     1,
		"http.response.status_code=204," + chat + "messaging.operation.name=_OTHER," + dot + "webpubsub.event.kind=user,webpubsub.outcome=ignored":                                     1,
		"http.response.status_code=401," + chat + "messaging.operation.name=_OTHER," + dot + "webpubsub.event.kind=user,webpubsub.outcome=refused,webpubsub.refusal.reason=unverified": 1,
	}, r.values(t, "webpubsub.handler.requests"))
	assert.Equal(t, map[string]int64{
		chat + "messaging.operation.name=connect," + dot + "webpubsub.event.kind=connect":                    1,
		chat + "messaging.operation.name=say," + dot + "webpubsub.event.kind=user":                           1,
		"error.type=function," + chat + "messaging.operation.name=fail," + dot + "webpubsub.event.kind=user": 1,
		chat + "messaging.operation.name=_OTHER," + dot + "webpubsub.event.kind=user":                        1,
	}, r.values(t, "messaging.process.duration"))
	assert.Equal(t, map[string]int64{
		chat + "messaging.operation.name=connect," + dot + "webpubsub.event.kind=connect": 1,
		chat + "messaging.operation.name=say," + dot + "webpubsub.event.kind=user":        2,
		chat + "messaging.operation.name=fail," + dot + "webpubsub.event.kind=user":       1,
		chat + "messaging.operation.name=_OTHER," + dot + "webpubsub.event.kind=user":     1,
	}, r.values(t, "webpubsub.handler.payload.size"))
	assert.Len(t, seen, 7, "the function of the configuration is called too")
	repeat := r.spans.Ended()[2]
	assert.Contains(t, text(repeat.Attributes()), "webpubsub.outcome=repeated")
	assert.Len(t, r.spans.Ended(), 5, "neither the validation nor the request without a signature has a span")
}

// TestParent: a span continues the trace of the request, or that of middleware.
func TestParent(t *testing.T) {
	t.Parallel()
	r := newRig(t, otelwebpubsub.Options{})
	svc := r.started(t, webpubsub.Config{Hub: "chat", UserEvents: map[string]webpubsub.UserEventFunc{"say": reply}})
	const traceID, spanID = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
	send := func(ctx context.Context, traceparent string, signature httptest.Signature) {
		req, err := svc.NewRequest(ctx, httptest.Event{Name: "say", ContentType: "text/plain", Signature: signature})
		require.NoError(t, err)
		req.Header.Set("Traceparent", traceparent)
		_, err = svc.Do(req)
		require.NoError(t, err)
	}
	send(t.Context(), "00-"+traceID+"-"+spanID+"-01", httptest.Signature{})
	send(t.Context(), "00-"+traceID+"-"+spanID+"-01", httptest.Signature{Keys: []string{}})
	span := r.only(t, "say chat")
	assert.Equal(t, traceID, span.SpanContext().TraceID().String())
	assert.Equal(t, spanID, span.Parent().SpanID().String())

	outer := newRig(t, otelwebpubsub.Options{})
	h, err := webpubsub.NewHandler(outer.Handler(webpubsub.Config{ConnectionStrings: []string{httptest.ConnectionString}, Logger: slog.New(slog.DiscardHandler), Hub: "chat", UserEvents: map[string]webpubsub.UserEventFunc{"say": reply}}))
	require.NoError(t, err)
	svc = httptest.New(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		ctx, middleware := outer.tracers.Tracer("").Start(req.Context(), "middleware")
		defer middleware.End()
		h.ServeHTTP(w, req.WithContext(ctx))
	}), nil)
	send(t.Context(), "00-"+traceID+"-"+spanID+"-01", httptest.Signature{})
	assert.Equal(t, outer.only(t, "middleware").SpanContext().SpanID(), outer.only(t, "say chat").Parent().SpanID())
}

// TestClientsTraceContext: the trace context that a client has chosen is linked to, and
// continued only if clients are trusted.
func TestClientsTraceContext(t *testing.T) {
	t.Parallel()
	const traceID, spanID = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
	parent := "00-" + traceID + "-" + spanID + "-01"
	for _, trusted := range []bool{false, true} {
		t.Run(fmt.Sprint(trusted), func(t *testing.T) {
			t.Parallel()
			r := newRig(t, otelwebpubsub.Options{InsecureTrustClients: trusted})
			svc := r.started(t, webpubsub.Config{Hub: "chat", UserEvents: map[string]webpubsub.UserEventFunc{"say": reply}})
			conn, err := svc.Connect(t.Context(), &httptest.Client{Headers: map[string][]string{"traceparent": {parent}}})
			require.NoError(t, err)
			_, err = conn.Send(t.Context(), "say", httptest.Message{DataType: webpubsub.DataText, Metadata: map[string]string{"traceparent": parent}})
			require.NoError(t, err)
			connect, say := r.only(t, "connect chat"), r.only(t, "say chat")
			if trusted {
				assert.Equal(t, spanID, connect.Parent().SpanID().String())
				assert.Empty(t, append(connect.Links(), say.Links()...))
				assert.Equal(t, spanID, say.Parent().SpanID().String())
				return
			}
			for _, s := range []sdktrace.ReadOnlySpan{connect, say} {
				require.Len(t, s.Links(), 1)
				assert.Equal(t, spanID, s.Links()[0].SpanContext.SpanID().String())
				assert.Equal(t, "webpubsub.link=client", text(s.Links()[0].Attributes))
				assert.False(t, s.Parent().IsValid())
			}
			assert.Equal(t, traceID, say.Links()[0].SpanContext.TraceID().String())
			assert.NotEqual(t, traceID, say.SpanContext().TraceID().String())
		})
	}
}
