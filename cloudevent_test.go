package webpubsub_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/cloudevents/sdk-go/v2/binding"
	cloudevents "github.com/cloudevents/sdk-go/v2/event"
	cehttp "github.com/cloudevents/sdk-go/v2/protocol/http"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
)

func TestCloudEventOfEachFixture(t *testing.T) {
	t.Parallel()
	for _, fixture := range wireNames(t) {
		r := wireRequest(t, fixture)
		if r.Method != http.MethodPost {
			continue
		}
		t.Run(fixture, func(t *testing.T) {
			t.Parallel()
			ev := receive[webpubsub.Event](t, fixture)
			out, err := ev.CloudEvent()
			require.NoError(t, err)
			require.NoError(t, out.Validate())
			assert.Equal(t, "1.0", out.SpecVersion())
			assert.Equal(t, r.Header.Get("ce-id"), out.ID())
			source, err := url.Parse(r.Header.Get("ce-source"))
			require.NoError(t, err)
			assert.Equal(t, source.String(), out.Source(), "percent-encoded, as a URI reference is")
			assert.Equal(t, r.Header.Get("ce-type"), out.Type())
			assert.Equal(t, ev.EventMeta().Time, out.Time())
			assert.Equal(t, wireText(t, &http.Response{Body: r.Body}), string(out.Data()))

			want := map[string]any{"hub": r.Header.Get("ce-hub"), "awpsversion": "1.0"}
			for header, extension := range map[string]string{
				"ce-connectionId": "connectionid", "ce-userId": "userid", "ce-eventName": "eventname", "ce-subprotocol": "subprotocol",
				"ce-connectionState": "connectionstate", "ce-physicalConnectionId": "physicalconnectionid", "ce-sessionId": "sessionid",
				"ce-namespace": "namespace", "ce-socketId": "socketid",
			} {
				if v := r.Header.Get(header); v != "" {
					want[extension] = v
				}
			}
			assert.Equal(t, want, out.Extensions(), "all attributes, and no signature")
		})
	}
}

func TestCloudEventContentTypes(t *testing.T) {
	t.Parallel()
	for fixture, want := range map[string]string{
		"user_text": "text/plain", "user_json": "application/json", "user_protobuf": "application/x-protobuf",
		"mqtt_publish": "application/xml", "mqtt_publish_no_content_type": "",
		"connect": "application/json", "disconnected": "application/json", "joined": "application/json",
	} {
		out, err := receive[webpubsub.Event](t, fixture).CloudEvent()
		require.NoError(t, err)
		assert.Equal(t, want, out.DataContentType(), fixture)
	}
}

func TestCloudEventWithoutTime(t *testing.T) {
	t.Parallel()
	out, err := receive[webpubsub.Event](t, "user_json", wireHeader("ce-time")).CloudEvent()
	require.NoError(t, err)
	assert.True(t, out.Time().IsZero())
	require.NoError(t, out.Validate())
	text, err := json.Marshal(out)
	require.NoError(t, err)
	assert.NotContains(t, string(text), `"time"`)
}

// relay sends an event with the SDK's HTTP binding and decodes it with its receiver.
func relay(tb testing.TB, ev cloudevents.Event, structured bool) cloudevents.Event {
	tb.Helper()
	var got *cloudevents.Event
	var err error
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		got, err = binding.ToEvent(r.Context(), cehttp.NewMessageFromHttpRequest(r))
	}))
	tb.Cleanup(server.Close)
	r, reqErr := http.NewRequestWithContext(tb.Context(), http.MethodPost, server.URL, nil)
	require.NoError(tb, reqErr)
	ctx := tb.Context()
	if structured {
		ctx = binding.WithForceStructured(ctx)
	}
	require.NoError(tb, cehttp.WriteRequest(ctx, binding.ToMessage(&ev), r))
	resp, doErr := server.Client().Do(r)
	require.NoError(tb, doErr)
	require.NoError(tb, resp.Body.Close())
	require.NoError(tb, err)
	require.NotNil(tb, got)
	return *got
}

func TestCloudEventSurvivesTheSDK(t *testing.T) {
	t.Parallel()
	for _, fixture := range []string{"user_text", "user_json", "user_binary", "user_unicode_user_id", "connect", "mqtt_publish", "joined"} {
		t.Run(fixture, func(t *testing.T) {
			t.Parallel()
			sent, err := receive[webpubsub.Event](t, fixture).CloudEvent()
			require.NoError(t, err)
			for _, structured := range []bool{false, true} {
				got := relay(t, sent, structured)
				require.NoError(t, got.Validate())
				assert.Equal(t, sent.Context.AsV1(), got.Context.AsV1())
				if strings.Contains(sent.DataContentType(), "json") {
					assert.JSONEq(t, string(sent.Data()), string(got.Data()))
				} else {
					assert.Equal(t, sent.Data(), got.Data())
				}
			}
		})
	}
}

func TestCloudEventUTF8UserID(t *testing.T) {
	t.Parallel()
	out, err := receive[webpubsub.Event](t, "user_unicode_user_id").CloudEvent()
	require.NoError(t, err)
	assert.Equal(t, "用户", out.Extensions()["userid"])
}

// Attributes with the names of the envelope's members are not extensions.
func TestCloudEventAttributesOfTheEnvelope(t *testing.T) {
	t.Parallel()
	ev := receive[webpubsub.Event](t, "user_json", wireHeader("ce-data", "x"), wireHeader("ce-data_base64", "x"), wireHeader("ce-datacontenttype", "text/html"),
		wireHeader("ce-dataschema", "urn:x"), wireHeader("ce-subject", "s"), wireHeader("ce-namespace", "/"), wireHeader("ce-x-y", "1"), wireHeader("ce-twice", "1", "2"))
	sent, err := ev.CloudEvent()
	require.NoError(t, err)
	assert.Equal(t, "application/json", sent.DataContentType())
	for _, name := range []string{"data", "data_base64", "datacontenttype", "dataschema", "subject", "x-y", "twice", "signature"} {
		assert.NotContains(t, sent.Extensions(), name)
	}
	assert.Equal(t, "/", sent.Extensions()["namespace"])
	for _, structured := range []bool{false, true} {
		got := relay(t, sent, structured)
		assert.Equal(t, sent.Context.AsV1(), got.Context.AsV1())
		assert.JSONEq(t, `{"room":"lobby","text":"hi"}`, string(got.Data()))
	}
}

func TestCloudEventOfHandMadeEvents(t *testing.T) {
	t.Parallel()
	good := webpubsub.Meta{ID: "1", Source: "/hubs/chat/client/c", Type: "azure.webpubsub.user.x", Hub: "chat", ConnectionID: "c"}
	ev := &webpubsub.UserEvent{Meta: good, ContentType: "text/plain", Data: []byte("x")}
	out, err := ev.CloudEvent()
	require.NoError(t, err)
	assert.Equal(t, map[string]any{"hub": "chat", "connectionid": "c"}, out.Extensions())
	assert.Equal(t, "x", string(out.Data()))

	for name, edit := range map[string]func(*webpubsub.Meta){
		"id":           func(m *webpubsub.Meta) { m.ID = "" },
		"source":       func(m *webpubsub.Meta) { m.Source = "" },
		"source's URI": func(m *webpubsub.Meta) { m.Source = "http://[::1" + strings.Repeat("x", 1000) },
		"type":         func(m *webpubsub.Meta) { m.Type = "" },
	} {
		m := good
		edit(&m)
		_, err := (&webpubsub.ConnectedEvent{Meta: m}).CloudEvent()
		require.Error(t, err, name)
		assert.Less(t, len(err.Error()), 512, name)
	}
}

// In structured mode the SDK copies data of a JSON media type into the document
// unchanged. An MQTT client, which chooses both media type and bytes, must not be able to
// write attributes.
func TestCloudEventStructuredModeKeepsDataApart(t *testing.T) {
	t.Parallel()
	const forged = `1,"id":"99","type":"forged","userid":"root"`
	for _, tc := range []struct{ name, contentType, data string }{
		{"JSON", "application/json", `{"text":"hello"}`},
		{"JSON with parameter", "Application/JSON; charset=utf-8", `[1,2]`},
		{"text", "text/plain", `say "hello", café`},
		{"text that is not UTF-8", "text/plain", "caf\xe9"},
		{"binary", "application/octet-stream", "\x00\xff\"\\"},
		{"empty", "application/json", ""},
		{"JSON that is none", "application/json", forged},
		{"JSON of a suffix that is none", "application/vnd.acme+json", forged},
		{"other JSON that is none", "text/json", forged},
		{"no type", "", forged},
		{"text with JSON", "text/plain", forged},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var sent cloudevents.Event
			h, err := webpubsub.NewHandler(webpubsub.Config{
				Verifier: webpubsub.InsecureSkipVerify{},
				Fallback: func(_ context.Context, ev *webpubsub.UserEvent) (webpubsub.Reply, error) {
					var err error
					sent, err = ev.CloudEvent()
					return webpubsub.Reply{}, err
				},
			})
			require.NoError(t, err)
			r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(tc.data))
			for name, v := range map[string]string{
				"WebHook-Request-Origin": "contoso.webpubsub.azure.com", "ce-awpsversion": "1.0", "ce-specversion": "1.0",
				"ce-type": "azure.webpubsub.user.telemetry", "ce-source": "/hubs/chat/client/device-7/ph-31c6", "ce-id": "2",
				"ce-time": "2026-01-01T00:00:00Z", "ce-userId": "vic", "ce-connectionId": "device-7", "ce-hub": "chat",
				"ce-eventName": "telemetry", "ce-subprotocol": "mqtt", "ce-physicalConnectionId": "ph-31c6", "ce-sessionId": "s-1",
			} {
				r.Header.Set(name, v)
			}
			if tc.contentType != "" {
				r.Header.Set("Content-Type", tc.contentType)
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			require.Equal(t, http.StatusNoContent, w.Code, w.Body.String())

			document, err := json.Marshal(sent)
			require.NoError(t, err)
			require.True(t, json.Valid(document))
			var got cloudevents.Event
			require.NoError(t, json.Unmarshal(document, &got))
			assert.Equal(t, "2", got.ID())
			assert.Equal(t, "azure.webpubsub.user.telemetry", got.Type())
			assert.Equal(t, "vic", got.Extensions()["userid"])
			assert.Equal(t, sent.Extensions(), got.Extensions())
			assert.Equal(t, tc.data, string(got.Data()))
		})
	}
}
