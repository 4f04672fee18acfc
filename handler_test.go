package webpubsub_test

import (
	"bytes"
	"context"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
)

// everyFunction returns a config whose functions count their calls.
func everyFunction(called map[string]int) webpubsub.Config {
	return webpubsub.Config{
		OnConnect: func(context.Context, *webpubsub.ConnectEvent) (*webpubsub.ConnectReply, error) {
			called["connect"]++
			return nil, nil
		},
		OnConnected:    func(context.Context, *webpubsub.ConnectedEvent) error { called["connected"]++; return nil },
		OnDisconnected: func(context.Context, *webpubsub.DisconnectedEvent) error { called["disconnected"]++; return nil },
		OnGroupJoined:  func(context.Context, *webpubsub.GroupJoinedEvent) error { called["joined"]++; return nil },
		OnGroupLeft:    func(context.Context, *webpubsub.GroupLeftEvent) error { called["left"]++; return nil },
		Fallback: func(context.Context, *webpubsub.UserEvent) (webpubsub.Reply, error) {
			called["user"]++
			return webpubsub.Reply{}, nil
		},
	}
}

func setType(values ...string) func(*http.Request) { return wireHeader("ce-type", values...) }

func TestDispatchGuards(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		fixture  string
		edit     func(*http.Request)
		want     int
		function string // that must be called; empty: none
	}{
		{"UE 29 without ce-awpsversion", "connect", wireHeader("ce-awpsversion"), 404, ""},
		{"UE 29 without origin", "connect", setOrigin(), 404, ""},
		{"UE 29 unknown system event", "connect", setType("azure.webpubsub.sys.foo"), 501, ""},
		{"UE 29 unknown family of events", "connect", setType("azure.webpubsub.new.foo"), 501, ""},
		{"UE 29 unknown presence event", "joined", setType("azure.webpubsub.gp.renamed"), 204, ""},
		{"UE 29 type in another case", "connect", setType("Azure.WebPubSub.sys.connect"), 204, "connect"},
		{"UE 29 user event type in another case", "user_text", setType("AZURE.WEBPUBSUB.USER.message"), 204, "user"},
		{"UE 29 foreign type", "connect", setType("com.example.connect"), 404, ""},
		{"UE 29 type that only begins alike", "connect", setType("azure.webpubsub"), 404, ""},
		{"UE 29 no type", "connect", setType(), 404, ""},
		{"UE 29 other hub", "connect", wireHeader("ce-hub", "other"), 404, ""},
		{"UE 29 hub that begins alike", "connect", wireHeader("ce-hub", "chat2"), 404, ""},
		{"no hub", "connect", wireHeader("ce-hub"), 400, ""},
		{"empty hub", "connect", wireHeader("ce-hub", ""), 400, ""},
		{"UE 30 hub in another case", "connect", wireHeader("ce-hub", "CHAT"), 204, "connect"},
		{"UE 31 PUT", "connect", setMethod(http.MethodPut), 405, ""},
		{"UE 31 GET without validation headers", "connect", both(setMethod(http.MethodGet), setOrigin()), 405, ""},
		{"UE 31 DELETE", "connect", setMethod(http.MethodDelete), 405, ""},
		{"UE 31 HEAD", "connect", setMethod(http.MethodHead), 405, ""},
		{"UE 31 method in lower case", "connect", setMethod("post"), 405, ""},
		{"UE 33 MQTT subprotocol without physical connection id", "connect", wireHeader("ce-subprotocol", "mqtt"), 204, "connect"},
		{"UE 74 user event with a system event's name", "user_named_connected", func(*http.Request) {}, 204, "user"},
		{"specversion missing", "connect", wireHeader("ce-specversion"), 400, ""},
		{"specversion 0.3", "connect", wireHeader("ce-specversion", "0.3"), 400, ""},
		{"id missing", "connect", wireHeader("ce-id"), 400, ""},
		{"source missing", "connect", wireHeader("ce-source"), 400, ""},
		{"time missing", "connect", wireHeader("ce-time"), 204, "connect"},
		{"time malformed", "connect", wireHeader("ce-time", "Thu, 01 Jan 2026 00:00:00 GMT"), 400, ""},
		{"time empty", "connect", wireHeader("ce-time", ""), 400, ""},
		{"user id not UTF-8", "connect", wireHeader("ce-userId", "\xff"), 400, ""},
		{"connection id missing", "connect", wireHeader("ce-connectionId"), 400, ""},
		{"connection id empty", "user_text", wireHeader("ce-connectionId", ""), 400, ""},
		{"connection id not UTF-8", "connect", wireHeader("ce-connectionId", "\xff"), 400, ""},
		{"name not told", "user_text", wireHeader("ce-eventName"), 204, "user"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			called := map[string]int{}
			h := wireHandler(t, everyFunction(called))
			edits := []func(*http.Request){tt.edit}
			if tt.function == "" {
				edits = append(edits, unreadableBody(t))
			}
			resp := wireServe(h, wireRequest(t, tt.fixture, edits...))
			assert.Equal(t, tt.want, resp.StatusCode)
			assert.Empty(t, resp.Header.Values("WebHook-Allowed-Origin"))
			if tt.function != "" {
				assert.Equal(t, map[string]int{tt.function: 1}, called)
				return
			}
			assert.Empty(t, called)
			if tt.want >= 400 {
				assert.NotEmpty(t, wireText(t, resp), "a reason")
				assert.Equal(t, "nosniff", resp.Header.Get("X-Content-Type-Options"))
			}
			if tt.want == 405 {
				assert.Equal(t, "OPTIONS, POST", resp.Header.Get("Allow"))
			}
		})
	}
}

func TestUE32WithoutFunctionTheBodyIsNotRead(t *testing.T) {
	t.Parallel()
	h := wireHandler(t, webpubsub.Config{})
	for _, fixture := range []string{"connect", "mqtt_connect_v5", "connected", "disconnected", "mqtt_disconnected", "joined", "left", "user_text", "user_json", "mqtt_publish"} {
		t.Run(fixture, func(t *testing.T) {
			t.Parallel()
			resp := wireServe(h, wireRequest(t, fixture, unreadableBody(t)))
			assert.Equal(t, http.StatusNoContent, resp.StatusCode)
			assert.Empty(t, wireText(t, resp))
		})
	}
}

// Each request fails two steps of the documented order. The earlier one answers.
func TestTheEarlierStepAnswers(t *testing.T) {
	t.Parallel()
	badSignature := signed(textbookSignature("x", wireConnectionID))
	const tooLong = `{"claims":{},"padding":"0123456789012345678901234567890123456789"}`
	teapot := webpubsub.Interceptor(func(context.Context, webpubsub.Event, func(context.Context) error) error {
		return &webpubsub.Error{Status: http.StatusTeapot}
	})
	brokenReply := func(context.Context, *webpubsub.UserEvent) (webpubsub.Reply, error) {
		return webpubsub.DataReply("text/html", nil), nil
	}
	tests := []struct {
		name    string
		fixture string
		edit    func(*http.Request)
		read    bool // whether the body may be read
		want    int
	}{
		{"validation before method", "get_fallback", wireBody("x"), false, 200},
		{"validation before header", "user_text", both(setMethod("OPTIONS"), wireHeader("ce-id")), false, 200},
		{"method before header", "user_text", both(setMethod("PUT"), wireHeader("ce-awpsversion")), false, 405},
		{"method before signature", "user_text", both(setMethod("PUT"), badSignature), false, 405},
		{"foreign before malformed header", "user_text", both(wireHeader("ce-awpsversion"), wireHeader("ce-id", "1", "2")), false, 404},
		{"repeated before foreign type", "user_text", both(setType("x", "y")), false, 400},
		{"foreign type before hub", "user_text", both(setType("x"), wireHeader("ce-hub")), false, 404},
		{"hub before malformed header", "user_text", both(wireHeader("ce-hub", "other"), wireHeader("ce-id")), false, 404},
		{"header before origin", "user_text", both(wireHeader("ce-id"), setOrigin("evil.com")), false, 400},
		{"header before signature", "user_text", both(wireHeader("ce-specversion", "2"), badSignature), false, 400},
		{"foreign before signature", "user_text", both(setType("x"), badSignature), false, 404},
		{"connection id before origin", "user_text", both(wireHeader("ce-connectionId"), setOrigin("evil.com")), false, 400},
		{"origin before kind", "user_text", both(setOrigin("evil.com"), setType("azure.webpubsub.sys.foo")), false, 401},
		{"signature before kind", "user_text", both(badSignature, setType("azure.webpubsub.sys.foo")), false, 401},
		{"signature before unknown presence", "user_text", both(badSignature, setType("azure.webpubsub.gp.foo")), false, 401},
		{"signature before media type", "user_text", both(badSignature, wireHeader("Content-Type", "text/html")), false, 401},
		{"signature before length", "connect", both(badSignature, wireBody(tooLong)), false, 401},
		{"kind before media type", "user_text", both(setType("azure.webpubsub.sys.foo"), wireHeader("Content-Type", "text/html")), false, 501},
		{"kind before length", "connect", both(setType("azure.webpubsub.sys.foo"), wireBody(tooLong)), false, 501},
		{"media type before length", "user_text", both(wireHeader("Content-Type", "text/html"), wireBody(tooLong)), false, 415},
		{"length before payload", "connect", wireBody(tooLong[1:]), false, 413},
		{"short body before payload", "connect", both(wireBody(`{"claims"`), func(r *http.Request) { r.ContentLength = 20 }), true, 400},
		{"payload before interceptor, connect", "connect", wireBody("nope"), true, 400},
		{"payload before interceptor, disconnected", "disconnected", wireBody("nope"), true, 400},
		{"payload before interceptor, joined", "joined", wireBody("{}"), true, 400},
		{"interceptor before reply", "user_text", wireBody("x"), true, 418},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := wireHandler(t, webpubsub.Config{MaxBodyBytes: 40, Interceptors: []webpubsub.Interceptor{teapot}, Fallback: brokenReply})
			edits := []func(*http.Request){tt.edit}
			if !tt.read {
				edits = append(edits, unreadableBody(t))
			}
			resp := wireServe(h, wireRequest(t, tt.fixture, edits...))
			assert.Equal(t, tt.want, resp.StatusCode)
		})
	}
	t.Run("reply last", func(t *testing.T) {
		t.Parallel()
		h := wireHandler(t, webpubsub.Config{Fallback: brokenReply})
		assert.Equal(t, 500, wireServe(h, wireRequest(t, "user_text")).StatusCode)
	})
}

// Neither a custom Verifier nor a function sees an event without a connection.
func TestEventWithoutConnectionIsRefusedBeforeTheVerifier(t *testing.T) {
	t.Parallel()
	for _, id := range [][]string{nil, {""}} {
		for fixture := range eventKinds {
			h := wireHandler(t, webpubsub.Config{
				Verifier:       verifierFunc(func(*http.Request) error { t.Error(fixture); return nil }),
				AllowedOrigins: []string{"*"},
				Interceptors:   []webpubsub.Interceptor{mustNotRun(t)},
			})
			resp := wireServe(h, wireRequest(t, fixture, wireHeader("ce-connectionId", id...), unreadableBody(t)))
			assert.Equal(t, http.StatusBadRequest, resp.StatusCode, fixture)
			assert.Equal(t, "header ce-connectionId is missing", wireText(t, resp), fixture)
		}
	}
}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

func TestUE120UnknownHeadersAreIgnored(t *testing.T) {
	t.Parallel()
	called := map[string]int{}
	h := wireHandler(t, everyFunction(called))
	r := wireRequest(t, "connect", wireHeader("ce-namespace", "/", "/"), wireHeader("ce-socketId", "s"), wireHeader("ce-x", ""), wireHeader("X-Y", "\xff"))
	assert.Equal(t, http.StatusNoContent, wireServe(h, r).StatusCode)
	assert.Equal(t, http.StatusNoContent, wireServe(h, wireRequest(t, "connect_unknown_members")).StatusCode)
	assert.Equal(t, map[string]int{"connect": 2}, called)
}

func TestUE121SameEventTwice(t *testing.T) {
	t.Parallel()
	var seen []string
	h := wireHandler(t, webpubsub.Config{Fallback: func(_ context.Context, ev *webpubsub.UserEvent) (webpubsub.Reply, error) {
		seen = append(seen, ev.ConnectionID+"/"+ev.ID+"/"+ev.RequestHeader.Get("x-ms-client-request-id"))
		return webpubsub.TextReply("ok"), nil
	}})
	for range 2 {
		assert.Equal(t, http.StatusOK, wireServe(h, wireRequest(t, "user_text")).StatusCode)
	}
	require.Len(t, seen, 2)
	assert.Equal(t, seen[0], seen[1], "what tells copies apart from the next event")
	assert.NotContains(t, seen[0], "//")
}

// The handler can be mounted at any path, with any prefix stripped.
func TestHandlerIgnoresThePath(t *testing.T) {
	t.Parallel()
	h := wireHandler(t, webpubsub.Config{Fallback: replyText("ok")})
	for _, path := range []string{"", "/", "/x/validate", "/%2e%2e/", "*"} {
		assert.Equal(t, http.StatusOK, wireServe(h, wireRequest(t, "user_text", setPath(path))).StatusCode, path)
	}
}

func TestHandlerForAnyHub(t *testing.T) {
	t.Parallel()
	h, err := webpubsub.NewHandler(webpubsub.Config{ConnectionStrings: []string{wireConnectionString}, Fallback: replyText("ok")})
	require.NoError(t, err)
	for hub, want := range map[string]int{"chat": 200, "other": 200, "": 400} {
		assert.Equal(t, want, wireServe(h, wireRequest(t, "user_text", wireHeader("ce-hub", hub))).StatusCode, hub)
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

// A guard that compares EventName refuses every spelling for which UserEvents has the
// function.
func TestEventNameIsTheRegisteredName(t *testing.T) {
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
