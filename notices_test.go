package webpubsub_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
)

func named(name string) func(*http.Request) {
	return both(wireHeader("ce-eventName", name), setType("azure.webpubsub.user."+name))
}

// A misspelt name is an error on neither side: the log is where it shows.
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

func TestUnknownNameWhenThereAreNoneOrMany(t *testing.T) {
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

// Clients choose names: a flood of them must fill neither log nor memory.
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
				assert.Contains(t, records[0]["msg"], "longer than the 4096 bytes that proxies take by default")
				assert.Contains(t, records[0]["msg"], "proxy_buffer_size")
				assert.EqualValues(t, tc.state, records[0]["state_bytes"])
				assert.Greater(t, records[0]["header_bytes"], 4096.0)
			}
		})
	}
}
