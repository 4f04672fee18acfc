package webpubsub_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
)

// refusing returns a config whose function for user events returns err.
func refusing(err error) webpubsub.Config {
	return webpubsub.Config{Fallback: func(context.Context, *webpubsub.UserEvent) (webpubsub.Reply, error) {
		return webpubsub.TextReply("private reply"), err
	}}
}

func TestJSONRefusal(t *testing.T) {
	t.Parallel()
	conflict := webpubsub.Conflict("the price is already 12").WithCause(errors.New("secret"))
	const told = `{"error":{"status":409,"message":"the price is already 12"}}`
	for _, tc := range []struct {
		name, fixture string
		err           error
		status        int
		body, level   string
	}{
		{"refusal", "user_json", conflict, 200, told, "INFO"},
		{"wrapped refusal", "user_text", fmt.Errorf("secret: %w", conflict), 200, told, "INFO"},
		{"forbidden", "user_json", webpubsub.Forbidden("no"), 200, `{"error":{"status":403,"message":"no"}}`, "WARN"},
		{"without a message", "user_json", &webpubsub.Error{Status: 410}, 200, `{"error":{"status":410,"message":"Gone"}}`, "INFO"},
		{"payload that does not decode", "user_json", &webpubsub.DecodeError{What: "JSON payload", Err: errors.New("secret")}, 200, `{"error":{"status":400,"message":"JSON payload cannot be decoded"}}`, "INFO"},
		{"payload that is not valid", "user_json", &webpubsub.ValidationError{Fields: []webpubsub.FieldError{{Field: "room", Rule: "max", Param: "64"}}, Err: errors.New("secret")}, 200, `{"error":{"status":400,"message":"payload is not valid: room: max=64"}}`, "INFO"},
		{"delivered again: 503", "user_json", webpubsub.Unavailable("soon"), 503, "soon", "ERROR"},
		{"delivered again: 408", "user_json", &webpubsub.Error{Status: 408, Message: "slow"}, 408, "slow", "INFO"},
		{"status out of range", "user_json", &webpubsub.Error{Status: 200, Message: "x"}, 500, "x", "ERROR"},
		{"MQTT", "mqtt_publish", conflict, 409, "the price is already 12", "INFO"},
		{"other error", "user_json", errors.New("secret"), 500, "Internal Server Error", "ERROR"},
		{"deadline", "user_json", context.DeadlineExceeded, 504, "Gateway Timeout", "ERROR"},
		{"panic around a refusal", "user_json", &webpubsub.PanicError{Value: conflict}, 500, "Internal Server Error", "ERROR"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			log, logger := debugLog()
			cfg := refusing(tc.err)
			cfg.RefusalReply, cfg.Logger = webpubsub.JSONRefusal, logger
			resp := wireServe(wireHandler(t, cfg), wireRequest(t, tc.fixture))
			assert.Equal(t, tc.status, resp.StatusCode)
			if tc.status == http.StatusOK {
				assert.Equal(t, "application/json; charset=utf-8", resp.Header.Get("Content-Type"))
			}
			assert.Equal(t, tc.body, wireText(t, resp))
			records := logged(t, log)
			require.Len(t, records, 1)
			assert.Equal(t, tc.level, records[0]["level"])
			assert.EqualValues(t, webpubsub.StatusOf(tc.err), records[0]["status"], "the refusal's, not the answer's")
			assert.NotEmpty(t, records[0]["error"])
		})
	}
}

func TestCustomRefusalReply(t *testing.T) {
	t.Parallel()
	taken := webpubsub.Conflict("taken")
	cfg := refusing(fmt.Errorf("bid: %w", taken))
	cfg.Interceptors = []webpubsub.Interceptor{func(ctx context.Context, _ webpubsub.Event, next func(context.Context) error) error {
		err := next(ctx)
		assert.Equal(t, http.StatusConflict, webpubsub.StatusOf(err), "interceptors see the refusal")
		return err
	}}
	cfg.RefusalReply = func(_ context.Context, ev *webpubsub.UserEvent, err *webpubsub.Error) (webpubsub.Reply, bool) {
		assert.Same(t, taken, err)
		assert.Equal(t, wireConnectionID, ev.ConnectionID)
		reply := webpubsub.TextReply("sorry: " + err.Message)
		reply.State, reply.Metadata = webpubsub.RawState("s"), map[string]string{"m": "v"}
		return reply, true
	}
	resp := wireServe(wireHandler(t, cfg), wireRequest(t, "user_text"))
	assert.Equal(t, http.StatusOK, resp.StatusCode)
	assert.Equal(t, "sorry: taken", wireText(t, resp))
	assert.Equal(t, "s", resp.Header.Get("ce-connectionState"))
	assert.Equal(t, "v", resp.Header.Get("X-WebPubSub-Metadata-m"))
}

func TestRefusalReplyOfPayloadErrors(t *testing.T) {
	t.Parallel()
	invalid := &webpubsub.ValidationError{Err: errors.New("secret")}
	for name, tc := range map[string]struct {
		err    error
		edit   func(*http.Request)
		status int
		cause  error
	}{
		"validation": {fmt.Errorf("secret: %w", invalid), func(*http.Request) {}, 400, invalid},
		"too long":   {nil, func(r *http.Request) { r.ContentLength = 1 << 40 }, 413, nil},
	} {
		cfg := refusing(tc.err)
		called := false
		cfg.RefusalReply = func(_ context.Context, _ *webpubsub.UserEvent, err *webpubsub.Error) (webpubsub.Reply, bool) {
			called = true
			assert.Equal(t, tc.status, err.Status, name)
			assert.NotContains(t, err.Message, "secret", name)
			if tc.cause != nil {
				require.ErrorIs(t, err, tc.cause, name)
			}
			return webpubsub.Reply{}, false
		}
		resp := wireServe(wireHandler(t, cfg), wireRequest(t, "user_text", tc.edit))
		assert.Equal(t, tc.status, resp.StatusCode, "%s: false leaves the refusal as it is", name)
		assert.True(t, called, name)
	}
}

// An invalid reply to a refusal changes neither the refusal nor whether the service
// delivers the event again.
func TestInvalidRefusalReply(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		reply func() webpubsub.Reply
		want  string
	}{
		"panic":               {func() webpubsub.Reply { panic("boom") }, "panic: boom"},
		"not encodable":       {func() webpubsub.Reply { return webpubsub.JSONReply(func() {}) }, "reply: encode JSON: json: unsupported type: func()"},
		"unknown media type":  {func() webpubsub.Reply { return webpubsub.DataReply("text/html", nil) }, `reply: content type "text/html" is not one that the service accepts: text/plain, application/json, application/octet-stream, application/x-protobuf`},
		"state not printable": {func() webpubsub.Reply { return webpubsub.Reply{State: webpubsub.RawState("\n")} }, "reply: connection state is not printable ASCII without leading or trailing space"},
	} {
		log, logger := debugLog()
		cfg := refusing(webpubsub.Conflict("taken"))
		cfg.Logger = logger
		cfg.RefusalReply = func(context.Context, *webpubsub.UserEvent, *webpubsub.Error) (webpubsub.Reply, bool) {
			return tc.reply(), true
		}
		resp := wireServe(wireHandler(t, cfg), wireRequest(t, "user_text"))
		assert.Equal(t, http.StatusConflict, resp.StatusCode, name)
		assertNothingOfTheReply(t, resp)
		records := logged(t, log)
		require.Len(t, records, 2, name)
		assert.Equal(t, "ERROR", records[0]["level"], name)
		assert.Equal(t, "webpubsub: RefusalReply failed; the refusal is answered without it", records[0]["msg"], name)
		assert.Equal(t, tc.want, records[0]["error"], name)
		assert.Equal(t, "409 Conflict: taken", records[1]["error"], name)
	}
}

// RefusalReply is called for user events only.
func TestRefusalReplyForUserEventsOnly(t *testing.T) {
	t.Parallel()
	for fixture := range eventKinds {
		if fixture == "user_text" || fixture == "mqtt_publish" {
			continue
		}
		cfg := returning(func(context.Context) error { return webpubsub.Conflict("taken") })
		cfg.RefusalReply = func(context.Context, *webpubsub.UserEvent, *webpubsub.Error) (webpubsub.Reply, bool) {
			t.Error(fixture)
			return webpubsub.Reply{}, true
		}
		resp := wireServe(wireHandler(t, cfg), wireRequest(t, fixture))
		assert.Equal(t, http.StatusConflict, resp.StatusCode, fixture)
	}
}

func TestBrokenMQTTConnectGetsAnMQTTAnswer(t *testing.T) {
	t.Parallel()
	h := wireHandler(t, webpubsub.Config{Interceptors: []webpubsub.Interceptor{mustNotRun(t)}})
	for body, want := range map[string]string{
		`nope`: `{"mqtt":{"code":1}}`, // the client's version is unknown
		`{"mqtt":{"protocolVersion":5,"password":"*"}}`: `{"mqtt":{"code":1}}`,
	} {
		resp := wireServe(h, wireRequest(t, "mqtt_connect_v5", wireBody(body)))
		assert.Equal(t, http.StatusBadRequest, resp.StatusCode, body)
		assert.Equal(t, "application/json; charset=utf-8", resp.Header.Get("Content-Type"), body)
		assert.JSONEq(t, want, wireText(t, resp), body)
	}
}
