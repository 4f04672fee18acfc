package webpubsub_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/mqtt"
)

func contentType(values ...string) func(*http.Request) {
	return wireHeader("Content-Type", values...)
}

func TestUserEventPayloads(t *testing.T) {
	t.Parallel()
	const text, json, binary, protobuf = webpubsub.DataText, webpubsub.DataJSON, webpubsub.DataBinary, webpubsub.DataProtobuf
	tests := []struct {
		name        string
		contentType string
		body        string
		want        webpubsub.DataType
	}{
		{"UE 65 text", "text/plain", "hello", text},
		{"UE 65 empty text", "text/plain", "", text},
		{"UE 66 object", "application/json", `{"a":1}`, json},
		{"UE 66 number", "application/json", "0", json},
		{"UE 66 bool", "application/json", "true", json},
		{"UE 66 null", "application/json", "null", json},
		{"UE 66 string", "application/json", `"s"`, json},
		{"UE 67 binary", "application/octet-stream", "\x00\xff", binary},
		{"UE 68 text with charset", "text/plain; charset=utf-8", "hello", text},
		{"UE 68 JSON with charset", "application/json;charset=utf-8", "{}", json},
		{"UE 68 space before the parameter", "application/json ; charset=utf-8", "{}", json},
		{"UE 68 broken parameter", "application/octet-stream;=", "x", binary},
		{"UE 69 upper case", "APPLICATION/JSON", "{}", json},
		{"UE 69 mixed case with a parameter", "Text/Plain; Charset=UTF-8", "x", text},
		{"protobuf", "application/x-protobuf", "\x0a\x00", protobuf},
		{"protobuf with a parameter", "Application/X-Protobuf; a=b", "\x0a\x00", protobuf},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ev := receive[*webpubsub.UserEvent](t, "user_text", contentType(tt.contentType), wireBody(tt.body))
			assert.Equal(t, tt.want, ev.DataType)
			assert.Equal(t, tt.contentType, ev.ContentType)
			assert.Equal(t, tt.body, string(ev.Data), "bytes as they came")
		})
	}
}

func TestUE66JSONValuesDecode(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]any{`{"a":1}`: map[string]any{"a": 1.0}, "0": 0.0, "true": true, "null": nil, `"s"`: "s", "[null]": []any{nil}} {
		var got any = "not called"
		f := webpubsub.JSON(func(_ context.Context, _ *webpubsub.UserEvent, in any) (webpubsub.Reply, error) {
			got = in
			return webpubsub.Reply{}, nil
		})
		resp := serveFixture(t, withFallback(f), "user_json", wireBody(body))
		assert.Equal(t, http.StatusNoContent, resp.StatusCode, body)
		assert.Equal(t, want, got, body)
	}
}

func TestUE70MediaTypes(t *testing.T) {
	t.Parallel()
	for _, ct := range []string{"application/xml", "text/html", "application/json+x", "application/problem+json", "text", ";", "text/plain, application/json", "textplain"} {
		resp := serveFixture(t, webpubsub.Config{Interceptors: []webpubsub.Interceptor{mustNotRun(t)}, Fallback: replyText("x")},
			"user_text", contentType(ct), unreadableBody(t))
		assert.Equal(t, http.StatusUnsupportedMediaType, resp.StatusCode, ct)
		assert.Contains(t, wireText(t, resp), "text/plain, application/json, application/octet-stream", "what would be taken")

		ev := receive[*webpubsub.UserEvent](t, "mqtt_publish", contentType(ct), wireBody("payload"))
		assert.Equal(t, webpubsub.DataBinary, ev.DataType, ct)
		assert.Equal(t, ct, ev.ContentType)
		assert.Equal(t, "payload", string(ev.Data))
	}
}

func TestUE70NoContentType(t *testing.T) {
	t.Parallel()
	for name, edit := range map[string]func(*http.Request){"absent": contentType(), "empty": contentType("")} {
		resp := serveFixture(t, onUserEvent(webpubsub.TextReply("x"), nil), "user_text", edit)
		assert.Equal(t, http.StatusUnsupportedMediaType, resp.StatusCode, name)

		ev := receive[*webpubsub.UserEvent](t, "mqtt_publish_no_content_type", edit, wireBody("\x00"))
		assert.Equal(t, webpubsub.DataBinary, ev.DataType, name)
		assert.Empty(t, ev.ContentType, name)
		assert.Equal(t, "\x00", string(ev.Data), name)
	}
}

func TestMQTTMediaTypesKeepTheirMeaning(t *testing.T) {
	t.Parallel()
	for ct, want := range map[string]webpubsub.DataType{
		"text/plain": webpubsub.DataText, "application/json": webpubsub.DataJSON,
		"application/octet-stream": webpubsub.DataBinary, "application/x-protobuf": webpubsub.DataProtobuf,
	} {
		assert.Equal(t, want, receive[*webpubsub.UserEvent](t, "mqtt_publish", contentType(ct)).DataType, ct)
	}
}

func TestDataTypeString(t *testing.T) {
	t.Parallel()
	for dataType, want := range map[webpubsub.DataType]string{
		webpubsub.DataBinary: "binary", webpubsub.DataText: "text", webpubsub.DataJSON: "json", webpubsub.DataProtobuf: "protobuf", 200: "DataType(200)",
	} {
		assert.Equal(t, want, dataType.String())
	}
}

func TestUserEventMetadata(t *testing.T) {
	t.Parallel()
	ev := receive[*webpubsub.UserEvent](t, "user_text")
	assert.Nil(t, ev.Metadata())
	ev = receive[*webpubsub.UserEvent](t, "user_text",
		wireHeader("X-WebPubSub-Metadata-Trace-ID", "a, b"),
		wireHeader("x-webpubsub-metadata-twice", "first", "last"),
		wireHeader("X-WebPubSub-Metadata-", "no name"),
		wireHeader("X-WebPubSub-Metadata-empty", ""),
		wireHeader("X-WebPubSub-Other", "x"))
	assert.Equal(t, map[string]string{"trace-id": "a, b", "twice": "last", "empty": ""}, ev.Metadata())

	ev = receive[*webpubsub.UserEvent](t, "user_metadata")
	require.NotEmpty(t, ev.Metadata())
	for name := range ev.Metadata() {
		assert.Equal(t, strings.ToLower(name), name)
		assert.NotEmpty(t, ev.RequestHeader.Get("X-WebPubSub-Metadata-"+name))
	}
	assert.Nil(t, new(webpubsub.UserEvent).Metadata(), "an event made by hand")
}

// A function may modify the data.
func TestDataBelongsToTheFunction(t *testing.T) {
	t.Parallel()
	h := wireHandler(t, withFallback(func(_ context.Context, ev *webpubsub.UserEvent) (webpubsub.Reply, error) {
		copy(ev.Data, "HELLO")
		return webpubsub.BinaryReply(append(ev.Data, "!"...)), nil
	}))
	for range 3 {
		assert.Equal(t, "HELLO!", wireText(t, wireServe(h, wireRequest(t, "user_text"))))
	}
}

// secretEvents returns events of all kinds with "s3cr3t" in every secret place.
func secretEvents() map[string]any {
	const s = "s3cr3t"
	meta := webpubsub.Meta{
		ID: "7", Hub: "chat", ConnectionID: "c1", EventName: "say", UserID: s, RawState: s, Subprotocol: "x",
		RequestHeader: map[string][]string{"Authorization": {s}, "Ce-Signature": {s}},
		MQTT:          &webpubsub.MQTTSession{SessionID: s},
	}
	connect := webpubsub.ConnectEvent{
		Meta: meta, Claims: webpubsub.Claims{s: {s}}, Query: map[string][]string{"access_token": {s}}, Headers: webpubsub.Headers{"Cookie": {s}},
		ClientCertificates: []webpubsub.ClientCertificate{{Content: s}}, MQTTConnect: &mqtt.Connect{Password: mqtt.Password(s)},
	}
	user := webpubsub.UserEvent{Meta: meta, Data: []byte(s), ContentType: s}
	disconnected := webpubsub.DisconnectedEvent{Meta: meta, Reason: s}
	joined, left := webpubsub.GroupJoinedEvent{Meta: meta, Group: s}, webpubsub.GroupLeftEvent{Meta: meta, Group: s}
	connected := webpubsub.ConnectedEvent{Meta: meta}
	return map[string]any{
		"*Meta": &meta, "*ConnectEvent": &connect, "*UserEvent": &user, "*DisconnectedEvent": &disconnected,
		"*GroupJoinedEvent": &joined, "*GroupLeftEvent": &left, "*ConnectedEvent": &connected,
		"Meta": meta, "ConnectEvent": connect, "UserEvent": user, "DisconnectedEvent": disconnected,
		"GroupJoinedEvent": joined, "GroupLeftEvent": left, "ConnectedEvent": connected,
	}
}

func TestEventsPrintWithoutUserData(t *testing.T) {
	t.Parallel()
	for name, ev := range secretEvents() {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
			assert.Equal(t, `event "say" (id "7") of connection "c1" in hub "chat"`, fmt.Sprintf(verb, ev), "%s of %s", verb, name)
		}
		assert.NotContains(t, fmt.Sprintf("%q %x", ev, ev), "s3cr3t", name)
	}
}

func TestEventsLogWithoutUserData(t *testing.T) {
	t.Parallel()
	for name, ev := range secretEvents() {
		var out bytes.Buffer
		logTo(&out).Info("x", "ev", ev)
		record := logRecord(t, &out)
		assert.Equal(t, map[string]any{"hub": "chat", "connection_id": "c1", "event": "say", "event_id": "7"}, record["ev"], name)

		out.Reset()
		slog.New(slog.NewTextHandler(&out, nil)).Info("x", "ev", ev)
		require.Contains(t, out.String(), "ev.connection_id=c1", name)
		assert.NotContains(t, out.String(), "s3cr3t", name)
	}
}

func TestEventsPrintShort(t *testing.T) {
	t.Parallel()
	long := string(bytes.Repeat([]byte("\nж"), 5000))
	ev := &webpubsub.ConnectedEvent{Meta: webpubsub.Meta{ID: long, Hub: long, ConnectionID: long, EventName: long}}
	assert.Less(t, len(ev.String()), 1500)
	assert.NotContains(t, ev.String(), "\n", "one line")
	assert.NotContains(t, ev.String(), "\\x", "no half character")
	assert.Contains(t, ev.String(), "…")
	for _, attr := range ev.LogValue().Group() {
		assert.Less(t, len(attr.Value.String()), 200, attr.Key)
	}
}
