package forward_test

import (
	"context"
	"maps"
	"net/http"
	"strings"
	"testing"

	cloudevents "github.com/cloudevents/sdk-go/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/forward"
	"github.com/go-webpubsub/webpubsub/httptest"
	"github.com/go-webpubsub/webpubsub/mqtt"
)

func all(webpubsub.Event) bool { return true }

func TestMessage(t *testing.T) {
	t.Parallel()
	state := "c2VjcmV0"
	ev := httptest.Event{
		Type: "azure.webpubsub.user.say", Name: "say", ID: "7", ConnectionID: "c1", UserID: "Zoë 李", State: &state,
		ContentType: "application/json", Data: []byte(`{"text":"hello"}`), Subprotocol: "json.webpubsub.azure.v1",
	}
	for _, tc := range []struct {
		name  string
		opts  *forward.Options
		state any
	}{
		{"by default without state", nil, nil},
		{"with state", &forward.Options{IncludeState: true}, state},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var q queue
			h := handler(t, webpubsub.Config{}, interceptor(t, q.Send, tc.opts))
			require.Equal(t, http.StatusNoContent, serve(t, h, request(t, httptest.New(h, nil), ev)))
			got := q.one(t)
			assert.Equal(t, "/hubs/chat/client/c1/7", forward.MessageID(got))
			assert.Equal(t, "azure.webpubsub.user.say", got.Type())
			assert.JSONEq(t, `{"text":"hello"}`, string(got.Data()))
			want := map[string]any{
				"awpsversion": "1.0", "hub": "chat", "connectionid": "c1", "userid": "Zoë 李", "eventname": "say", "subprotocol": "json.webpubsub.azure.v1",
			}
			if tc.state != nil {
				want["connectionstate"] = tc.state
			}
			assert.Equal(t, want, got.Extensions(), "no signature, and no state unless asked")
		})
	}
}

func TestConnectBody(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name    string
		include bool
	}{{"only subprotocols", false}, {"all", true}} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var q queue
			h := handler(t, webpubsub.Config{}, interceptor(t, q.Send, &forward.Options{Select: all, IncludeConnectBody: tc.include}))
			secrets := map[string][]string{"x": {"s3cr3t"}}
			_, err := httptest.New(h, nil).Connect(t.Context(), &httptest.Client{
				Claims: secrets, Headers: secrets, Query: secrets, Subprotocols: []string{"chat.v1"},
				Certificates: []webpubsub.ClientCertificate{{Thumbprint: "s3cr3t"}},
			})
			require.NoError(t, err)
			got := q.one(t)
			if tc.include {
				assert.Equal(t, 4, strings.Count(string(got.Data()), "s3cr3t"), "%s", got.Data())
				return
			}
			assert.JSONEq(t, `{"subprotocols":["chat.v1"]}`, string(got.Data()))
			assert.Equal(t, "application/json", got.DataContentType())
			assert.NotContains(t, got.String(), "s3cr3t")
		})
	}
}

func TestConnectBodyOfMQTT(t *testing.T) {
	t.Parallel()
	var q queue
	h := handler(t, webpubsub.Config{}, interceptor(t, q.Send, &forward.Options{Select: all}))
	user := "ann"
	_, err := httptest.New(h, nil).ConnectMQTT(t.Context(), &httptest.MQTTClient{
		Packet: mqtt.Connect{ProtocolVersion: mqtt.Version5, Username: &user, Password: []byte("s3cr3t")},
	})
	require.NoError(t, err)
	assert.JSONEq(t, `{"subprotocols":["mqtt"]}`, string(q.one(t).Data()))
}

func TestMaxBytes(t *testing.T) {
	t.Parallel()
	ev := httptest.Event{Type: "azure.webpubsub.user.say", Name: "say", ID: "7", ConnectionID: "c1", ContentType: "text/plain", Data: []byte("hello")}
	attributes := "7" + "/hubs/chat/client/c1" + "azure.webpubsub.user.say" + "text/plain" + "awpsversion1.0" + "hubchat" + "connectionidc1" + "eventnamesay"
	fits := len(attributes) + len("hello")
	for _, tc := range []struct {
		name     string
		maxBytes int
		data     string
		status   int
	}{
		{"fits", fits, "hello", http.StatusNoContent},
		{"one byte too long", fits - 1, "hello", http.StatusRequestEntityTooLarge},
		{"fits the default", 0, strings.Repeat("x", forward.DefaultMaxBytes-len(attributes)), http.StatusNoContent},
		{"longer than the default", 0, strings.Repeat("x", forward.DefaultMaxBytes-len(attributes)+1), http.StatusRequestEntityTooLarge},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var q queue
			handled := false
			h := handler(t, webpubsub.Config{Fallback: func(context.Context, *webpubsub.UserEvent) (webpubsub.Reply, error) {
				handled = true
				return webpubsub.Reply{}, nil
			}}, interceptor(t, q.Send, &forward.Options{MaxBytes: tc.maxBytes, HandleFirst: true}))
			ev := ev
			ev.Data = []byte(tc.data)
			assert.Equal(t, tc.status, serve(t, h, request(t, httptest.New(h, nil), ev)))
			accepted := tc.status == http.StatusNoContent
			assert.Equal(t, accepted, handled, "an event that cannot be sent is not handled")
			assert.Equal(t, accepted, len(q.events) == 1)
		})
	}
}

func TestTraceContext(t *testing.T) {
	t.Parallel()
	const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	header := func(parent string, states ...string) http.Header {
		return http.Header{"Traceparent": {parent}, "Tracestate": states}
	}
	for _, tc := range []struct {
		name   string
		header http.Header
		opts   *forward.Options
		want   map[string]any
	}{
		{"none", nil, nil, map[string]any{}},
		{"of the request", header(parent), nil, map[string]any{"traceparent": parent}},
		{"with state", header(parent, "a=1"), nil, map[string]any{"traceparent": parent, "tracestate": "a=1"}},
		{"with state in two lines", header(parent, "a=1", "b=2"), nil, map[string]any{"traceparent": parent, "tracestate": "a=1,b=2"}},
		{"long state", header(parent, strings.Repeat("a", 513)), nil, map[string]any{"traceparent": parent}},
		{"state not ASCII", header(parent, "a=ä"), nil, map[string]any{"traceparent": parent}},
		{"state without parent", header("", "a=1"), nil, map[string]any{}},
		{"not hexadecimal", header(strings.ToUpper(parent)), nil, map[string]any{}},
		{"too short", header(parent[:54]), nil, map[string]any{}},
		{"too long", header(parent + "-00"), nil, map[string]any{}},
		{"version ff", header("ff" + parent[2:]), nil, map[string]any{}},
		{"zero trace", header("00-00000000000000000000000000000000-b7ad6b7169203331-01"), nil, map[string]any{}},
		{"zero span", header("00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01"), nil, map[string]any{}},
		{"of a span", header(parent), &forward.Options{TraceContext: func(ctx context.Context, ev webpubsub.Event) (string, string) {
			return ctx.Value(spanKey{}).(string), ev.EventMeta().EventName + "=1"
		}}, map[string]any{"traceparent": strings.Replace(parent, "b7", "c8", 1), "tracestate": "say=1"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var q queue
			h := handler(t, webpubsub.Config{Interceptors: []webpubsub.Interceptor{
				func(ctx context.Context, _ webpubsub.Event, next func(context.Context) error) error {
					return next(context.WithValue(ctx, spanKey{}, strings.Replace(parent, "b7", "c8", 1)))
				},
			}}, interceptor(t, q.Send, tc.opts))
			r := request(t, httptest.New(h, nil), httptest.Event{Type: "azure.webpubsub.user.say", Name: "say", ID: "7", ConnectionID: "c1", ContentType: "text/plain"})
			maps.Copy(r.Header, tc.header)
			require.Equal(t, http.StatusNoContent, serve(t, h, r))
			assert.Equal(t, tc.want, traceOf(q.one(t)))
		})
	}
}

type spanKey struct{}

func traceOf(ev cloudevents.Event) map[string]any {
	out := make(map[string]any)
	for name, v := range ev.Extensions() {
		if strings.HasPrefix(name, "trace") {
			out[name] = v
		}
	}
	return out
}
