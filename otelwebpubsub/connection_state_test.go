package otelwebpubsub_test

import (
	"context"
	"crypto/rand"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/httptest"
	"github.com/go-webpubsub/webpubsub/otelwebpubsub"
)

type session struct {
	N int `json:"n"`
}

func linked(t *testing.T, r *rig, state webpubsub.State[session], connects bool) *httptest.Service {
	t.Helper()
	cfg := webpubsub.Config{
		Hub: "chat",
		UserEvents: map[string]webpubsub.UserEventFunc{
			"read": func(_ context.Context, ev *webpubsub.UserEvent) (webpubsub.Reply, error) {
				s, err := state.Get(ev)
				return webpubsub.JSONReply(s), err
			},
			"count": func(_ context.Context, ev *webpubsub.UserEvent) (webpubsub.Reply, error) {
				s, err := state.Get(ev)
				s.N++
				reply := webpubsub.JSONReply(s)
				reply.State = state.Set(s)
				return reply, err
			},
			"refuse": func(context.Context, *webpubsub.UserEvent) (webpubsub.Reply, error) {
				return webpubsub.Reply{}, webpubsub.Conflict("no")
			},
			"long": func(context.Context, *webpubsub.UserEvent) (webpubsub.Reply, error) {
				return webpubsub.Reply{State: webpubsub.RawState(strings.Repeat("x", webpubsub.MaxStateBytes))}, nil
			},
		},
		RefusalReply: func(_ context.Context, _ *webpubsub.UserEvent, _ *webpubsub.Error) (webpubsub.Reply, bool) {
			return webpubsub.Reply{State: state.Set(session{N: 100})}, true
		},
	}
	if connects {
		cfg.OnConnect = func(context.Context, *webpubsub.ConnectEvent) (*webpubsub.ConnectReply, error) {
			return &webpubsub.ConnectReply{UserID: "ann", State: state.Set(session{N: 7})}, nil
		}
	}
	return r.started(t, cfg)
}

// TestLinkConnections: every event of a connection has a link to the span of its connect
// event, whatever the functions do with the state, and these see their own state.
func TestLinkConnections(t *testing.T) {
	t.Parallel()
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	keys, err := webpubsub.NewSealKeys(key)
	require.NoError(t, err)
	tests := map[string]struct {
		state    webpubsub.State[session]
		connects bool
		first    int
	}{
		"no function for connect": {first: 0},
		"JSON":                    {connects: true, first: 7},
		".NET":                    {state: webpubsub.State[session]{Codec: webpubsub.StateDotNet}, connects: true, first: 7},
		"sealed":                  {state: webpubsub.State[session]{Seal: keys}, connects: true, first: 7},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, otelwebpubsub.Options{LinkConnections: true})
			conn := connected(t, linked(t, r, tt.state, tt.connects))
			connect := r.only(t, "connect chat").SpanContext()
			want := tt.first
			for i, event := range []string{"read", "count", "read", "refuse", "read"} {
				answer, err := conn.SendText(t.Context(), event, "x")
				require.NoError(t, err, event)
				switch event {
				case "count":
					want++
				case "refuse":
					want = 100
					continue
				}
				var got session
				require.NoError(t, answer.JSON(&got))
				assert.Equal(t, want, got.N, "event %d", i)
			}
			_, err := conn.SendText(t.Context(), "long", "x")
			assert.Equal(t, http.StatusInternalServerError, httptest.StatusOf(err), "the longest state has no room for the note")
			require.NoError(t, conn.Disconnect(t.Context(), ""))
			assert.Len(t, r.spans.Ended(), 8)
			for _, span := range r.spans.Ended()[1:] {
				require.Len(t, span.Links(), 1, span.Name())
				link := span.Links()[0]
				assert.Equal(t, connect.SpanID(), link.SpanContext.SpanID())
				assert.Equal(t, connect.TraceID(), link.SpanContext.TraceID())
				assert.True(t, link.SpanContext.IsSampled())
				assert.Equal(t, "webpubsub.link=connect", text(link.Attributes))
				assert.NotEqual(t, connect.TraceID(), span.SpanContext().TraceID(), "a link does not continue the trace")
			}
		})
	}
}

// TestLinkConnectionsCost: what the state header costs, and that it costs nothing without
// the option.
func TestLinkConnectionsCost(t *testing.T) {
	t.Parallel()
	for linking, want := range map[bool]int{false: 0, true: 36} {
		r := newRig(t, otelwebpubsub.Options{LinkConnections: linking})
		conn := connected(t, linked(t, r, webpubsub.State[session]{}, false))
		state, _ := conn.State()
		assert.Len(t, state, want)
	}
}

// TestForgedNote: what is no note of ours is the state of the functions.
func TestForgedNote(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ state, want string }{
		"short":           {"abc", "abc"},
		"no mark":         {strings.Repeat("A", 40), strings.Repeat("A", 40)},
		"not base64":      {"abc~t" + strings.Repeat("*", 34), "abc"},
		"zero":            {"abc~t" + strings.Repeat("A", 34), "abc"},
		"note alone":      {"~t" + strings.Repeat("B", 34), ""},
		"mark elsewhere":  {"abc~t" + strings.Repeat("B", 35), "abc~t" + strings.Repeat("B", 35)},
		"two notes":       {"a~t" + strings.Repeat("B", 34) + "~t" + strings.Repeat("C", 34), "a~t" + strings.Repeat("B", 34)},
		"longest allowed": {strings.Repeat("z", webpubsub.MaxStateBytes) + "~t" + strings.Repeat("B", 34), strings.Repeat("z", webpubsub.MaxStateBytes)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, otelwebpubsub.Options{LinkConnections: true})
			var got string
			svc := r.started(t, webpubsub.Config{Hub: "chat", Fallback: func(_ context.Context, ev *webpubsub.UserEvent) (webpubsub.Reply, error) {
				got = ev.RawState
				return webpubsub.Reply{}, nil
			}})
			req, err := svc.NewRequest(t.Context(), httptest.Event{Name: "e", ContentType: "text/plain", State: &tt.state})
			require.NoError(t, err)
			answer, err := svc.Do(req)
			require.NoError(t, err)
			assert.Equal(t, 204, answer.Status)
			assert.Equal(t, tt.want, got)
		})
	}
}
