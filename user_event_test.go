package webpubsub_test

import (
	"bytes"
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
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

func TestUserEventNamesAreRouted(t *testing.T) {
	t.Parallel()
	cfg := webpubsub.Config{UserEvents: map[string]webpubsub.UserEventFunc{
		"message":      replyText("message"),
		"room.message": replyText("room.message"),
		"connected":    replyText("connected, of a user"),
		"Say":          replyText("Say"),
		"shout":        replyText("shout"),
		"SHOUT":        replyText("SHOUT"),
	}, OnConnected: func(context.Context, *webpubsub.ConnectedEvent) error {
		t.Error("OnConnected was called for a user event")
		return nil
	}}
	tests := []struct {
		name  string
		event string
		want  string // empty: the fallback
	}{
		{"UE 74 message", "message", "message"},
		{"UE 74 custom name", "room.message", "room.message"},
		{"UE 74 name of a system event", "connected", "connected, of a user"},
		{"exact", "Say", "Say"},
		{"folded", "sAY", "Say"},
		{"exact among names that fold alike", "shout", "shout"},
		{"exact among names that fold alike, the other", "SHOUT", "SHOUT"},
		{"ambiguous", "Shout", ""},
		{"unknown", "whisper", ""},
		{"prefix of a name", "room", ""},
		{"a name and more", "message.x", ""},
		{"path", "../message", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			named := both(wireHeader("ce-eventName", tt.event), setType("azure.webpubsub.user."+tt.event))
			var out bytes.Buffer
			with, without := cfg, cfg
			with.Fallback, without.Logger = replyText("fallback"), logTo(&out)

			want := tt.want
			if want == "" {
				want = "fallback"
			}
			assert.Equal(t, want, wireText(t, serveFixture(t, with, "user_text", named)))

			resp := serveFixture(t, without, "user_text", named)
			assert.Equal(t, tt.want, wireText(t, resp))
			if tt.want != "" {
				assert.Equal(t, http.StatusOK, resp.StatusCode)
				assert.Empty(t, out.String())
				return
			}
			assert.Equal(t, http.StatusNoContent, resp.StatusCode)
			record := logRecord(t, &out)
			assert.Equal(t, "INFO", record["level"])
			assert.Equal(t, tt.event, record["event"])
		})
	}
}

func TestUE74NameComesFromTheAttribute(t *testing.T) {
	t.Parallel()
	ev := receive[*webpubsub.UserEvent](t, "user_text", wireHeader("ce-eventName", "room.message"), setType("azure.webpubsub.user.message"))
	assert.Equal(t, "room.message", ev.EventName)
	assert.Equal(t, "azure.webpubsub.user.message", ev.Type)
	ev = receive[*webpubsub.UserEvent](t, "user_text", wireHeader("ce-eventName"), setType("Azure.WebPubSub.User.Room.Message"))
	assert.Equal(t, "Room.Message", ev.EventName, "of the type, if there is no attribute")
	ev = receive[*webpubsub.UserEvent](t, "user_named_connected")
	assert.Equal(t, "connected", ev.EventName)
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

// The function may change the data it was given.
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

// A guard that compares EventName is not passed by a spelling that the map of
// functions takes for the same name.
func TestEventNameIsThatOfTheFunction(t *testing.T) {
	t.Parallel()
	const kelvin = "\u212aick" // the Kelvin sign, whose lower case is k
	guard := func(ctx context.Context, ev webpubsub.Event, next func(context.Context) error) error {
		if ev.EventMeta().EventName == "kick" {
			return webpubsub.Forbidden("moderators only")
		}
		return next(ctx)
	}
	for _, sent := range []string{"kick", "Kick", "KICK", kelvin} {
		named := both(wireHeader("ce-eventName", sent), setType("azure.webpubsub.user."+sent))
		cfg := webpubsub.Config{UserEvents: map[string]webpubsub.UserEventFunc{"kick": func(_ context.Context, ev *webpubsub.UserEvent) (webpubsub.Reply, error) {
			assert.Equal(t, "kick", ev.EventName)
			assert.Equal(t, "azure.webpubsub.user."+sent, ev.Type, "as sent")
			return webpubsub.TextReply("kicked"), nil
		}}}
		assert.Equal(t, "kicked", wireText(t, serveFixture(t, cfg, "user_text", named)), sent)
		cfg.Interceptors = []webpubsub.Interceptor{guard}
		assert.Equal(t, http.StatusForbidden, serveFixture(t, cfg, "user_text", named).StatusCode, sent)

		// The fallback gets the name as it was sent.
		fallback := withFallback(func(_ context.Context, ev *webpubsub.UserEvent) (webpubsub.Reply, error) {
			return webpubsub.TextReply(ev.EventName), nil
		})
		assert.Equal(t, sent, wireText(t, serveFixture(t, fallback, "user_text", named)))
	}
}

func TestSystemEventsHaveTheirName(t *testing.T) {
	t.Parallel()
	ev := receive[*webpubsub.ConnectEvent](t, "connect", setType("azure.webpubsub.SYS.Connect"), wireHeader("ce-eventName", "Connect"))
	assert.Equal(t, "connect", ev.EventName)
	assert.Equal(t, "azure.webpubsub.SYS.Connect", ev.Type)
}
