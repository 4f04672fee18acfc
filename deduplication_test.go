package webpubsub_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/mqtt"
)

// Each kind of event is handled once, with its interceptors, and a repeat gets the whole
// answer.
func TestRepeatGetsTheAnswer(t *testing.T) {
	t.Parallel()
	for fixture, kind := range eventKinds {
		t.Run(fixture, func(t *testing.T) {
			t.Parallel()
			functions, interceptors := 0, 0
			var got []webpubsub.Outcome
			cfg := observed(returning(func(context.Context) error { functions++; return nil }, func(ctx context.Context, ev webpubsub.Event, next next) error {
				interceptors++
				assert.False(t, ev.EventMeta().Redelivered())
				return next(ctx)
			}), &got)
			h := wireHandler(t, deduplicated(cfg, newSpyStore(t)))
			first := answerOf(h, wireRequest(t, fixture))
			assert.Equal(t, kind.success, first.status)
			for range 3 {
				assert.Equal(t, first, answerOf(h, wireRequest(t, fixture)))
			}
			assert.Equal(t, []int{1, 1}, []int{functions, interceptors})
			assert.Equal(t, webpubsub.OutcomeHandled, got[0].Kind)
			for _, o := range got[1:] {
				assert.Equal(t, webpubsub.OutcomeRepeated, o.Kind)
				assert.IsType(t, kind.event, o.Event)
				assert.Equal(t, first.status, o.Status)
				assert.Equal(t, []any{got[0].Function, got[0].StateBytes, got[0].HeaderBytes, got[0].PayloadBytes}, []any{o.Function, o.StateBytes, o.HeaderBytes, o.PayloadBytes})
				require.NoError(t, o.Err)
				require.NoError(t, o.StoreErr)
				assert.Empty(t, o.Reason)
			}
		})
	}
}

// TestRepeatedAnswers: all forms of final answers come back byte for byte.
func TestRepeatedAnswers(t *testing.T) {
	t.Parallel()
	rich := webpubsub.DataReply("application/xml; charset=utf-8", []byte("<a>\x00\xff</a>"))
	rich.MQTTUserProperties = []mqtt.UserProperty{{Name: "n", Value: "1"}, {Name: "n", Value: "2"}, {Name: "e", Value: ""}}
	rich.State = webpubsub.RawState("")
	labelled := webpubsub.JSONReply(map[string]any{"a": strings.Repeat("long", 1000)})
	labelled.Metadata = map[string]string{"a": "1", "b": "2", "c": "3"}
	refused := &webpubsub.Error{Status: http.StatusForbidden, Message: "not here", MQTTUserProperties: []mqtt.UserProperty{{Name: "n", Value: "v"}}}
	replied := onUserEvent(webpubsub.Reply{}, webpubsub.Conflict("taken"))
	replied.RefusalReply = webpubsub.JSONRefusal
	tests := []struct {
		name, fixture string
		cfg           webpubsub.Config
		status        int
	}{
		{"nothing", "user_text", onUserEvent(webpubsub.Reply{}, nil), 204},
		{"text", "user_text", onUserEvent(webpubsub.TextReply("häh"), nil), 200},
		{"empty text", "user_text", onUserEvent(webpubsub.TextReply(""), nil), 200},
		{"binary", "user_text", onUserEvent(webpubsub.BinaryReply([]byte{0, 255}), nil), 200},
		{"empty binary", "user_text", onUserEvent(webpubsub.BinaryReply(nil), nil), 200},
		{"long JSON with metadata", "user_text", onUserEvent(labelled, nil), 200},
		{"MQTT properties and an empty state", "mqtt_publish", onUserEvent(rich, nil), 200},
		{"state alone", "user_text", onUserEvent(withState(webpubsub.Reply{}, webpubsub.RawState("s")), nil), 204},
		{"echo", "user_text", withFallback(func(_ context.Context, ev *webpubsub.UserEvent) (webpubsub.Reply, error) {
			return webpubsub.DataReply("text/plain", ev.Data), nil
		}), 200},
		{"refused", "user_text", onUserEvent(webpubsub.Reply{}, webpubsub.Forbidden("no")), 403},
		{"refused without a text", "user_text", onUserEvent(webpubsub.Reply{}, webpubsub.NotFound("")), 404},
		{"refused with a reply", "user_text", replied, 200},
		{"payload not valid", "user_text", onUserEvent(webpubsub.Reply{}, &webpubsub.ValidationError{}), 400},
		{"rate limit", "user_text", onUserEvent(webpubsub.Reply{}, webpubsub.TooManyRequests("slow")), 429},
		{"client refused", "connect", onConnect(nil, webpubsub.Unauthorized("who")), 401},
		{"MQTT client refused", "mqtt_connect_v5", onConnect(nil, refused), 403},
		{"client accepted", "connect", onConnect(&webpubsub.ConnectReply{UserID: "u", Groups: []string{"g"}, State: webpubsub.RawState("s")}, nil), 200},
		{"interceptor refuses", "connected", webpubsub.Config{Interceptors: []interceptor{func(context.Context, webpubsub.Event, next) error { return webpubsub.Forbidden("no") }}}, 403},
		{"no function", "user_text", webpubsub.Config{Interceptors: []interceptor{func(ctx context.Context, _ webpubsub.Event, next next) error { return next(ctx) }}}, 204},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			handled := 0
			tt.cfg.Interceptors = append([]interceptor{func(ctx context.Context, _ webpubsub.Event, next next) error { handled++; return next(ctx) }}, tt.cfg.Interceptors...)
			plain := answerOf(wireHandler(t, tt.cfg), wireRequest(t, tt.fixture))
			assert.Equal(t, tt.status, plain.status)
			handled = 0
			h := wireHandler(t, deduplicated(tt.cfg, newSpyStore(t)))
			assert.Equal(t, plain, answerOf(h, wireRequest(t, tt.fixture)))
			assert.Equal(t, plain, answerOf(h, wireRequest(t, tt.fixture)))
			assert.Equal(t, 1, handled)
		})
	}
}

// TestFailedEventsAreReleased: the service delivers these again, and the next delivery is
// handled.
func TestFailedEventsAreReleased(t *testing.T) {
	t.Parallel()
	ends := func(t *testing.T, h http.Handler) { // without an answer
		t.Helper()
		done, r := make(chan struct{}), wireRequest(t, "user_text")
		go func() {
			defer close(done)
			defer func() { _ = recover() }()
			h.ServeHTTP(nil, r)
		}()
		<-done
	}
	status := func(want int) func(*testing.T, http.Handler) {
		return func(t *testing.T, h http.Handler) {
			t.Helper()
			assert.Equal(t, want, answerOf(h, wireRequest(t, "user_text")).status)
		}
	}
	tests := []struct {
		name  string
		fail  func() error
		serve func(*testing.T, http.Handler)
	}{
		{"408", func() error { return &webpubsub.Error{Status: http.StatusRequestTimeout} }, status(408)},
		{"500", func() error { return errors.New("unknown") }, status(500)},
		{"503", func() error { return webpubsub.Unavailable("later") }, status(503)},
		{"599", func() error { return &webpubsub.Error{Status: 599} }, status(599)},
		{"deadline", func() error { return context.DeadlineExceeded }, status(504)},
		{"canceled", func() error { return context.Canceled }, status(500)},
		{"panic", func() error { panic("boom") }, status(500)},
		{"abort", func() error { panic(http.ErrAbortHandler) }, ends},
		{"end of the goroutine", func() error { runtime.Goexit(); return nil }, ends},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			store := newSpyStore(t)
			var redelivered []bool
			fails := true
			h := wireHandler(t, deduplicated(withFallback(func(_ context.Context, ev *webpubsub.UserEvent) (webpubsub.Reply, error) {
				redelivered = append(redelivered, ev.Redelivered())
				if fails {
					return webpubsub.Reply{}, tt.fail()
				}
				return webpubsub.TextReply("done"), nil
			}), store))
			tt.serve(t, h)
			tt.serve(t, h)
			assert.Equal(t, []string{"Begin", "Abandon", "Begin", "Abandon"}, store.methods())
			fails = false
			for range 2 {
				assert.Equal(t, "done", answerOf(h, wireRequest(t, "user_text")).body)
			}
			assert.Equal(t, []bool{false, true, true}, redelivered)
			assert.Equal(t, []string{"Begin", "Finish", "Begin"}, store.methods())
		})
	}
}

// A repeat that arrives while the event is being handled gets 503, and the answer later.
func TestRepeatOfARunningEvent(t *testing.T) {
	t.Parallel()
	for fixture, kind := range eventKinds {
		t.Run(fixture, func(t *testing.T) {
			t.Parallel()
			running, finish := make(chan struct{}), make(chan struct{})
			var got []webpubsub.Outcome
			cfg := deduplicated(returning(func(context.Context) error { close(running); <-finish; return nil }), newSpyStore(t))
			h := wireHandler(t, cfg)
			cfg.OnConnect, cfg.Fallback = nil, nil // another replica, where nothing may run
			cfg.Interceptors = []interceptor{func(context.Context, webpubsub.Event, next) error { panic("must not run") }}
			replica := wireHandler(t, observed(cfg, &got))

			first, r := make(chan fullAnswer), wireRequest(t, fixture)
			go func() { first <- answerOf(h, r) }()
			<-running
			repeat := answerOf(replica, wireRequest(t, fixture))
			assert.Equal(t, http.StatusServiceUnavailable, repeat.status)
			assert.Contains(t, repeat.body, map[bool]string{true: `{"mqtt":{"code":128,`, false: "an earlier delivery of this event is still being handled"}[fixture == "mqtt_connect_v5"])
			assert.Equal(t, webpubsub.OutcomeRepeated, got[0].Kind)
			assert.Equal(t, http.StatusServiceUnavailable, got[0].Status)
			require.NoError(t, got[0].Err)

			close(finish)
			answer := <-first
			assert.Equal(t, kind.success, answer.status)
			assert.Equal(t, answer, answerOf(replica, wireRequest(t, fixture)))
		})
	}
}

// TestEventIdentity: what makes two requests deliveries of one event.
func TestEventIdentity(t *testing.T) {
	t.Parallel()
	signedFor := func(id string) func(*http.Request) {
		return func(r *http.Request) {
			r.Header.Set("ce-connectionId", id)
			r.Header.Set("ce-signature", webpubsub.Sign(wireKey, id))
		}
	}
	type edits = []func(*http.Request)
	tests := []struct {
		name, fixture string
		edits         edits
		same          bool
	}{
		{"same", "user_text", nil, true},
		{"hub in another case", "user_text", edits{wireHeader("ce-hub", "CHAT")}, true},
		{"another body", "user_text", edits{wireBody("x")}, true},
		{"another signature", "user_text", edits{signed(webpubsub.Sign(wireKey, wireConnectionID))}, true},
		{"another id", "user_text", edits{wireHeader("ce-id", "20")}, false},
		{"another connection", "user_text", edits{signedFor("other")}, false},
		{"connection in another case", "user_text", edits{signedFor(strings.ToUpper(wireConnectionID))}, false},
		{"id and connection shifted", "user_text", edits{signedFor(wireConnectionID[:31]), wireHeader("ce-id", "12")}, false},
		{"another kind", "user_text", edits{setType("azure.webpubsub.sys.disconnected"), wireBody("{}")}, false},
		{"another hub", "user_text", edits{wireHeader("ce-hub", "other")}, false},
		{"session of a client that is not MQTT", "user_text", edits{wireHeader("ce-sessionId", "s")}, true},
		{"MQTT: same", "mqtt_publish", nil, true},
		{"MQTT: another session", "mqtt_publish", edits{wireHeader("ce-sessionId", "ses-89")}, false},
		{"MQTT: another connection of the session", "mqtt_publish", edits{wireHeader("ce-physicalConnectionId", "ph-2")}, true},
		{"MQTT: connect of another connection", "mqtt_connect_v5", edits{wireHeader("ce-physicalConnectionId", "ph-2")}, false},
		{"MQTT: session named like a connection", "mqtt_connect_v5", edits{wireHeader("ce-physicalConnectionId", "x"), wireHeader("ce-sessionId", "ph-31c6")}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			store := newSpyStore(t)
			h, err := webpubsub.NewHandler(webpubsub.Config{ // for any hub
				ConnectionStrings: []string{wireConnectionString},
				Deduplication:     webpubsub.Deduplication{Store: store},
				Logger:            slog.New(slog.DiscardHandler),
				Interceptors:      []interceptor{func(ctx context.Context, _ webpubsub.Event, next next) error { return next(ctx) }},
			})
			require.NoError(t, err)
			answerOf(h, wireRequest(t, tt.fixture))
			answerOf(h, wireRequest(t, tt.fixture, tt.edits...))
			first, second := store.calls[0], store.calls[2]
			require.Equal(t, "Begin", second.method)
			assert.Equal(t, tt.same, first.key == second.key)
			assert.NotEqual(t, first.claim, second.claim)
			for _, c := range store.calls {
				assert.Regexp(t, `^[A-Za-z0-9._-]{1,64}$`, c.key)
				assert.Regexp(t, `^[A-Za-z0-9]{1,64}$`, c.claim)
			}
		})
	}
}

// Only a request that is verified, complete and well formed reaches the store: a
// repeat of a body that was cut short must be handled.
func TestOnlyGoodEventsAreClaimed(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, fixture string
		edit          func(*http.Request)
		status        int
	}{
		{"signature", "user_text", signed("sha256=00"), 401},
		{"origin", "user_text", setOrigin("evil.com"), 401},
		{"hub", "user_text", wireHeader("ce-hub", "x"), 404},
		{"no id", "user_text", wireHeader("ce-id"), 400},
		{"two ids", "user_text", wireHeader("ce-id", "1", "2"), 400},
		{"media type", "user_text", wireHeader("Content-Type", "text/html"), 415},
		{"body cut short", "user_text", func(r *http.Request) { r.ContentLength++ }, 400},
		{"body too long", "user_text", func(r *http.Request) { r.ContentLength = 1 << 40 }, 413},
		{"payload that does not decode", "joined", wireBody("{"), 400},
		{"unknown type", "connect", setType("azure.webpubsub.sys.x"), 501},
		{"validation", "options", func(*http.Request) {}, 200},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			store := newSpyStore(t)
			h := wireHandler(t, deduplicated(returning(succeed), store))
			assert.Equal(t, tt.status, answerOf(h, wireRequest(t, tt.fixture, tt.edit)).status)
			assert.Empty(t, store.calls)
		})
	}
}

// Two deliveries with one answer in two handlers for two hubs do not mix.
func TestHandlersShareAStore(t *testing.T) {
	t.Parallel()
	store := newSpyStore(t)
	one := deduplicated(onUserEvent(webpubsub.TextReply("one"), nil), store)
	two := deduplicated(onUserEvent(webpubsub.TextReply("two"), nil), store)
	two.Hub = "other"
	mux, err := webpubsub.NewHubMux(map[string]*webpubsub.Handler{wireHub: wireHandler(t, one), "other": wireHandler(t, two)})
	require.NoError(t, err)
	for range 2 {
		assert.Equal(t, "one", answerOf(mux, wireRequest(t, "user_text")).body)
		assert.Equal(t, "two", answerOf(mux, wireRequest(t, "user_text", wireHeader("ce-hub", "OTHER"))).body)
	}
}

func TestDeduplicatedKinds(t *testing.T) {
	t.Parallel()
	for kind, fixture := range fixturesByKind {
		for _, covered := range []webpubsub.EventKind{kind, webpubsub.EventKindConnect, webpubsub.EventKindUser} {
			handled := 0
			cfg := returning(func(context.Context) error { handled++; return nil })
			cfg.Deduplication = webpubsub.Deduplication{Store: newSpyStore(t), Kinds: []webpubsub.EventKind{covered}}
			h := wireHandler(t, cfg)
			answerOf(h, wireRequest(t, fixture))
			answerOf(h, wireRequest(t, fixture))
			assert.Equal(t, map[bool]int{true: 1, false: 2}[covered == kind], handled, "%s, covered %s", kind, covered)
		}
	}
}

func TestDeduplicationConfig(t *testing.T) {
	t.Parallel()
	store := newSpyStore(t)
	kinds := `["connect" "connected" "disconnected" "user" "joined" "left"]`
	const noStore = "Store is nil, but other fields are set: set Store, for example to the result of NewMemoryStore"
	for _, tt := range []struct {
		given webpubsub.Deduplication
		want  string // empty: valid
	}{
		{webpubsub.Deduplication{}, ""},
		{webpubsub.Deduplication{Store: store}, ""},
		{webpubsub.Deduplication{Store: store, Kinds: []webpubsub.EventKind{"user"}, ServeIfStoreFails: []webpubsub.EventKind{}, Lease: time.Second, TTL: time.Second, MaxAnswerBytes: 1}, ""},
		{webpubsub.Deduplication{Kinds: []webpubsub.EventKind{"user"}}, noStore},
		{webpubsub.Deduplication{ServeIfStoreFails: []webpubsub.EventKind{}}, noStore},
		{webpubsub.Deduplication{Lease: time.Minute}, noStore},
		{webpubsub.Deduplication{TTL: time.Minute}, noStore},
		{webpubsub.Deduplication{MaxAnswerBytes: 1}, noStore},
		{webpubsub.Deduplication{Store: (*webpubsub.MemoryStore)(nil)}, "Store is a nil *webpubsub.MemoryStore"},
		{webpubsub.Deduplication{Store: store, Kinds: []webpubsub.EventKind{}}, "Kinds is empty, want nil for all kinds, or at least one"},
		{webpubsub.Deduplication{Store: store, Kinds: []webpubsub.EventKind{"user", "message"}}, `Kinds[1] is "message", want one of ` + kinds},
		{webpubsub.Deduplication{Store: store, ServeIfStoreFails: []webpubsub.EventKind{""}}, `ServeIfStoreFails[0] is "", want one of ` + kinds},
		{webpubsub.Deduplication{Store: store, Lease: -1}, "Lease is -1ns, want 0 or at least 1s"},
		{webpubsub.Deduplication{Store: store, Lease: time.Second - 1}, "Lease is 999.999999ms, want 0 or at least 1s"},
		{webpubsub.Deduplication{Store: store, TTL: 5 * time.Second}, "TTL is 5s, want at least Lease, which is 6s"},
		{webpubsub.Deduplication{Store: store, MaxAnswerBytes: -1}, "MaxAnswerBytes is -1, want 0 or more"},
	} {
		_, err := webpubsub.NewHandler(webpubsub.Config{ConnectionStrings: []string{wireConnectionString}, Deduplication: tt.given})
		if tt.want == "" {
			require.NoError(t, err)
			continue
		}
		require.EqualError(t, err, "webpubsub: config: Deduplication."+tt.want)
	}
}

// The handler copies the lists.
func TestDeduplicationIsCopied(t *testing.T) {
	t.Parallel()
	handled := 0
	cfg := deduplicated(returning(func(context.Context) error { handled++; return nil }), newSpyStore(t))
	cfg.Deduplication.Kinds = []webpubsub.EventKind{webpubsub.EventKindUser}
	h := wireHandler(t, cfg)
	cfg.Deduplication.Kinds[0] = webpubsub.EventKindConnect
	answerOf(h, wireRequest(t, "user_text"))
	answerOf(h, wireRequest(t, "user_text"))
	assert.Equal(t, 1, handled)
}
