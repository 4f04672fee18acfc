package webpubsub_test

import (
	"context"
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
)

func TestMiddlewareLimitIs413(t *testing.T) {
	t.Parallel()
	h := http.MaxBytesHandler(wireHandler(t, webpubsub.Config{Fallback: replyText("ok")}), 2)
	for _, fixture := range []string{"user_text", "user_text_chunked"} {
		resp := wireServe(h, wireRequest(t, fixture))
		assert.Equal(t, http.StatusRequestEntityTooLarge, resp.StatusCode, fixture)
		assert.Equal(t, "request body is longer than the 2 bytes that a middleware lets through", wireText(t, resp), fixture)
	}
}

func TestPanicOfAVerifierRefuses(t *testing.T) {
	t.Parallel()
	out, logger := debugLog()
	h := wireHandler(t, webpubsub.Config{
		Verifier:       verifierFunc(func(*http.Request) error { panic("of a verifier") }),
		AllowedOrigins: []string{"*"},
		Fallback:       replyText("ok"),
		Logger:         logger,
	})
	resp := wireServe(h, wireRequest(t, "user_text", unreadableBody(t)))
	assert.Equal(t, http.StatusInternalServerError, resp.StatusCode)
	assert.Equal(t, "Internal Server Error", wireText(t, resp))
	records := logged(t, out)
	require.Len(t, records, 1)
	assert.Equal(t, "ERROR", records[0]["level"])
	assert.Contains(t, records[0]["stack"], "TestPanicOfAVerifierRefuses")

	aborts := wireHandler(t, webpubsub.Config{
		Verifier:       verifierFunc(func(*http.Request) error { panic(http.ErrAbortHandler) }),
		AllowedOrigins: []string{"*"},
	})
	assert.PanicsWithValue(t, http.ErrAbortHandler, func() { wireServe(aborts, wireRequest(t, "user_text")) })
}

func TestHangUpOfTheServiceIsNoError(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		hangUp bool
		level  string
	}{
		"the service hung up":          {true, "DEBUG"},
		"the function's own canceling": {false, "ERROR"},
	} {
		out, logger := debugLog()
		ctx, cancel := context.WithCancel(t.Context())
		t.Cleanup(cancel)
		h := wireHandler(t, webpubsub.Config{Logger: logger, Fallback: func(context.Context, *webpubsub.UserEvent) (webpubsub.Reply, error) {
			if tc.hangUp {
				cancel()
			}
			return webpubsub.Reply{}, context.Canceled
		}})
		resp := wireServe(h, wireRequest(t, "user_text").WithContext(ctx))
		assert.Equal(t, http.StatusInternalServerError, resp.StatusCode, name)
		records := logged(t, out)
		require.Len(t, records, 1, name)
		assert.Equal(t, tc.level, records[0]["level"], name)
	}
}

func TestBrokenMQTTConnectGetsAnMQTTAnswer(t *testing.T) {
	t.Parallel()
	h := wireHandler(t, webpubsub.Config{Interceptors: []webpubsub.Interceptor{mustNotRun(t)}})
	for body, want := range map[string]string{
		`nope`: `{"mqtt":{"code":1}}`, // nothing is known of the client's version
		`{"mqtt":{"protocolVersion":5,"password":"*"}}`: `{"mqtt":{"code":1}}`,
	} {
		resp := wireServe(h, wireRequest(t, "mqtt_connect_v5", wireBody(body)))
		assert.Equal(t, http.StatusBadRequest, resp.StatusCode, body)
		assert.Equal(t, "application/json; charset=utf-8", resp.Header.Get("Content-Type"), body)
		assert.JSONEq(t, want, wireText(t, resp), body)
	}
}

func TestErrorWithCause(t *testing.T) {
	t.Parallel()
	plain := webpubsub.Unavailable("try again")
	caused := plain.WithCause(io.ErrUnexpectedEOF)
	require.ErrorIs(t, caused, io.ErrUnexpectedEOF)
	assert.NotErrorIs(t, plain, io.ErrUnexpectedEOF, "the original stays as it was")
	var chosen *webpubsub.Error
	require.ErrorAs(t, caused, &chosen)
	assert.Equal(t, "try again", chosen.Message)
	assert.Equal(t, http.StatusServiceUnavailable, webpubsub.StatusOf(caused))
}

func TestDecodeJSONTellsWhoseMistakeItIs(t *testing.T) {
	t.Parallel()
	type said struct {
		Text string `json:"text"`
	}
	for name, tc := range map[string]struct {
		into any
		body string
		want int
	}{
		"right":                   {new(said), `{"text":"ä"}`, http.StatusNoContent},
		"payload that is no JSON": {new(said), `{`, http.StatusBadRequest},
		"payload not UTF-8":       {new(said), "{\"text\":\"\xff\"}", http.StatusBadRequest},
		"no pointer":              {said{}, `{"text":"ä"}`, http.StatusInternalServerError},
		"nil":                     {nil, `{"text":"ä"}`, http.StatusInternalServerError},
		"nil pointer":             {(*said)(nil), `{"text":"ä"}`, http.StatusInternalServerError},
	} {
		h := wireHandler(t, webpubsub.Config{Fallback: func(_ context.Context, ev *webpubsub.UserEvent) (webpubsub.Reply, error) {
			return webpubsub.Reply{}, ev.DecodeJSON(tc.into)
		}})
		resp := wireServe(h, wireRequest(t, "user_json", wireBody(tc.body)))
		assert.Equal(t, tc.want, resp.StatusCode, name)
	}
}
