package webpubsub_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	cloudevents "github.com/cloudevents/sdk-go/v2/event"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
)

// A CloudEvent in structured mode is one JSON document, into which the SDK
// copies data of a JSON media type as it is. An MQTT client chooses media type
// and bytes alone, and must not write the attributes around them.
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
