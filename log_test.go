package webpubsub_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
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
		{"wrong signature", signed("sha256=" + strings.Repeat("0", 64)), nil, "WARN", 401, "no signature matches: the request names the host " + wireOrigin +
			", and of the keys that connection strings have for it (1) none made a signature; compare them with those of \"az webpubsub key show\", or of the emulator"},
		{"no signature", signed(), nil, "WARN", 401, "header ce-signature has no sha256 token: no signature matches"},
		{"unknown origin", setOrigin("evil.com"), nil, "WARN", 401, `origin is not allowed: the request names "evil.com", and connection strings and AllowedOrigins have "` + wireOrigin + `"; one of them has to be the same`},
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
