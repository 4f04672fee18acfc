package webpubsub_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
)

// logged gives the records of a log of JSON lines.
func logged(t *testing.T, log *bytes.Buffer) []map[string]any {
	t.Helper()
	var records []map[string]any
	for line := range bytes.Lines(log.Bytes()) {
		var record map[string]any
		require.NoError(t, json.Unmarshal(line, &record))
		delete(record, "time")
		records = append(records, record)
	}
	return records
}

func debugLog() (*bytes.Buffer, *slog.Logger) {
	var log bytes.Buffer
	return &log, slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

func TestLogHasOneRecordForAnEventThatFails(t *testing.T) {
	t.Parallel()
	fail := func(status int) error { return &webpubsub.Error{Status: status, Err: errors.New("cause")} }
	keep := func(*http.Request) {}
	tests := []struct {
		name  string
		edit  func(*http.Request)
		err   error
		level string // empty: no record
		want  int
		cause string // the attribute error
	}{
		{"success", keep, nil, "", 200, ""},
		{"forbidden", keep, fail(403), "WARN", 403, "403 Forbidden: cause"},
		{"unauthorized", keep, fail(401), "WARN", 401, "401 Unauthorized: cause"},
		{"conflict", keep, fail(409), "INFO", 409, "409 Conflict: cause"},
		{"too many", keep, fail(429), "DEBUG", 429, "429 Too Many Requests: cause"},
		{"unavailable", keep, fail(503), "ERROR", 503, "503 Service Unavailable: cause"},
		{"status out of range", keep, fail(200), "ERROR", 500, "500 Internal Server Error: cause"},
		{"any error", keep, errors.New("cause"), "ERROR", 500, "cause"},
		{"deadline", keep, context.DeadlineExceeded, "ERROR", 504, "context deadline exceeded"},
		{"wrong signature", signed("sha256=" + strings.Repeat("0", 64)), nil, "WARN", 401, "no signature matches"},
		{"no signature", signed(), nil, "WARN", 401, "header ce-signature has no sha256 token: no signature matches"},
		{"unknown origin", setOrigin("evil.com"), nil, "WARN", 401, "origin is not allowed"},
		{"unknown type", setType("azure.webpubsub.sys.foo"), nil, "ERROR", 501, ""},
		{"unknown presence event", setType("azure.webpubsub.gp.foo"), nil, "WARN", 204, ""},
		{"method", setMethod(http.MethodPut), nil, "DEBUG", 405, ""},
		{"foreign", wireHeader("ce-awpsversion"), nil, "DEBUG", 404, ""},
		{"malformed", wireHeader("ce-specversion", "2"), nil, "DEBUG", 400, ""},
		{"media type", wireHeader("Content-Type", "text/html"), nil, "DEBUG", 415, ""},
		{"too long", func(r *http.Request) { r.ContentLength = 1 << 40 }, nil, "INFO", 413, "413 Request Entity Too Large: request body is longer than 1114112 bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			log, logger := debugLog()
			h := wireHandler(t, webpubsub.Config{Logger: logger, Fallback: func(context.Context, *webpubsub.UserEvent) (webpubsub.Reply, error) {
				return webpubsub.TextReply("ok"), tt.err
			}})
			assert.Equal(t, tt.want, wireServe(h, wireRequest(t, "user_text", tt.edit)).StatusCode)
			records := logged(t, log)
			if tt.level == "" {
				assert.Empty(t, records)
				return
			}
			require.Len(t, records, 1)
			assert.True(t, strings.HasPrefix(records[0]["msg"].(string), "webpubsub: "), records[0]["msg"])
			delete(records[0], "msg")
			want := map[string]any{
				"level": tt.level, "hub": wireHub, "connection_id": wireConnectionID,
				"event": "message", "event_id": "2", "status": float64(tt.want),
			}
			if tt.cause != "" {
				want["error"] = tt.cause
			}
			assert.Equal(t, want, records[0])
		})
	}
}

func TestLogOfEventWithoutFunction(t *testing.T) {
	t.Parallel()
	log, logger := debugLog()
	h := wireHandler(t, webpubsub.Config{Logger: logger})
	assert.Equal(t, http.StatusNoContent, wireServe(h, wireRequest(t, "user_text")).StatusCode)
	records := logged(t, log)
	require.Len(t, records, 1)
	assert.Equal(t, "DEBUG", records[0]["level"])
	assert.Equal(t, "message", records[0]["event"])
}

func TestUE119LogHasTheStackOfAPanic(t *testing.T) {
	t.Parallel()
	for fixture := range eventKinds {
		log, logger := debugLog()
		cfg := returning(func(context.Context) error { panic("boom") })
		cfg.Logger = logger
		wireServe(wireHandler(t, cfg), wireRequest(t, fixture))
		records := logged(t, log)
		require.Len(t, records, 1, fixture)
		assert.Equal(t, "ERROR", records[0]["level"])
		assert.Equal(t, "panic: boom", records[0]["error"])
		assert.Contains(t, records[0]["stack"], "log_test.go")
	}
}

// What a stranger sends is cut before it is logged or sent back.
func TestLogAndAnswersAreBounded(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("ä", 100_000)
	for name, edit := range map[string]func(*http.Request){
		"hub": wireHeader("ce-hub", long), "type": setType(long), "system type": setType("azure.webpubsub.sys." + long),
		"origin": setOrigin(long), "id": both(wireHeader("ce-id", long), signed()), "specversion": wireHeader("ce-specversion", long),
		"time": wireHeader("ce-time", long), "content type": wireHeader("Content-Type", long), "name": both(wireHeader("ce-eventName", long), signed()),
		"connection id": wireHeader("ce-connectionId", long), "validation": both(setMethod("OPTIONS"), setOrigin(long)), "method": setMethod(long),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			log, logger := debugLog()
			h := wireHandler(t, webpubsub.Config{Logger: logger, Fallback: replyText("ok")})
			body := wireText(t, wireServe(h, wireRequest(t, "user_text", edit)))
			assert.Less(t, len(body), 1000)
			assert.Less(t, log.Len(), 2000)
		})
	}
}

// Every fixture and a set of faults, with secrets in all places where clients
// and the service put them: none may come out in a log or an answer.
func TestNoSecretInLogsAndAnswers(t *testing.T) {
	t.Parallel()
	const number, text = "918273645546372819", "s3cr3t-t3xt"
	hidden := []string{wireKey, wireSecondaryKey, number, text, webpubsub.Sign(wireKey, wireConnectionID)[7:]}
	spiked := both(
		wireHeader("Authorization", "Bearer "+text), wireHeader("Cookie", text), wireHeader("ce-connectionState", text),
		wireHeader("X-WebPubSub-Metadata-token", text), wireHeader("mqtt-token", text), wireHeader("ce-userId", text),
	)
	claims := `"claims":{"sub":["` + text + `"]},"query":{"access_token":["` + text + `"]},"headers":{"Authorization":["` + text + `"]}`
	bodies := map[string]string{
		"text":                         text,
		"cut short":                    `{` + claims,
		"claim a number":               `{"claims":{"pin":` + number + `}}`,
		"claims a text":                `{` + claims + `,"claims":"` + text + `"}`,
		"member with secret":           `{"` + text + `":` + number + `,"claims":{"` + text + `":{}}}`,
		"password":                     `{` + claims + `,"mqtt":{"protocolVersion":5,"password":"` + text + `"}}`,
		"version a secret":             `{` + claims + `,"mqtt":{"protocolVersion":` + number + number + `}}`,
		"user property":                `{` + claims + `,"mqtt":{"userProperties":` + number + `}}`,
		"good connect":                 `{` + claims + `}`,
		"pin too large":                `{"pin":` + number + `}`,
		"pin a text":                   `{"pin":"` + text + `"}`,
		"day":                          `{"day":"` + text + `"}`,
		"count":                        `{"count":{"` + text + `":1}}`,
		"invalid":                      `{"name":"` + text + `","pin":1}`,
		"invalid inside":               `{"name":"x","items":{"` + text + `":{}}}`,
		"invalid inside with brackets": `{"name":"x","items":{"a[0].` + text + `].b[1":{}}}`,
		"reason a number":              `{"reason":` + number + `}`,
		"group a number":               `{"group":` + number + `}`,
		"list":                         `[` + number + `,"` + text + `"]`,
	}
	for _, fixture := range wireNames(t) {
		t.Run(fixture, func(t *testing.T) {
			t.Parallel()
			for name, body := range bodies {
				for _, fault := range []func(*http.Request){spiked, both(spiked, signed(webpubsub.Sign(wireKey, "other"))), both(spiked, setType("azure.webpubsub.sys.x"))} {
					log, logger := debugLog()
					h := wireHandler(t, secretive(logger))
					resp := wireServe(h, wireRequest(t, fixture, wireBody(body), fault))
					out := log.String() + fmt.Sprint(resp.Header)
					if resp.StatusCode >= 500 || resp.StatusCode == http.StatusUnauthorized {
						out += wireText(t, resp)
					}
					for _, s := range hidden {
						assert.NotContains(t, out, s, "body %s, status %d", name, resp.StatusCode)
					}
				}
			}
		})
	}
}

// secretive is a config whose functions decode what they get and fail, as user
// code does.
func secretive(logger *slog.Logger) webpubsub.Config {
	type item struct {
		ID int `json:"id" validate:"min=1"`
	}
	type payload struct {
		Name  string          `json:"name" validate:"max=3"`
		Pin   int8            `json:"pin"`
		Count map[int]int     `json:"count"`
		Day   quotingDay      `json:"day"`
		Items map[string]item `json:"items" validate:"dive"`
	}
	var state webpubsub.State[payload]
	return webpubsub.Config{
		Logger: logger,
		OnConnect: func(_ context.Context, ev *webpubsub.ConnectEvent) (*webpubsub.ConnectReply, error) {
			return nil, fmt.Errorf("connect: %v", ev)
		},
		OnConnected: func(_ context.Context, ev *webpubsub.ConnectedEvent) error {
			_, err := state.Get(ev)
			return err
		},
		OnDisconnected: func(_ context.Context, ev *webpubsub.DisconnectedEvent) error { return fmt.Errorf("%+v", ev) },
		OnGroupJoined:  func(_ context.Context, ev *webpubsub.GroupJoinedEvent) error { return fmt.Errorf("%#v", ev) },
		Fallback: webpubsub.JSON(func(_ context.Context, ev *webpubsub.UserEvent, _ payload) (webpubsub.Reply, error) {
			return webpubsub.Reply{}, fmt.Errorf("event %v", ev)
		}),
	}
}

// quotingDay decodes itself and, as time.Time does, quotes what it cannot read.
type quotingDay struct{}

func (*quotingDay) UnmarshalJSON(data []byte) error { return fmt.Errorf("no day: %s", data) }
