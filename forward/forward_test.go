package forward_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/forward"
	"github.com/go-webpubsub/webpubsub/httptest"
)

// life raises an event of each kind.
func life(t *testing.T, h http.Handler) {
	t.Helper()
	ctx, conn := t.Context(), connect(t, h, nil)
	require.NoError(t, conn.Connected(ctx))
	_, err := conn.SendText(ctx, "say", "hello")
	require.NoError(t, err)
	require.NoError(t, conn.JoinedGroup(ctx, "lobby"))
	require.NoError(t, conn.LeftGroup(ctx, "lobby"))
	require.NoError(t, conn.Disconnect(ctx, "bye"))
}

func TestWhichEvents(t *testing.T) {
	t.Parallel()
	all := []string{"sys.connect", "sys.connected", "user.say", "gp.joined", "gp.left", "sys.disconnected"}
	for _, tc := range []struct {
		name string
		opts *forward.Options
		want []string
	}{
		{"by default all but connect", nil, all[1:]},
		{"all", &forward.Options{Select: func(webpubsub.Event) bool { return true }}, all},
		{"user events", &forward.Options{Select: func(ev webpubsub.Event) bool {
			_, ok := ev.(*webpubsub.UserEvent)
			return ok
		}}, []string{"user.say"}},
		{"after they are handled", &forward.Options{HandleFirst: true}, all[1:]},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var q queue
			life(t, handler(t, webpubsub.Config{}, interceptor(t, q.Send, tc.opts)))
			assert.Equal(t, tc.want, q.types())
		})
	}
}

// order records what happens to an event.
type order struct {
	steps []string
	send  cloudevents.Result // result of the sender
	say   error              // of the function
}

func (o *order) handler(t *testing.T, opts *forward.Options) *webpubsub.Handler {
	t.Helper()
	return handler(t, webpubsub.Config{UserEvents: map[string]webpubsub.UserEventFunc{
		"say": func(_ context.Context, ev *webpubsub.UserEvent) (webpubsub.Reply, error) {
			o.steps = append(o.steps, "handled")
			copy(ev.Data, "HELLO")
			return webpubsub.TextReply("done"), o.say
		},
	}}, interceptor(t, func(_ context.Context, ev cloudevents.Event) cloudevents.Result {
		o.steps = append(o.steps, "sent "+string(ev.Data()))
		return o.send
	}, opts))
}

func TestOrder(t *testing.T) {
	t.Parallel()
	sent, handled := "sent hello", "handled"
	for _, tc := range []struct {
		name        string
		handleFirst bool
		send        cloudevents.Result
		say         error
		steps       []string
		status      int // zero: success
	}{
		{"sent, then handled", false, cloudevents.ResultACK, nil, []string{sent, handled}, 0},
		{"nil is an acknowledgement", false, nil, nil, []string{sent, handled}, 0},
		{"not sent, not handled", false, errDown, nil, []string{sent}, 503},
		{"nack", false, cloudevents.ResultNACK, nil, []string{sent}, 503},
		{"sent, then refused", false, nil, webpubsub.Forbidden("no"), []string{sent, handled}, 403},
		{"handled, then sent", true, cloudevents.ResultACK, nil, []string{handled, sent}, 0},
		{"handled, then not sent", true, errDown, nil, []string{handled, sent}, 503},
		{"refused, not sent", true, nil, webpubsub.Forbidden("no"), []string{handled}, 403},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			o := order{send: tc.send, say: tc.say}
			conn := connect(t, o.handler(t, &forward.Options{HandleFirst: tc.handleFirst}), nil)
			answer, err := conn.SendText(t.Context(), "say", "hello")
			assert.Equal(t, tc.steps, o.steps)
			if tc.status != 0 {
				assert.Equal(t, tc.status, statusOf(t, err))
				return
			}
			require.NoError(t, err)
			assert.Equal(t, "done", answer.Text())
		})
	}
}

// Whatever the sender does wrong, the service delivers the event again, and the repeat
// has the same message id.
func TestFailuresAreRepeated(t *testing.T) {
	t.Parallel()
	for name, failure := range map[string]forward.Sender{
		"down":  func(context.Context, cloudevents.Event) cloudevents.Result { return errDown },
		"nack":  func(context.Context, cloudevents.Event) cloudevents.Result { return cloudevents.ResultNACK },
		"panic": func(context.Context, cloudevents.Event) cloudevents.Result { panic("no") },
		"abort": func(context.Context, cloudevents.Event) cloudevents.Result { panic(http.ErrAbortHandler) },
		"slow": func(ctx context.Context, _ cloudevents.Event) cloudevents.Result {
			<-ctx.Done()
			return ctx.Err()
		},
		"HTTP status of a refusal": func(context.Context, cloudevents.Event) cloudevents.Result {
			return cloudevents.NewHTTPResult(http.StatusBadRequest, "no")
		},
		"error of the handler's own": func(context.Context, cloudevents.Event) cloudevents.Result {
			return webpubsub.BadRequest("no")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var q queue
				var ids []string
				h := handler(t, webpubsub.Config{}, interceptor(t, func(ctx context.Context, ev cloudevents.Event) cloudevents.Result {
					ids = append(ids, forward.MessageID(ev))
					if len(ids) < 4 {
						return failure(ctx, ev)
					}
					return q.Send(ctx, ev)
				}, nil))
				_, err := connect(t, h, &httptest.Options{Retry: true}).SendText(t.Context(), "say", "hello")
				require.NoError(t, err)
				assert.Equal(t, slices.Repeat([]string{"/hubs/chat/client/c1/2"}, 4), ids)
				assert.Equal(t, "hello", string(q.one(t).Data()))
			})
		})
	}
}

func TestTimeout(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		opts *forward.Options
		want time.Duration
	}{
		{"default", nil, forward.DefaultTimeout},
		{"given", &forward.Options{Timeout: time.Second}, time.Second},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var took time.Duration
				h := handler(t, webpubsub.Config{}, interceptor(t, func(ctx context.Context, _ cloudevents.Event) cloudevents.Result {
					start := time.Now()
					<-ctx.Done()
					took = time.Since(start)
					return ctx.Err()
				}, tc.opts))
				_, err := connect(t, h, nil).SendText(t.Context(), "say", "hello")
				assert.Equal(t, http.StatusServiceUnavailable, statusOf(t, err))
				assert.Equal(t, tc.want, took)
			})
		})
	}
}

func TestRepeatIsNotSentAgain(t *testing.T) {
	t.Parallel()
	store, err := webpubsub.NewMemoryStore(nil)
	require.NoError(t, err)
	var q queue
	h := handler(t, webpubsub.Config{Deduplication: webpubsub.Deduplication{Store: store}}, interceptor(t, q.Send, nil))
	conn := connect(t, h, nil)
	_, err = conn.SendText(t.Context(), "say", "hello")
	require.NoError(t, err)
	_, err = conn.Redeliver(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 1, q.received)
}

// The text of a failure reaches the log, the URL of the receiver and the payload do not.
func TestLog(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	h := handler(t, webpubsub.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))},
		interceptor(t, func(context.Context, cloudevents.Event) cloudevents.Result {
			return fmt.Errorf("send: %w", &url.Error{Op: "Post", URL: "http://sink.test/?code=secret", Err: errDown})
		}, nil))
	_, err := connect(t, h, nil).SendText(t.Context(), "say", "private words")
	var rejected *httptest.RejectedError
	require.ErrorAs(t, err, &rejected)
	assert.Equal(t, "the event could not be forwarded", string(rejected.Body))
	assert.Contains(t, log.String(), errDown.Error())
	assert.NotContains(t, log.String(), "secret")
	assert.NotContains(t, log.String(), "private")
}

func TestInvalidOptions(t *testing.T) {
	t.Parallel()
	var q queue
	for _, tc := range []struct {
		name   string
		sender forward.Sender
		opts   *forward.Options
		want   string
	}{
		{"no sender", nil, nil, "forward: sender is nil: pass the method Send of a CloudEvents client"},
		{"negative timeout", q.Send, &forward.Options{Timeout: -1}, "forward: Timeout is -1ns, want 0 for 10s, or at most 1m30s: the service waits 100 seconds"},
		{"timeout of the service", q.Send, &forward.Options{Timeout: 100 * time.Second}, "forward: Timeout is 1m40s, want 0 for 10s, or at most 1m30s: the service waits 100 seconds"},
		{"negative limit", q.Send, &forward.Options{MaxBytes: -1}, "forward: MaxBytes is -1, want 0 for 1048576, or more"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, err := forward.To(tc.sender, tc.opts)
			assert.EqualError(t, err, tc.want)
		})
	}
	_, err := forward.To(q.Send, &forward.Options{Timeout: forward.MaxTimeout})
	assert.NoError(t, err)
}
