package webpubsub_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
	whttptest "github.com/go-webpubsub/webpubsub/httptest"
)

// The functions of this file are the Go blocks of docs/events.md, docs/testing.md and docs/migrating.md.

func connect(_ context.Context, ev *webpubsub.ConnectEvent) (*webpubsub.ConnectReply, error) {
	user, ok := userOfTicket(ev.Query.Get("ticket"))
	if !ok {
		return nil, webpubsub.Unauthorized("unknown ticket")
	}
	return &webpubsub.ConnectReply{
		UserID: user,
		Groups: []string{"lobby"},
		Roles:  []string{webpubsub.RoleSendToGroup("lobby")},
	}, nil
}

// userOfTicket accepts the tickets "ann's", "ben's" and so on.
func userOfTicket(ticket string) (string, bool) { return strings.CutSuffix(ticket, "'s") }

type Said struct {
	Room string `json:"room" validate:"required,max=64"`
	Text string `json:"text" validate:"required,max=4000"`
}

type Receipt struct {
	Length int `json:"length"`
}

func say(_ context.Context, _ *webpubsub.UserEvent, in Said) (Receipt, error) {
	return Receipt{Length: len(in.Text)}, nil // in is decoded and valid
}

func chatConfig(connectionString string) webpubsub.Config {
	return webpubsub.Config{
		Hub:               "chat",
		ConnectionStrings: []string{connectionString},
		OnConnect:         connect,
		UserEvents: map[string]webpubsub.UserEventFunc{
			"say": webpubsub.JSON(say),
		},
	}
}

type Seen struct {
	Count int `json:"count"`
}

var counter webpubsub.State[Seen]

func count(_ context.Context, ev *webpubsub.UserEvent, in string) (webpubsub.Reply, error) {
	seen, err := counter.Get(ev) // the zero Seen if there is none yet
	if err != nil {
		return webpubsub.Reply{}, err
	}
	seen.Count++
	reply := webpubsub.TextReply(fmt.Sprintf("%d: %s", seen.Count, in))
	reply.State = counter.Set(seen) // sent only if the event succeeds
	reply.Metadata = map[string]string{"priority": "low"}
	return reply, nil
}

type Visits struct {
	Seen int `json:"seen"`
}

var visits webpubsub.State[Visits]

func ticketed(_ context.Context, ev *webpubsub.ConnectEvent) (*webpubsub.ConnectReply, error) {
	user, ok := userOfTicket(ev.Query.Get("ticket"))
	if !ok {
		return nil, webpubsub.Unauthorized("no ticket")
	}
	return &webpubsub.ConnectReply{UserID: user, State: visits.Set(Visits{})}, nil
}

func numbered(_ context.Context, ev *webpubsub.UserEvent, text string) (webpubsub.Reply, error) {
	seen, err := visits.Get(ev)
	if err != nil {
		return webpubsub.Reply{}, err
	}
	seen.Seen++
	reply := webpubsub.TextReply(fmt.Sprintf("%d: %s", seen.Seen, text))
	reply.State = visits.Set(seen)
	return reply, nil
}

// In the .NET form of the state, 1 is the base64 text "MQ==".
var dotNetVisits = webpubsub.State[Visits]{Codec: webpubsub.StateDotNet}

func admit(_ context.Context, ev *webpubsub.ConnectEvent) (*webpubsub.ConnectReply, error) {
	user, ok := userOfTicket(ev.Query.Get("ticket"))
	if !ok {
		return nil, webpubsub.Unauthorized("no ticket")
	}
	return &webpubsub.ConnectReply{UserID: user}, nil
}

func visit(_ context.Context, ev *webpubsub.UserEvent, text string) (webpubsub.Reply, error) {
	seen, err := dotNetVisits.Get(ev)
	if err != nil {
		return webpubsub.Reply{}, err
	}
	seen.Seen++
	reply := webpubsub.TextReply(fmt.Sprintf("%d: %s", seen.Seen, text))
	reply.State = dotNetVisits.Set(seen)
	return reply, nil
}

func visitsConfig(connectionString string) webpubsub.Config {
	return webpubsub.Config{
		Hub:               "chat",
		ConnectionStrings: []string{connectionString},
		OnConnect:         admit,
		UserEvents: map[string]webpubsub.UserEventFunc{
			"message": webpubsub.Text(visit),
		},
	}
}

func withRefusals(cfg webpubsub.Config) webpubsub.Config {
	cfg.RefusalReply = webpubsub.JSONRefusal // {"error":{"status":409,"message":"the price is already 12"}}
	return cfg
}

func logHandled(ctx context.Context, ev webpubsub.Event, next func(context.Context) error) error {
	start := time.Now()
	err := next(ctx)
	slog.InfoContext(ctx, "handled", "event", ev, "status", webpubsub.StatusOf(err), "took", time.Since(start))
	return err
}

//nolint:paralleltest // as in the guide
func TestSay(t *testing.T) {
	h, err := webpubsub.NewHandler(chatConfig(whttptest.ConnectionString))
	require.NoError(t, err)
	svc := whttptest.New(h, nil)
	conn, err := svc.Connect(t.Context(), &whttptest.Client{Query: url.Values{"ticket": {"ann's"}}})
	require.NoError(t, err)
	assert.Equal(t, []string{"lobby"}, conn.Groups)
	answer, err := conn.SendJSON(t.Context(), "say", Said{Room: "lobby", Text: "hello"})
	require.NoError(t, err)
	assert.JSONEq(t, `{"length":5}`, answer.Text())

	_, err = conn.SendJSON(t.Context(), "say", Said{Room: "lobby"})
	assert.Equal(t, http.StatusBadRequest, whttptest.StatusOf(err))
}

//nolint:paralleltest // as in the guide
func TestConformance(t *testing.T) {
	h, err := webpubsub.NewHandler(chatConfig(whttptest.ConnectionString))
	require.NoError(t, err)
	require.NoError(t, whttptest.CheckHandler(t.Context(), h, nil))
}

// TestEventsGuide runs the code that the tests of the guide do not.
func TestEventsGuide(t *testing.T) {
	t.Parallel()
	cfg := withRefusals(chatConfig(whttptest.ConnectionString))
	cfg.Interceptors = []webpubsub.Interceptor{logHandled}
	cfg.UserEvents["message"] = webpubsub.Text(count)
	h, err := webpubsub.NewHandler(cfg)
	require.NoError(t, err)
	svc := whttptest.New(h, nil)
	_, err = svc.Connect(t.Context(), &whttptest.Client{Query: url.Values{"ticket": {"forged"}}})
	assert.Equal(t, http.StatusUnauthorized, whttptest.StatusOf(err))

	conn, err := svc.Connect(t.Context(), &whttptest.Client{Query: url.Values{"ticket": {"ann's"}}})
	require.NoError(t, err)
	for _, want := range []string{"1: a", "2: a"} {
		answer, err := conn.SendText(t.Context(), "message", "a")
		require.NoError(t, err)
		assert.Equal(t, want, answer.Text())
		assert.Equal(t, map[string]string{"priority": "low"}, answer.Metadata)
	}
	h, err = webpubsub.NewHandler(webpubsub.Config{
		ConnectionStrings: []string{whttptest.ConnectionString},
		OnConnect:         ticketed,
		UserEvents:        map[string]webpubsub.UserEventFunc{"message": webpubsub.Text(numbered)},
	})
	require.NoError(t, err)
	migrated, err := whttptest.New(h, nil).Connect(t.Context(), &whttptest.Client{Query: url.Values{"ticket": {"ann's"}}})
	require.NoError(t, err)
	answer, err := migrated.SendText(t.Context(), "message", "hello")
	require.NoError(t, err)
	assert.Equal(t, "1: hello", answer.Text())
	state, _ := migrated.State()
	assert.Equal(t, b64(`{"seen":1}`), state)

	h, err = webpubsub.NewHandler(visitsConfig(whttptest.ConnectionString))
	require.NoError(t, err)
	migrated, err = whttptest.New(h, nil).Connect(t.Context(), &whttptest.Client{Query: url.Values{"ticket": {"ann's"}}})
	require.NoError(t, err)
	for _, want := range []string{"1: hello", "2: hello"} {
		answer, err = migrated.SendText(t.Context(), "message", "hello")
		require.NoError(t, err)
		assert.Equal(t, want, answer.Text())
	}
	state, _ = migrated.State()
	assert.Equal(t, b64(`{"seen":"Mg=="}`), state) // 2

	refused, err := conn.SendJSON(t.Context(), "say", Said{Room: "lobby"})
	require.NoError(t, err)
	assert.JSONEq(t, `{"error":{"status":400,"message":"payload is not valid: text: required"}}`, refused.Text())
}
