package webpubsub_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
)

type (
	next        = func(context.Context) error
	interceptor = webpubsub.Interceptor
)

// eventKinds has the status of success and the type of the event, by fixture.
var eventKinds = map[string]struct {
	success int
	event   webpubsub.Event
}{
	"connect":           {200, new(webpubsub.ConnectEvent)},
	"mqtt_connect_v5":   {200, new(webpubsub.ConnectEvent)},
	"connected":         {204, new(webpubsub.ConnectedEvent)},
	"user_text":         {200, new(webpubsub.UserEvent)},
	"mqtt_publish":      {200, new(webpubsub.UserEvent)},
	"disconnected":      {204, new(webpubsub.DisconnectedEvent)},
	"mqtt_disconnected": {204, new(webpubsub.DisconnectedEvent)},
	"joined":            {204, new(webpubsub.GroupJoinedEvent)},
	"left":              {204, new(webpubsub.GroupLeftEvent)},
}

// returning returns a config whose functions call do and reply with a state.
func returning(do func(context.Context) error, chain ...interceptor) webpubsub.Config {
	return webpubsub.Config{
		OnConnect: func(ctx context.Context, _ *webpubsub.ConnectEvent) (*webpubsub.ConnectReply, error) {
			return &webpubsub.ConnectReply{UserID: "vic", State: webpubsub.RawState("s")}, do(ctx)
		},
		OnConnected:    func(ctx context.Context, _ *webpubsub.ConnectedEvent) error { return do(ctx) },
		OnDisconnected: func(ctx context.Context, _ *webpubsub.DisconnectedEvent) error { return do(ctx) },
		OnGroupJoined:  func(ctx context.Context, _ *webpubsub.GroupJoinedEvent) error { return do(ctx) },
		OnGroupLeft:    func(ctx context.Context, _ *webpubsub.GroupLeftEvent) error { return do(ctx) },
		Fallback: func(ctx context.Context, _ *webpubsub.UserEvent) (webpubsub.Reply, error) {
			reply := webpubsub.TextReply("private reply")
			reply.State, reply.Metadata = webpubsub.RawState("s"), map[string]string{"m": "v"}
			return reply, do(ctx)
		},
		Interceptors: chain,
	}
}

func succeed(context.Context) error { return nil }

// assertNothingOfTheReply checks that an answer has nothing of the reply of returning.
func assertNothingOfTheReply(t *testing.T, resp *http.Response) {
	t.Helper()
	assert.Empty(t, resp.Header.Values("ce-connectionState"), "state")
	assert.Empty(t, resp.Header.Values("X-WebPubSub-Metadata-m"), "metadata")
	body := wireText(t, resp)
	assert.NotContains(t, body, "private reply")
	assert.NotContains(t, body, "userId")
}

func TestInterceptorOrder(t *testing.T) {
	t.Parallel()
	for fixture, kind := range eventKinds {
		t.Run(fixture, func(t *testing.T) {
			t.Parallel()
			type key struct{}
			var trace []string
			step := func(name string) interceptor {
				return func(ctx context.Context, ev webpubsub.Event, next next) error {
					assert.IsType(t, kind.event, ev)
					assert.Equal(t, wireHub, ev.EventMeta().Hub)
					trace = append(trace, name+" before")
					seen, _ := ctx.Value(key{}).(string)
					err := next(context.WithValue(ctx, key{}, seen+name))
					trace = append(trace, name+" after")
					return err
				}
			}
			h := wireHandler(t, returning(func(ctx context.Context) error {
				assert.Equal(t, "AB", ctx.Value(key{}), "the function gets the context of the innermost")
				trace = append(trace, "function")
				return nil
			}, step("A"), step("B")))
			resp := wireServe(h, wireRequest(t, fixture))
			assert.Equal(t, kind.success, resp.StatusCode)
			assert.Equal(t, []string{"A before", "B before", "function", "B after", "A after"}, trace)
		})
	}
}

// Interceptors also run for events without a function.
func TestInterceptorsRunWithoutFunctions(t *testing.T) {
	t.Parallel()
	for fixture := range eventKinds {
		t.Run(fixture, func(t *testing.T) {
			t.Parallel()
			ran := 0
			h := wireHandler(t, webpubsub.Config{Interceptors: []interceptor{func(ctx context.Context, _ webpubsub.Event, next next) error {
				ran++
				return next(ctx)
			}}})
			assert.Equal(t, http.StatusNoContent, wireServe(h, wireRequest(t, fixture)).StatusCode)
			assert.Equal(t, 1, ran)
			h = wireHandler(t, webpubsub.Config{Interceptors: []interceptor{func(context.Context, webpubsub.Event, next) error {
				return webpubsub.Forbidden("no")
			}}})
			assert.Equal(t, http.StatusForbidden, wireServe(h, wireRequest(t, fixture)).StatusCode)
		})
	}
}

func TestInterceptorRules(t *testing.T) {
	t.Parallel()
	pass := interceptor(func(ctx context.Context, _ webpubsub.Event, next next) error { return next(ctx) })
	swallow := interceptor(func(ctx context.Context, _ webpubsub.Event, next next) error { _ = next(ctx); return nil })
	skip := interceptor(func(context.Context, webpubsub.Event, next) error { return nil })
	refuse := interceptor(func(context.Context, webpubsub.Event, next) error { return webpubsub.Forbidden("") })
	refuseAfter := interceptor(func(ctx context.Context, _ webpubsub.Event, next next) error {
		_ = next(ctx)
		return webpubsub.Forbidden("")
	})
	twice := interceptor(func(ctx context.Context, _ webpubsub.Event, next next) error {
		_ = next(ctx)
		return next(ctx)
	})
	twiceSwallowed := interceptor(func(ctx context.Context, _ webpubsub.Event, next next) error {
		err := next(ctx)
		_ = next(ctx)
		return err
	})
	panics := interceptor(func(context.Context, webpubsub.Event, next) error { panic("secret") })
	panicsAfter := interceptor(func(ctx context.Context, _ webpubsub.Event, next next) error { _ = next(ctx); panic("secret") })
	recovers := interceptor(func(ctx context.Context, _ webpubsub.Event, next next) error {
		defer func() { _ = recover() }()
		_ = next(ctx)
		return nil
	})
	aborts := interceptor(func(context.Context, webpubsub.Event, next) error { panic(http.ErrAbortHandler) })
	conflict := func(context.Context) error { return webpubsub.Conflict("") }
	boom := func(context.Context) error { panic("secret") }
	tests := []struct {
		name     string
		chain    []interceptor
		function func(context.Context) error
		want     int // 0: success
		calls    int
	}{
		{"pass", []interceptor{pass, pass, pass}, succeed, 0, 1},
		{"function's error passes", []interceptor{pass, pass}, conflict, 409, 1},
		{"error replaced", []interceptor{refuseAfter, pass}, conflict, 403, 1},
		{"error after success", []interceptor{refuseAfter}, succeed, 403, 1},
		{"refused before the function", []interceptor{pass, refuse, pass}, succeed, 403, 0},
		{"swallowed error of the function", []interceptor{swallow}, conflict, 409, 1},
		{"swallowed twice over", []interceptor{swallow, swallow}, conflict, 409, 1},
		{"swallowed refusal of an inner interceptor", []interceptor{swallow, refuse}, succeed, 403, 0},
		{"swallowed refusal of an inner interceptor after success", []interceptor{swallow, refuseAfter}, succeed, 403, 1},
		{"swallowed replacement of an error", []interceptor{swallow, refuseAfter}, conflict, 403, 1},
		{"swallowed panic", []interceptor{swallow}, boom, 500, 1},
		{"swallowed panic of an inner interceptor", []interceptor{swallow, panics}, succeed, 500, 0},
		{"next not called", []interceptor{skip}, succeed, 500, 0},
		{"next not called further in", []interceptor{pass, skip, pass}, succeed, 500, 0},
		{"next not called further in, swallowed", []interceptor{swallow, skip}, succeed, 500, 0},
		{"next called twice", []interceptor{twice}, succeed, 500, 1},
		{"next called twice further out", []interceptor{twice, pass}, succeed, 500, 1},
		{"next called twice, second error swallowed", []interceptor{twiceSwallowed}, succeed, 500, 1},
		{"next called twice after an error", []interceptor{twice}, conflict, 500, 1},
		{"recovered panic of the function", []interceptor{recovers}, boom, 500, 1},
		{"recovered panic of an inner interceptor", []interceptor{recovers, panics}, succeed, 500, 0},
		{"recovered panic of an inner interceptor after success", []interceptor{recovers, panicsAfter}, succeed, 500, 1},
		{"recovered abort", []interceptor{recovers, aborts}, succeed, 500, 0},
		{"panic before", []interceptor{panics}, succeed, 500, 0},
		{"panic after", []interceptor{pass, panicsAfter}, succeed, 500, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for fixture, kind := range eventKinds {
				calls := 0
				h := wireHandler(t, returning(func(ctx context.Context) error { calls++; return tt.function(ctx) }, tt.chain...))
				resp := wireServe(h, wireRequest(t, fixture))
				assert.Equal(t, tt.calls, calls, fixture)
				if tt.want == 0 {
					assert.Equal(t, kind.success, resp.StatusCode, fixture)
					continue
				}
				assert.Equal(t, tt.want, resp.StatusCode, fixture)
				assertNothingOfTheReply(t, resp)
			}
		})
	}
}

// An inner interceptor runs once, even if the outer one calls next again.
func TestInnerInterceptorRunsOnce(t *testing.T) {
	t.Parallel()
	inner := 0
	h := wireHandler(t, returning(succeed,
		func(ctx context.Context, _ webpubsub.Event, next next) error {
			return errors.Join(next(ctx), next(ctx))
		},
		func(ctx context.Context, _ webpubsub.Event, next next) error { inner++; return next(ctx) },
	))
	assert.Equal(t, http.StatusInternalServerError, wireServe(h, wireRequest(t, "user_text")).StatusCode)
	assert.Equal(t, 1, inner)
}

func TestUE119PanicsBecomeErrors(t *testing.T) {
	t.Parallel()
	cause := errors.New("cause")
	values := map[string]any{
		"text": "secret", "error": cause, "chosen status": webpubsub.Forbidden("secret"), "nil": nil, "not comparable": []int{1}, "map": map[string]int{},
	}
	for name, value := range values {
		for fixture := range eventKinds {
			t.Run(name+" "+fixture, func(t *testing.T) {
				t.Parallel()
				var seen error
				h := wireHandler(t, returning(func(context.Context) error { panic(value) },
					func(ctx context.Context, _ webpubsub.Event, next next) error { seen = next(ctx); return seen }))
				resp := wireServe(h, wireRequest(t, fixture))
				assert.Equal(t, http.StatusInternalServerError, resp.StatusCode)
				var panicked *webpubsub.PanicError
				require.ErrorAs(t, seen, &panicked)
				if value != nil {
					assert.Equal(t, value, panicked.Value)
				}
				assert.Contains(t, string(panicked.Stack), "interceptor_test.go", "the stack of where it happened")
				assert.Equal(t, http.StatusInternalServerError, webpubsub.StatusOf(seen))
				if value == cause { //nolint:errorlint // the very value
					require.ErrorIs(t, seen, cause)
				}
				body := wireText(t, resp)
				assert.NotContains(t, body, "secret")
				assert.NotContains(t, body, "goroutine")
			})
		}
	}
}

func TestPanicWithoutInterceptors(t *testing.T) {
	t.Parallel()
	for fixture := range eventKinds {
		h := wireHandler(t, returning(func(context.Context) error { panic("secret") }))
		resp := wireServe(h, wireRequest(t, fixture))
		assert.Equal(t, http.StatusInternalServerError, resp.StatusCode, fixture)
		assertNothingOfTheReply(t, resp)
		assert.Equal(t, http.StatusInternalServerError, wireServe(h, wireRequest(t, fixture)).StatusCode, "alive")
	}
}

func TestErrAbortHandlerPasses(t *testing.T) {
	t.Parallel()
	abort := func(context.Context) error { panic(http.ErrAbortHandler) }
	for fixture := range eventKinds {
		for name, chain := range map[string][]interceptor{
			"without interceptors": nil,
			"with an interceptor": {func(ctx context.Context, _ webpubsub.Event, next next) error {
				return next(ctx)
			}},
		} {
			h := wireHandler(t, returning(abort, chain...))
			assert.PanicsWithValue(t, http.ErrAbortHandler, func() { wireServe(h, wireRequest(t, fixture)) }, "%s %s", fixture, name)
		}
	}
}

// A panic while a reply is encoded is treated like a panic of the function.
func TestPanicWhileEncoding(t *testing.T) {
	t.Parallel()
	h := wireHandler(t, webpubsub.Config{Fallback: func(context.Context, *webpubsub.UserEvent) (webpubsub.Reply, error) {
		return webpubsub.JSONReply(panickingJSON{}), nil
	}})
	assert.Equal(t, http.StatusInternalServerError, wireServe(h, wireRequest(t, "user_text")).StatusCode)
}

type panickingJSON struct{}

func (panickingJSON) MarshalJSON() ([]byte, error) { panic("secret") }

// A nil *Error in an error is neither a refusal nor success.
func TestNilErrorsInInterfaces(t *testing.T) {
	t.Parallel()
	for name, err := range map[string]error{
		"Error": (*webpubsub.Error)(nil), "DecodeError": (*webpubsub.DecodeError)(nil),
		"ValidationError": (*webpubsub.ValidationError)(nil), "PanicError": (*webpubsub.PanicError)(nil),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, http.StatusInternalServerError, webpubsub.StatusOf(err))
			for fixture := range eventKinds {
				h := wireHandler(t, returning(func(context.Context) error { return err }))
				resp := wireServe(h, wireRequest(t, fixture))
				assert.Equal(t, http.StatusInternalServerError, resp.StatusCode, fixture)
				assertNothingOfTheReply(t, resp)
			}
			h := wireHandler(t, webpubsub.Config{Verifier: verifierFunc(func(*http.Request) error { return err }), AllowedOrigins: []string{"*"}})
			assert.GreaterOrEqual(t, wireServe(h, wireRequest(t, "connected")).StatusCode, 400)
		})
	}
}

func TestHandlerTimeout(t *testing.T) {
	t.Parallel()
	wait := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	for fixture, kind := range eventKinds {
		t.Run(fixture, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				serve := func(timeout time.Duration, do func(context.Context) error) (int, time.Duration) {
					cfg := returning(do, func(ctx context.Context, _ webpubsub.Event, next next) error {
						_, limited := ctx.Deadline()
						assert.Equal(t, timeout > 0, limited)
						return next(ctx)
					})
					cfg.HandlerTimeout = timeout
					h, r, start := wireHandler(t, cfg), wireRequest(t, fixture), time.Now()
					resp := wireServe(h, r)
					if resp.StatusCode >= 400 {
						assertNothingOfTheReply(t, resp)
					}
					return resp.StatusCode, time.Since(start)
				}
				status, took := serve(3*time.Second, wait)
				assert.Equal(t, http.StatusGatewayTimeout, status)
				assert.Equal(t, 3*time.Second, took)

				status, _ = serve(3*time.Second, func(ctx context.Context) error { return errors.Join(errors.New("query"), wait(ctx)) })
				assert.Equal(t, http.StatusGatewayTimeout, status, "wrapped")

				late := func(context.Context) error { <-time.After(4 * time.Second); return nil }
				status, took = serve(3*time.Second, late)
				assert.Equal(t, kind.success, status, "what does not watch its context is not interrupted")
				assert.Equal(t, 4*time.Second, took)
				status, _ = serve(0, late)
				assert.Equal(t, kind.success, status)
			})
		})
	}
}
