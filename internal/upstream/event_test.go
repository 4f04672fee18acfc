package upstream_test

import (
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/internal/upstream"
	"github.com/go-webpubsub/webpubsub/mqtt"
)

func TestEventRequest(t *testing.T) {
	t.Parallel()
	state := ""
	at := time.Date(2026, 1, 2, 3, 4, 5, 6, time.FixedZone("", 3600))
	ev := upstream.Event{
		Origins: []string{"a.test", "b.test"}, Keys: []string{"k1", "k2"},
		Hub: "chat", ConnectionID: "c", UserID: "用户", Subprotocol: "mqtt", State: &state, PhysicalConnectionID: "p", SessionID: "s",
		Type: "azure.webpubsub.user.say", Name: "say", ID: "2", Time: at, RequestID: "r",
		ContentType: "text/plain", Body: []byte("hi"), Metadata: map[string]string{"b": "2", "B": "1"},
		UserProperties: []mqtt.UserProperty{{Name: "trace", Value: "1"}, {Name: "trace", Value: "2"}},
	}
	req, err := ev.Request(t.Context(), "http://app.test/eventhandler?code=1")
	require.NoError(t, err)
	assert.Equal(t, http.MethodPost, req.Method)
	assert.Equal(t, "http://app.test/eventhandler?code=1", req.URL.String())
	assert.Equal(t, http.Header{
		"Webhook-Request-Origin": {"a.test, b.test"}, "Content-Type": {"text/plain"},
		"Ce-Awpsversion": {"1.0"}, "Ce-Specversion": {"1.0"}, "Ce-Type": {"azure.webpubsub.user.say"}, "Ce-Eventname": {"say"},
		"Ce-Source": {"/hubs/chat/client/c/p"}, "Ce-Id": {"2"}, "Ce-Time": {"2026-01-02T02:04:05Z"}, "Ce-Hub": {"chat"},
		"Ce-Connectionid": {"c"}, "Ce-Physicalconnectionid": {"p"}, "Ce-Sessionid": {"s"},
		"Ce-Signature": {webpubsub.Sign("k1", "c") + "," + webpubsub.Sign("k2", "c")},
		"Ce-Userid":    {"用户"}, "Ce-Subprotocol": {"mqtt"}, "Ce-Connectionstate": {""}, "X-Ms-Client-Request-Id": {"r"},
		"X-Webpubsub-Metadata-B": {"1", "2"}, "Mqtt-Trace": {"1", "2"},
	}, req.Header)
	body, err := io.ReadAll(req.Body)
	require.NoError(t, err)
	assert.Equal(t, "hi", string(body))
	require.NotNil(t, req.GetBody, "for further attempts")

	ev = upstream.Event{Origins: []string{"a.test"}, Hub: "chat", ConnectionID: "c", Type: "t", Name: "n", ID: "0", Time: at}
	req, err = ev.Request(t.Context(), "http://app.test")
	require.NoError(t, err)
	assert.Regexp(t, `^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`, req.Header.Get("X-Ms-Client-Request-Id"))
	assert.Equal(t, "/hubs/chat/client/c", req.Header.Get("Ce-Source"))
	for _, name := range []string{"Content-Type", "Ce-Userid", "Ce-Subprotocol", "Ce-Connectionstate", "Ce-Physicalconnectionid", "Ce-Sessionid", "Ce-Signature"} {
		assert.NotContains(t, req.Header, name)
	}

	_, err = ev.Request(t.Context(), "http://app.test/%")
	require.Error(t, err)
}
