package webpubsub_test

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
)

func TestUE97VerificationIsRequired(t *testing.T) {
	t.Parallel()
	h, err := webpubsub.NewHandler(webpubsub.Config{})
	require.Error(t, err)
	assert.Nil(t, h)
	assert.Contains(t, err.Error(), "ConnectionStrings")
	assert.Contains(t, err.Error(), "Verifier")
}

func TestConfigErrorsNameFieldAndValue(t *testing.T) {
	t.Parallel()
	const secret = "c2VjcmV0LWtleS10ZXh0Cg" // what no error may contain
	const endpoint = "Endpoint=https://a.webpubsub.azure.com;"
	good := endpoint + "AccessKey=" + secret
	reply := replyText("ok")
	pass := verifierFunc(func(*http.Request) error { return nil })
	var nilKeys *webpubsub.AccessKeys
	tests := []struct {
		name string
		cfg  webpubsub.Config
		want []string
	}{
		{"empty config", webpubsub.Config{}, []string{"ConnectionStrings", "Verifier"}},
		{"no connection string in the list", webpubsub.Config{ConnectionStrings: []string{}}, []string{"ConnectionStrings"}},
		{"origins alone", webpubsub.Config{AllowedOrigins: []string{"*"}}, []string{"ConnectionStrings", "Verifier"}},
		{"nil AccessKeys", webpubsub.Config{Verifier: nilKeys}, []string{"Verifier"}},
		{"nil AccessKeys with origins", webpubsub.Config{Verifier: nilKeys, AllowedOrigins: []string{"*"}}, []string{"Verifier"}},
		{"nil AccessKeys beside connection string", webpubsub.Config{Verifier: nilKeys, ConnectionStrings: []string{good}}, []string{"Verifier"}},
		{"nil InsecureSkipVerify", webpubsub.Config{Verifier: (*webpubsub.InsecureSkipVerify)(nil), AllowedOrigins: []string{"*"}}, []string{"Verifier"}},
		{"nil function as verifier", webpubsub.Config{Verifier: verifierFunc(nil), AllowedOrigins: []string{"*"}}, []string{"Verifier"}},
		{"empty connection string", webpubsub.Config{ConnectionStrings: []string{""}}, []string{"ConnectionStrings", "[0]", "is empty"}},
		{"second connection string empty", webpubsub.Config{ConnectionStrings: []string{good, ""}}, []string{"ConnectionStrings", "[1]", "is empty"}},
		{"key alone", webpubsub.Config{ConnectionStrings: []string{secret}}, []string{"ConnectionStrings", "[0]"}},
		{"key with its padding alone", webpubsub.Config{ConnectionStrings: []string{secret + "=="}}, []string{"ConnectionStrings", "[0]", "Endpoint"}},
		{"no access key", webpubsub.Config{ConnectionStrings: []string{endpoint}}, []string{"ConnectionStrings", "[0]", "AccessKey", "a.webpubsub.azure.com"}},
		{"empty access key", webpubsub.Config{ConnectionStrings: []string{endpoint + "AccessKey=;"}}, []string{"ConnectionStrings", "accesskey"}},
		{"blank access key", webpubsub.Config{ConnectionStrings: []string{endpoint + "AccessKey= \t;"}}, []string{"ConnectionStrings", "accesskey"}},
		{"two access keys", webpubsub.Config{ConnectionStrings: []string{good + ";accesskey=" + secret}}, []string{"ConnectionStrings", "accesskey", "twice"}},
		{"two endpoints", webpubsub.Config{ConnectionStrings: []string{good + ";" + endpoint}}, []string{"ConnectionStrings", "endpoint", "twice"}},
		{"endpoint with another scheme", webpubsub.Config{ConnectionStrings: []string{"Endpoint=ftp://a;AccessKey=" + secret}}, []string{"ConnectionStrings", "ftp"}},
		{"endpoint without host", webpubsub.Config{ConnectionStrings: []string{"Endpoint=https://;AccessKey=" + secret}}, []string{"ConnectionStrings", "host"}},
		{"endpoint with user information", webpubsub.Config{ConnectionStrings: []string{"Endpoint=https://u:" + secret + "@a;AccessKey=" + secret}}, []string{"ConnectionStrings", "user information"}},
		{"endpoint with query", webpubsub.Config{ConnectionStrings: []string{"Endpoint=https://a?k=" + secret + ";AccessKey=" + secret}}, []string{"ConnectionStrings", "query"}},
		{"key for port", webpubsub.Config{ConnectionStrings: []string{"Endpoint=https://a:" + secret + ";AccessKey=" + secret}}, []string{"ConnectionStrings", "endpoint"}},
		{"key for endpoint", webpubsub.Config{ConnectionStrings: []string{"Endpoint=" + secret + "==;AccessKey=" + secret}}, []string{"ConnectionStrings", "host"}},
		{"wrong port", webpubsub.Config{ConnectionStrings: []string{good + ";Port=65536"}}, []string{"ConnectionStrings", "Port", "65535"}},
		{"segment without =", webpubsub.Config{ConnectionStrings: []string{"Endpoint;" + good}}, []string{"ConnectionStrings[0]", "part 1 has no =", "az webpubsub key show"}},
		{"insecure beside connection string", webpubsub.Config{ConnectionStrings: []string{good}, Verifier: webpubsub.InsecureSkipVerify{}}, []string{"ConnectionStrings", "InsecureSkipVerify"}},
		{"pointer to insecure beside connection string", webpubsub.Config{ConnectionStrings: []string{good}, Verifier: &webpubsub.InsecureSkipVerify{}}, []string{"ConnectionStrings", "InsecureSkipVerify"}},
		{"verifier without origins", webpubsub.Config{Verifier: pass}, []string{"AllowedOrigins", "Verifier"}},
		{"origin empty", webpubsub.Config{ConnectionStrings: []string{good}, AllowedOrigins: []string{"a.com", ""}}, []string{"AllowedOrigins", "origin 1", `""`}},
		{"origin pattern", webpubsub.Config{ConnectionStrings: []string{good}, AllowedOrigins: []string{"*.azure.com"}}, []string{"AllowedOrigins", "origin 0", "*.azure.com"}},
		{"origin list", webpubsub.Config{ConnectionStrings: []string{good}, AllowedOrigins: []string{"a.com,b.com"}}, []string{"AllowedOrigins", "origin 0", "a.com,b.com"}},
		{"origin a connection string", webpubsub.Config{ConnectionStrings: []string{good}, AllowedOrigins: []string{good}}, []string{"AllowedOrigins", "origin 0"}},
		{"origin a key", webpubsub.Config{ConnectionStrings: []string{good}, AllowedOrigins: []string{"AccessKey=" + secret}}, []string{"AllowedOrigins", "origin 0"}},
		{"origins without a key", webpubsub.Config{ConnectionStrings: []string{good}, AllowedOrigins: []string{"B.com", "https://c.com"}}, []string{"AllowedOrigins", `["b.com" "c.com"]`, "ConnectionStrings (a.webpubsub.azure.com)"}},
		{"origins without a key, beside a verifier", webpubsub.Config{ConnectionStrings: []string{good}, Verifier: pass, AllowedOrigins: []string{"b.com"}}, []string{"AllowedOrigins", `"b.com"`, "ConnectionStrings"}},
		{"hub with space", webpubsub.Config{ConnectionStrings: []string{good}, Hub: "my hub!"}, []string{"Hub", `"my hub!"`, "want a letter, then at most 127", "no space"}},
		{"hub blank", webpubsub.Config{ConnectionStrings: []string{good}, Hub: " "}, []string{"Hub", `" "`, "want a letter"}},
		{"hub a connection string", webpubsub.Config{ConnectionStrings: []string{good}, Hub: good}, []string{"Hub", "connection string", "want a letter"}},
		{"negative body limit", webpubsub.Config{ConnectionStrings: []string{good}, MaxBodyBytes: -1}, []string{"MaxBodyBytes", "-1"}},
		{"negative timeout", webpubsub.Config{ConnectionStrings: []string{good}, HandlerTimeout: -time.Second}, []string{"HandlerTimeout", "-1s"}},
		{"nil interceptor", webpubsub.Config{ConnectionStrings: []string{good}, Interceptors: []webpubsub.Interceptor{mustNotRun(t), nil}}, []string{"Interceptors[1]"}},
		{"event without name", webpubsub.Config{ConnectionStrings: []string{good}, UserEvents: map[string]webpubsub.UserEventFunc{"": reply}}, []string{"UserEvents", "empty name"}},
		{"nil event", webpubsub.Config{ConnectionStrings: []string{good}, UserEvents: map[string]webpubsub.UserEventFunc{"say": nil}}, []string{"UserEvents", `"say"`}},
		{"nil event among good ones", webpubsub.Config{ConnectionStrings: []string{good}, UserEvents: map[string]webpubsub.UserEventFunc{"SAY": reply, "say": nil}}, []string{"UserEvents", `"say"`}},
		{"nil JSON function", webpubsub.Config{ConnectionStrings: []string{good}, UserEvents: map[string]webpubsub.UserEventFunc{
			"say": webpubsub.JSON[any, any](nil),
		}}, []string{"UserEvents", `"say"`}},
		{"nil Text function", webpubsub.Config{ConnectionStrings: []string{good}, UserEvents: map[string]webpubsub.UserEventFunc{
			"say": webpubsub.Text[string](nil), "ask": webpubsub.Text[webpubsub.Reply](nil),
		}}, []string{"UserEvents", `"ask"`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h, err := webpubsub.NewHandler(tt.cfg)
			require.Error(t, err)
			assert.Nil(t, h, "no half-made handler beside the error")
			text := err.Error()
			assert.True(t, strings.HasPrefix(text, "webpubsub: config: "), text)
			assert.Equal(t, 1, strings.Count(text, "webpubsub: config"), "the prefix stands once: %s", text)
			for _, part := range tt.want {
				assert.Contains(t, text, part)
			}
			assert.NotContains(t, strings.ToLower(text), strings.ToLower(secret))
		})
	}
}

func TestValidConfigs(t *testing.T) {
	t.Parallel()
	pass := verifierFunc(func(*http.Request) error { return nil })
	keys, err := webpubsub.NewAccessKeys(wireConnectionString)
	require.NoError(t, err)
	tests := []struct {
		name   string
		cfg    webpubsub.Config
		status int    // of a signed event
		origin string // what a validation request is answered
	}{
		{"connection string", webpubsub.Config{ConnectionStrings: []string{wireConnectionString}}, 204, wireOrigin},
		{"connection string without scheme and in odd spelling", webpubsub.Config{ConnectionStrings: []string{" accesskey = " + wireKey + " ;; ENDPOINT=Contoso.WebPubSub.Azure.com/ ;x=y"}}, 204, wireOrigin},
		{"connection string with port", webpubsub.Config{ConnectionStrings: []string{wireConnectionString + "Port=8080"}}, 204, wireOrigin},
		{"access keys", webpubsub.Config{Verifier: keys}, 204, wireOrigin},
		{"access keys with narrower origins", webpubsub.Config{Verifier: keys, AllowedOrigins: []string{"b.com"}}, 401, refusedOrigin},
		{"access keys with any origin", webpubsub.Config{Verifier: keys, AllowedOrigins: []string{"*"}}, 204, "*"},
		{"nobody", webpubsub.Config{ConnectionStrings: []string{wireConnectionString}, AllowedOrigins: []string{}}, 401, refusedOrigin},
		{"connection string and any origin", webpubsub.Config{ConnectionStrings: []string{wireConnectionString}, AllowedOrigins: []string{"*"}}, 204, "*"},
		{"connection string and more origins", webpubsub.Config{ConnectionStrings: []string{wireConnectionString}, AllowedOrigins: []string{"b.com", strings.ToUpper(wireOrigin)}}, 204, wireOrigin},
		{"origins for one of two connection strings", webpubsub.Config{ConnectionStrings: []string{wireConnectionString, "Endpoint=https://b.com;AccessKey=" + wireKey}, AllowedOrigins: []string{"b.com"}}, 401, refusedOrigin},
		{"own verifier", webpubsub.Config{Verifier: pass, AllowedOrigins: []string{wireOrigin}}, 204, wireOrigin},
		{"own verifier, other origins", webpubsub.Config{Verifier: pass, AllowedOrigins: []string{"b.com"}}, 401, refusedOrigin},
		{"own verifier, nobody", webpubsub.Config{Verifier: pass, AllowedOrigins: []string{}}, 401, refusedOrigin},
		{"insecure", webpubsub.Config{Verifier: webpubsub.InsecureSkipVerify{}}, 204, "*"},
		{"insecure by pointer", webpubsub.Config{Verifier: &webpubsub.InsecureSkipVerify{}}, 204, "*"},
		{"insecure, other origins", webpubsub.Config{Verifier: webpubsub.InsecureSkipVerify{}, AllowedOrigins: []string{"b.com"}}, 401, refusedOrigin},
		{"both accept", webpubsub.Config{ConnectionStrings: []string{wireConnectionString}, Verifier: pass}, 204, wireOrigin},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.cfg.Logger = slog.New(slog.DiscardHandler)
			h, err := webpubsub.NewHandler(tt.cfg)
			require.NoError(t, err)
			assert.Equal(t, tt.status, wireServe(h, wireRequest(t, "connected")).StatusCode)
			assertConsent(t, wireServe(h, validation(t)), tt.origin)
		})
	}
}

// Later changes of the caller's slices and maps have no effect.
func TestConfigIsCopied(t *testing.T) {
	t.Parallel()
	ran := 0
	cfg := webpubsub.Config{
		ConnectionStrings: []string{wireConnectionString},
		AllowedOrigins:    []string{wireOrigin},
		UserEvents:        map[string]webpubsub.UserEventFunc{"message": replyText("ok")},
		Interceptors: []webpubsub.Interceptor{func(ctx context.Context, _ webpubsub.Event, next func(context.Context) error) error {
			ran++
			return next(ctx)
		}},
	}
	h, err := webpubsub.NewHandler(cfg)
	require.NoError(t, err)
	cfg.ConnectionStrings[0], cfg.AllowedOrigins[0], cfg.Interceptors[0] = "", "evil.com", nil
	cfg.UserEvents["message"] = replyText("of the caller")
	assert.Equal(t, "ok", wireText(t, wireServe(h, wireRequest(t, "user_text"))))
	assertConsent(t, wireServe(h, validation(t, setOrigin("evil.com"))), refusedOrigin)
	assert.Equal(t, 1, ran)
}

func TestUserEventNames(t *testing.T) {
	t.Parallel()
	h := wireHandler(t, webpubsub.Config{
		UserEvents: map[string]webpubsub.UserEventFunc{
			"room.Message": replyText("exact"), "say": replyText("say"), "Ask": replyText("Ask"), "aSK": replyText("aSK"),
		},
		Fallback: replyText("fallback"),
	})
	for name, want := range map[string]string{
		"room.Message": "exact", "ROOM.message": "exact", "SAY": "say", "Ask": "Ask", "aSK": "aSK",
		"ASK": "fallback", "room": "fallback", "say ": "fallback",
	} {
		resp := wireServe(h, wireRequest(t, "user_text", wireHeader("ce-eventName", name)))
		assert.Equal(t, want, wireText(t, resp), name)
	}
}
