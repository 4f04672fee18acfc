package webpubsub_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
)

// observed returns cfg with an Observe that appends the outcomes to a list.
func observed(cfg webpubsub.Config, outcomes *[]webpubsub.Outcome) webpubsub.Config {
	cfg.Observe = func(_ context.Context, o webpubsub.Outcome) { *outcomes = append(*outcomes, o) }
	return cfg
}

// every returns a config with functions for each system event and the user event
// "message", which return err.
func every(err error) webpubsub.Config {
	cfg := returning(func(context.Context) error { return err })
	cfg.UserEvents = map[string]webpubsub.UserEventFunc{"message": cfg.Fallback}
	cfg.Fallback = nil
	return cfg
}

func TestObserveKinds(t *testing.T) {
	t.Parallel()
	keep := func(*http.Request) {}
	invalid := &webpubsub.ValidationError{Err: errors.New("x")}
	conflict := webpubsub.Conflict("taken")
	pass := webpubsub.Interceptor(func(ctx context.Context, _ webpubsub.Event, next func(context.Context) error) error { return next(ctx) })
	tests := []struct {
		name, fixture string
		cfg           webpubsub.Config
		edit          func(*http.Request)
		kind          webpubsub.OutcomeKind
		reason        webpubsub.RefusalReason
		event         webpubsub.EventKind
		function      string
		status        int
		err           error // target of errors.Is; nil: none, or an *Error of the status
	}{
		{"validation", "options", every(nil), keep, webpubsub.OutcomeValidation, "", "", "", 200, nil},
		{"validation by GET", "get_fallback", every(nil), keep, webpubsub.OutcomeValidation, "", "", "", 200, nil},
		{"no consent", "options", every(nil), setOrigin("evil.com"), webpubsub.OutcomeValidation, webpubsub.ReasonOrigin, "", "", 200, webpubsub.ErrOrigin},
		{"validation without an origin", "options", every(nil), setOrigin(), webpubsub.OutcomeValidation, webpubsub.ReasonHeader, "", "", 400, nil},
		{"validation by a stranger", "options", every(nil), wireHeader("ce-awpsversion"), webpubsub.OutcomeValidation, webpubsub.ReasonForeign, "", "", 404, nil},

		{"method", "user_text", every(nil), setMethod(http.MethodPut), webpubsub.OutcomeRefused, webpubsub.ReasonMethod, webpubsub.EventKindUser, "", 405, nil},
		{"no version", "user_text", every(nil), wireHeader("ce-awpsversion"), webpubsub.OutcomeRefused, webpubsub.ReasonForeign, webpubsub.EventKindUser, "", 404, nil},
		{"foreign type", "user_text", every(nil), setType("com.example"), webpubsub.OutcomeRefused, webpubsub.ReasonForeign, "", "", 404, nil},
		{"malformed header", "user_text", every(nil), wireHeader("ce-id", "1", "2"), webpubsub.OutcomeRefused, webpubsub.ReasonHeader, webpubsub.EventKindUser, "", 400, nil},
		{"other hub", "user_text", every(nil), wireHeader("ce-hub", "x"), webpubsub.OutcomeRefused, webpubsub.ReasonHub, webpubsub.EventKindUser, "", 404, nil},
		{"origin", "user_text", every(nil), setOrigin("evil.com"), webpubsub.OutcomeRefused, webpubsub.ReasonUnverified, webpubsub.EventKindUser, "", 401, webpubsub.ErrOrigin},
		{"signature", "connect", every(nil), signed("sha256=00"), webpubsub.OutcomeRefused, webpubsub.ReasonUnverified, webpubsub.EventKindConnect, "", 401, webpubsub.ErrSignature},
		{"unknown type", "connect", every(nil), setType("azure.webpubsub.sys.x"), webpubsub.OutcomeRefused, webpubsub.ReasonEventType, "", "", 501, nil},
		{"media type", "user_text", every(nil), wireHeader("Content-Type", "text/html"), webpubsub.OutcomeRefused, webpubsub.ReasonMediaType, webpubsub.EventKindUser, "message", 415, nil},
		{"body", "user_text", every(nil), func(r *http.Request) { r.ContentLength = 1 << 40 }, webpubsub.OutcomeRefused, webpubsub.ReasonBody, webpubsub.EventKindUser, "message", 413, nil},
		{"body that does not decode", "joined", every(nil), wireBody("{"), webpubsub.OutcomeRefused, webpubsub.ReasonPayload, webpubsub.EventKindGroupJoined, "joined", 400, &webpubsub.DecodeError{}},
		{"payload that is not valid", "user_text", every(invalid), keep, webpubsub.OutcomeRefused, webpubsub.ReasonPayload, webpubsub.EventKindUser, "message", 400, invalid},
		{"function", "user_text", every(conflict), keep, webpubsub.OutcomeRefused, webpubsub.ReasonFunction, webpubsub.EventKindUser, "message", 409, conflict},
		{"function of an MQTT client", "mqtt_connect_v5", every(conflict), keep, webpubsub.OutcomeRefused, webpubsub.ReasonFunction, webpubsub.EventKindConnect, "connect", 409, conflict},
		{"panic", "left", returning(func(context.Context) error { panic("boom") }), keep, webpubsub.OutcomeRefused, webpubsub.ReasonFunction, webpubsub.EventKindGroupLeft, "left", 500, &webpubsub.PanicError{}},
		{"interceptor without a function", "connected", webpubsub.Config{Interceptors: []interceptor{func(context.Context, webpubsub.Event, next) error { return conflict }}}, keep, webpubsub.OutcomeRefused, webpubsub.ReasonFunction, webpubsub.EventKindConnected, "", 409, conflict},

		{"connect", "connect", every(nil), keep, webpubsub.OutcomeHandled, "", webpubsub.EventKindConnect, "connect", 200, nil},
		{"connected", "connected", every(nil), keep, webpubsub.OutcomeHandled, "", webpubsub.EventKindConnected, "connected", 204, nil},
		{"disconnected", "disconnected", every(nil), keep, webpubsub.OutcomeHandled, "", webpubsub.EventKindDisconnected, "disconnected", 204, nil},
		{"joined", "joined", every(nil), keep, webpubsub.OutcomeHandled, "", webpubsub.EventKindGroupJoined, "joined", 204, nil},
		{"left", "left", every(nil), keep, webpubsub.OutcomeHandled, "", webpubsub.EventKindGroupLeft, "left", 204, nil},
		{"user event", "user_text", every(nil), keep, webpubsub.OutcomeHandled, "", webpubsub.EventKindUser, "message", 200, nil},
		{"user event in another case", "user_text", every(nil), named("MESSAGE"), webpubsub.OutcomeHandled, "", webpubsub.EventKindUser, "message", 200, nil},
		{"type in another case", "connect", every(nil), setType("azure.webpubsub.sys.CONNECT"), webpubsub.OutcomeHandled, "", webpubsub.EventKindConnect, "connect", 200, nil},
		{"fallback", "user_text", withFallback(replyText("ok")), keep, webpubsub.OutcomeHandled, "", webpubsub.EventKindUser, "", 200, nil},

		{"no function", "connected", webpubsub.Config{}, keep, webpubsub.OutcomeIgnored, "", webpubsub.EventKindConnected, "", 204, nil},
		{"no function, interceptors", "user_text", webpubsub.Config{Interceptors: []interceptor{pass}}, keep, webpubsub.OutcomeIgnored, "", webpubsub.EventKindUser, "", 204, nil},
		{"unknown presence event", "joined", every(nil), setType("azure.webpubsub.gp.x"), webpubsub.OutcomeIgnored, "", "", "", 204, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got []webpubsub.Outcome
			resp := wireServe(wireHandler(t, observed(tt.cfg, &got)), wireRequest(t, tt.fixture, tt.edit))
			require.Len(t, got, 1)
			o := got[0]
			assert.Equal(t, tt.kind, o.Kind)
			assert.Equal(t, tt.reason, o.Reason)
			assert.Equal(t, tt.event, o.EventKind)
			assert.Equal(t, tt.function, o.Function)
			assert.Equal(t, tt.status, o.Status)
			assert.Equal(t, resp.StatusCode, o.Status)
			assert.Equal(t, wireHub, o.Hub)
			assert.Equal(t, tt.reason != "", o.Err != nil, "%v", o.Err)
			switch want := tt.err.(type) { //nolint:errorlint // the kind of error that is wanted
			case nil:
				if o.Err != nil {
					assert.Equal(t, tt.status, webpubsub.StatusOf(o.Err))
				}
			case *webpubsub.DecodeError:
				require.ErrorAs(t, o.Err, &want)
			case *webpubsub.PanicError:
				require.ErrorAs(t, o.Err, &want)
			default:
				require.ErrorIs(t, o.Err, want)
			}
		})
	}
}

func TestObserveEvent(t *testing.T) {
	t.Parallel()
	var got []webpubsub.Outcome
	cfg := observed(every(nil), &got)
	cfg.OnConnected = func(context.Context, *webpubsub.ConnectedEvent) error { return webpubsub.Conflict("") }
	h := wireHandler(t, cfg)

	wireServe(h, wireRequest(t, "user_text"))
	ev, ok := got[0].Event.(*webpubsub.UserEvent)
	require.True(t, ok)
	assert.Equal(t, len(ev.Data), got[0].PayloadBytes)
	assert.Positive(t, got[0].PayloadBytes)
	assert.Equal(t, 1, got[0].StateBytes)
	assert.Greater(t, got[0].HeaderBytes, 100)
	assert.Equal(t, webpubsub.EventHeader{Hub: wireHub, ConnectionID: wireConnectionID, EventName: "message", EventID: "2"}, got[0].Header)

	wireServe(h, wireRequest(t, "connected"))
	assert.IsType(t, new(webpubsub.ConnectedEvent), got[1].Event, "refused by its function")

	wireServe(h, wireRequest(t, "user_text", signed(), wireHeader("ce-eventName", strings.Repeat("x", 1000))))
	assert.Nil(t, got[2].Event)
	assert.Zero(t, got[2].PayloadBytes)
	assert.Equal(t, wireConnectionID, got[2].Header.ConnectionID)
	assert.Less(t, len(got[2].Header.EventName), 200, "cut")

	wireServe(h, wireRequest(t, "options"))
	assert.Zero(t, got[3].Header)
	assert.Nil(t, got[3].Event)
}

// A stranger cannot choose the hub of a handler for any hub.
func TestObserveHub(t *testing.T) {
	t.Parallel()
	var got []webpubsub.Outcome
	cfg := observed(webpubsub.Config{ConnectionStrings: []string{wireConnectionString}, Fallback: replyText("ok")}, &got)
	h, err := webpubsub.NewHandler(cfg)
	require.NoError(t, err)
	wireServe(h, wireRequest(t, "user_text"))
	wireServe(h, wireRequest(t, "user_text", signed()))
	wireServe(h, wireRequest(t, "options"))
	mux, err := webpubsub.NewHubMux(map[string]*webpubsub.Handler{"Chat": h})
	require.NoError(t, err)
	wireServe(mux, wireRequest(t, "user_text", wireHeader("ce-hub", "x")))
	wireServe(mux, wireRequest(t, "options"))
	var hubs []string
	for _, o := range got {
		hubs = append(hubs, o.Hub)
	}
	assert.Equal(t, []string{wireHub, "", "", "Chat", "Chat"}, hubs)
	assert.Equal(t, webpubsub.ReasonHub, got[3].Reason)
	assert.Equal(t, webpubsub.OutcomeValidation, got[4].Kind)

	wireServe(h, wireRequest(t, "user_text", wireHeader("ce-hub", strings.Repeat("x", 1000))))
	assert.Equal(t, webpubsub.OutcomeHandled, got[5].Kind)
	assert.Less(t, len(got[5].Hub), 200, "cut: the signature does not cover the hub")
}

func TestObserveRefusalReply(t *testing.T) {
	t.Parallel()
	var got []webpubsub.Outcome
	cfg := observed(refusing(webpubsub.Conflict("taken")), &got)
	cfg.RefusalReply = webpubsub.JSONRefusal
	wireServe(wireHandler(t, cfg), wireRequest(t, "user_text"))
	cfg.RefusalReply = func(context.Context, *webpubsub.UserEvent, *webpubsub.Error) (webpubsub.Reply, bool) { panic("boom") }
	wireServe(wireHandler(t, cfg), wireRequest(t, "user_text"))
	for i, status := range []int{http.StatusOK, http.StatusConflict} {
		assert.Equal(t, webpubsub.OutcomeRefused, got[i].Kind)
		assert.Equal(t, status, got[i].Status)
		assert.Equal(t, http.StatusConflict, webpubsub.StatusOf(got[i].Err))
	}
	require.NoError(t, got[0].ReplyErr)
	assert.EqualError(t, got[1].ReplyErr, "panic: boom")
}

func TestObserveDuration(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var got []webpubsub.Outcome
		h := wireHandler(t, observed(withFallback(func(context.Context, *webpubsub.UserEvent) (webpubsub.Reply, error) {
			<-time.After(3 * time.Second)
			return webpubsub.Reply{}, nil
		}), &got))
		wireServe(h, wireRequest(t, "user_text"))
		assert.Equal(t, 3*time.Second, got[0].Duration)
	})
}

// The answer has been written when Observe is called, with the context of the request.
func TestObserveRunsAfterTheAnswer(t *testing.T) {
	t.Parallel()
	type key struct{}
	var order []string
	h := wireHandler(t, webpubsub.Config{Observe: func(ctx context.Context, _ webpubsub.Outcome) {
		value, _ := ctx.Value(key{}).(string)
		order = append(order, value)
	}})
	w := &orderedWriter{header: http.Header{}, order: &order}
	r := wireRequest(t, "connected")
	h.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), key{}, "observed")))
	assert.Equal(t, []string{"No Content", "observed"}, order)
}

func TestPanicOfObserve(t *testing.T) {
	t.Parallel()
	for name, value := range map[string]any{"a text": "boom", "abort": http.ErrAbortHandler} {
		log, logger := debugLog()
		h := wireHandler(t, webpubsub.Config{
			Logger:   logger,
			Observe:  func(context.Context, webpubsub.Outcome) { panic(value) },
			Fallback: replyText("ok"),
		})
		resp := wireServe(h, wireRequest(t, "user_text"))
		assert.Equal(t, http.StatusOK, resp.StatusCode, name)
		assert.Equal(t, "ok", wireText(t, resp), name)
		records := logged(t, log)
		require.Len(t, records, 1, name)
		assert.Equal(t, "ERROR", records[0]["level"], name)
		assert.Equal(t, "webpubsub: Observe panicked; the answer had been written", records[0]["msg"], name)
		assert.Equal(t, wireConnectionID, records[0]["connection_id"], name)
		assert.Contains(t, records[0]["stack"], "observe_test.go", name)
	}
}

func TestObserveIsNotCalledAfterAnAbort(t *testing.T) {
	t.Parallel()
	var got []webpubsub.Outcome
	h := wireHandler(t, observed(returning(func(context.Context) error { panic(http.ErrAbortHandler) }), &got))
	assert.PanicsWithValue(t, http.ErrAbortHandler, func() { wireServe(h, wireRequest(t, "connected")) })
	assert.Empty(t, got)
}
