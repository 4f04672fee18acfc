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
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
)

// logged returns the records of a log of JSON lines.
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
			", and none of the keys of its connection strings (1) made a signature; compare them with those of \"az webpubsub key show\", or of the emulator"},
		{"no signature", signed(), nil, "WARN", 401, "header ce-signature has no sha256 token: no signature matches"},
		{"unknown origin", setOrigin("evil.com"), nil, "WARN", 401, `origin is not allowed: the request names "evil.com", and connection strings and AllowedOrigins have "` + wireOrigin + `"; one of them must match`},
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

// A stranger's text is cut before it is logged or sent back.
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

func TestCanceledRequestIsLoggedAtDebug(t *testing.T) {
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

func named(name string) func(*http.Request) {
	return both(wireHeader("ce-eventName", name), setType("azure.webpubsub.user."+name))
}

// A misspelled name is not an error on either side, so the log must show it.
func TestUnknownNameIsLoggedOnce(t *testing.T) {
	t.Parallel()
	pass := webpubsub.Interceptor(func(ctx context.Context, _ webpubsub.Event, next func(context.Context) error) error { return next(ctx) })
	for name, chain := range map[string][]webpubsub.Interceptor{"alone": nil, "with an interceptor": {pass}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			log, logger := debugLog()
			h := wireHandler(t, webpubsub.Config{Logger: logger, Interceptors: chain, UserEvents: map[string]webpubsub.UserEventFunc{
				"placeBid": replyText("ok"), "message": replyText("ok"), "a\n\"b": replyText("ok"),
			}})
			for _, event := range []string{"placeBit", "placebid", "placeBit", "message"} {
				wireServe(h, wireRequest(t, "user_text", named(event)))
			}
			records := logged(t, log)
			require.Len(t, records, 2)
			assert.Equal(t, map[string]any{
				"level": "INFO", "msg": "webpubsub: user event without a function ignored; this is logged once for each name",
				"hub": wireHub, "connection_id": wireConnectionID, "event": "placeBit", "event_id": "2", "status": 204.0,
				"known": `"a\n\"b", "message", "placeBid"`,
			}, records[0])
			assert.Equal(t, "DEBUG", records[1]["level"], "the second time")
		})
	}
}

func TestUnknownNameWithNoneOrManyKnown(t *testing.T) {
	t.Parallel()
	many := map[string]webpubsub.UserEventFunc{}
	for i := range 20 {
		many[fmt.Sprintf("%02d", i)] = replyText("ok")
	}
	many["00"+strings.Repeat("x", 1000)] = replyText("ok")
	for name, tc := range map[string]struct {
		functions map[string]webpubsub.UserEventFunc
		want      string
	}{
		"none": {nil, "none"},
		"many": {many, `"00", "00` + strings.Repeat("x", 126) + `…", "01", "02", "03", "04", "05", "06", "07", "08", "09", "10", "11", "12", "13", "14", and 5 more`},
	} {
		log, logger := debugLog()
		wireServe(wireHandler(t, webpubsub.Config{Logger: logger, UserEvents: tc.functions}), wireRequest(t, "user_text"))
		records := logged(t, log)
		require.Len(t, records, 1, name)
		assert.Equal(t, tc.want, records[0]["known"], name)
	}
}

// Many names, which clients choose, must not fill the log or the memory.
func TestFloodOfUnknownNames(t *testing.T) {
	t.Parallel()
	log, logger := debugLog()
	h := wireHandler(t, webpubsub.Config{Logger: logger})
	const workers, each = 4, 50
	var wg sync.WaitGroup
	for worker := range workers {
		wg.Go(func() {
			for i := range each {
				name := fmt.Sprintf("%d-%d-%s", worker, i, strings.Repeat("x", 10_000))
				assert.Equal(t, http.StatusNoContent, wireServe(h, wireRequest(t, "user_text", named(name))).StatusCode)
			}
		})
	}
	wg.Wait()
	levels, last := map[any]int{}, 0
	for _, record := range logged(t, log) {
		levels[record["level"]]++
		assert.Less(t, len(record["event"].(string)), 200)
		if strings.Contains(record["msg"].(string), "further names are logged at debug level only") {
			last++
		}
	}
	assert.Equal(t, map[any]int{"INFO": 33, "DEBUG": workers*each - 33}, levels)
	assert.Equal(t, 1, last, "once")
}

func TestWarningOfALongHeader(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		state    int
		metadata map[string]string
		warns    bool
	}{
		"no state":                    {0, nil, false},
		"state that proxies take":     {3_900, nil, false},
		"state too long":              {4_000, nil, true},
		"longest state":               {webpubsub.MaxStateBytes, nil, true},
		"state and metadata too long": {3_000, map[string]string{"m": strings.Repeat("v", 1000)}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for fixture, cfg := range map[string]webpubsub.Config{
				"connect": {OnConnect: func(context.Context, *webpubsub.ConnectEvent) (*webpubsub.ConnectReply, error) {
					return &webpubsub.ConnectReply{State: webpubsub.RawState(strings.Repeat("s", tc.state))}, nil
				}},
				"user_text": {Fallback: func(context.Context, *webpubsub.UserEvent) (webpubsub.Reply, error) {
					return webpubsub.Reply{State: webpubsub.RawState(strings.Repeat("s", tc.state)), Metadata: tc.metadata}, nil
				}},
			} {
				if fixture == "connect" && tc.metadata != nil {
					continue
				}
				log, logger := debugLog()
				cfg.Logger = logger
				h := wireHandler(t, cfg)
				for range 3 {
					resp := wireServe(h, wireRequest(t, fixture))
					assert.Less(t, resp.StatusCode, 300)
					assert.Len(t, resp.Header.Get("ce-connectionState"), tc.state)
				}
				records := logged(t, log)
				if !tc.warns {
					assert.Empty(t, records, fixture)
					continue
				}
				require.Len(t, records, 1, "once")
				assert.Equal(t, "WARN", records[0]["level"])
				assert.Contains(t, records[0]["msg"], "longer than the 4096 bytes that proxies accept by default")
				assert.Contains(t, records[0]["msg"], "proxy_buffer_size")
				assert.EqualValues(t, tc.state, records[0]["state_bytes"])
				assert.Greater(t, records[0]["header_bytes"], 4096.0)
			}
		})
	}
}
