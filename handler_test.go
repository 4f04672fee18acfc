package webpubsub_test

import (
	"context"
	"errors"
	"io"
	"math"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
)

// everyFunction is a config all of whose functions count as called.
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

func TestRepeatedHeadersOfAnEventAreRefused(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"ce-specversion", "ce-type", "ce-source", "ce-id", "ce-time", "ce-userId", "ce-connectionId", "ce-hub",
		"ce-eventName", "ce-subprotocol", "ce-connectionState", "ce-physicalConnectionId", "ce-sessionId", "Content-Type",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := wireHandler(t, webpubsub.Config{Interceptors: []webpubsub.Interceptor{mustNotRun(t)}})
			r := wireRequest(t, "mqtt_publish", unreadableBody(t))
			v := r.Header.Get(name)
			wireHeader(name, v, v)(r)
			resp := wireServe(h, r)
			assert.Equal(t, http.StatusBadRequest, resp.StatusCode, "even if both lines are equal")
			assert.Contains(t, wireText(t, resp), name)
		})
	}
}

// Each request has two faults, of one step and of a later one: the earlier step
// of the documented order answers.
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

// An event without a connection is nobody's: neither a verifier of one's own nor
// a function sees it.
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

func TestUE116UserIDIsNotPercentDecoded(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"用户", "a%20b", "a b", "%E7%94%A8", "", "a,b", `"quoted"`} {
		var got *webpubsub.ConnectedEvent
		h := wireHandler(t, webpubsub.Config{OnConnected: func(_ context.Context, ev *webpubsub.ConnectedEvent) error {
			got = ev
			return nil
		}})
		resp := wireServe(h, wireRequest(t, "connected", wireHeader("ce-userId", id)))
		assert.Equal(t, http.StatusNoContent, resp.StatusCode)
		require.NotNil(t, got)
		assert.Equal(t, id, got.UserID)
	}
}

func TestUE117LowerCaseHeaderNames(t *testing.T) {
	t.Parallel()
	var got []*webpubsub.UserEvent
	h := wireHandler(t, webpubsub.Config{Fallback: func(_ context.Context, ev *webpubsub.UserEvent) (webpubsub.Reply, error) {
		got = append(got, ev)
		return webpubsub.Reply{}, nil
	}})
	for _, fixture := range []string{"user_text", "user_lower_case_headers"} {
		assert.Equal(t, http.StatusNoContent, wireServe(h, wireRequest(t, fixture)).StatusCode)
	}
	require.Len(t, got, 2)
	assert.Equal(t, got[0].RequestHeader, got[1].RequestHeader)
	assert.Equal(t, got[0].UserID, got[1].UserID)
	assert.Equal(t, got[0].Origin, got[1].Origin)
}

func TestUE118BodyLimit(t *testing.T) {
	t.Parallel()
	const limit = 10
	chunked := func(body string) func(*http.Request) {
		return func(r *http.Request) {
			r.Body, r.ContentLength, r.TransferEncoding = io.NopCloser(strings.NewReader(body)), -1, []string{"chunked"}
		}
	}
	tests := []struct {
		name string
		edit func(*http.Request)
		want int
	}{
		{"as long as allowed", wireBody("0123456789"), 200},
		{"one longer", wireBody("0123456789a"), 413},
		{"declared longer is not read", both(wireBody("0123456789a"), unreadableBody(t)), 413},
		{"declared far longer", both(unreadableBody(t), func(r *http.Request) { r.ContentLength = math.MaxInt64 }), 413},
		{"chunked as long as allowed", chunked("0123456789"), 200},
		{"chunked one longer", chunked("0123456789a"), 413},
		{"chunked without end", func(r *http.Request) { r.Body, r.ContentLength = io.NopCloser(endless{}), -1 }, 413},
		{"empty", wireBody(""), 200},
		{"no body", func(r *http.Request) { r.Body, r.ContentLength = http.NoBody, 0 }, 200},
		{"cut short", both(wireBody("012"), func(r *http.Request) { r.ContentLength = 5 }), 400},
		{"already consumed", func(r *http.Request) { _, _ = io.ReadAll(r.Body) }, 400},
		{"replaced by none", func(r *http.Request) { r.Body = http.NoBody }, 400},
		{"nil, though declared", func(r *http.Request) { r.Body = nil }, 400},
		{"broken at once", func(r *http.Request) { r.Body = io.NopCloser(iotest.ErrReader(errors.New("secret detail"))) }, 400},
		{"chunked and broken", func(r *http.Request) {
			r.Body, r.ContentLength = io.NopCloser(iotest.ErrReader(errors.New("secret detail"))), -1
		}, 400},
		{"in single bytes", func(r *http.Request) { r.Body = io.NopCloser(iotest.OneByteReader(r.Body)) }, 200},
		{"with the end in the last read", func(r *http.Request) { r.Body = io.NopCloser(iotest.DataErrReader(strings.NewReader("hello"))) }, 200},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			called := 0
			h := wireHandler(t, webpubsub.Config{MaxBodyBytes: limit, Fallback: func(context.Context, *webpubsub.UserEvent) (webpubsub.Reply, error) {
				called++
				return webpubsub.TextReply("ok"), nil
			}})
			resp := wireServe(h, wireRequest(t, "user_text", tt.edit))
			assert.Equal(t, tt.want, resp.StatusCode)
			if tt.want == 200 {
				assert.Equal(t, 1, called)
				return
			}
			assert.Zero(t, called)
			body := wireText(t, resp)
			assert.NotEmpty(t, body)
			assert.NotContains(t, body, "secret detail")
		})
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

func TestUE118DefaultBodyLimit(t *testing.T) {
	t.Parallel()
	var length int
	h := wireHandler(t, webpubsub.Config{Fallback: func(_ context.Context, ev *webpubsub.UserEvent) (webpubsub.Reply, error) {
		length = len(ev.Data)
		return webpubsub.TextReply("ok"), nil
	}})
	status := func(n int) int {
		return wireServe(h, wireRequest(t, "user_text", wireBody(strings.Repeat("x", n)))).StatusCode
	}
	assert.Equal(t, 200, status(webpubsub.DefaultMaxBodyBytes))
	assert.Equal(t, webpubsub.DefaultMaxBodyBytes, length)
	assert.Equal(t, 413, status(webpubsub.DefaultMaxBodyBytes+1))
	assert.Greater(t, webpubsub.DefaultMaxBodyBytes, 1<<20, "the service's own limit fits")
}

// "No limit" must not come out as "no body".
func TestUE118LargestBodyLimit(t *testing.T) {
	t.Parallel()
	h := wireHandler(t, webpubsub.Config{MaxBodyBytes: math.MaxInt64, Fallback: func(_ context.Context, ev *webpubsub.UserEvent) (webpubsub.Reply, error) {
		return webpubsub.BinaryReply(ev.Data), nil
	}})
	for _, fixture := range []string{"user_text", "user_text_chunked"} {
		assert.Equal(t, "hello", wireText(t, wireServe(h, wireRequest(t, fixture))), fixture)
	}
}

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

// The handler is mounted under any path, with any prefix stripped.
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
