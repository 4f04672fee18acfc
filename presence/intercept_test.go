package presence_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/httptest"
	"github.com/go-webpubsub/webpubsub/presence"
)

func TestEvents(t *testing.T) {
	t.Parallel()
	tracker := newTracker(t, presence.Config{})
	tell(t, tracker, joined("c1", "ann", "lobby", "2"), joined("c2", "", "lobby", "2"), joined("c1", "ann", "b", "3"), connected("c3", "ann"))
	members, err := tracker.Members(t.Context(), "lobby")
	require.NoError(t, err)
	assert.Equal(t, []presence.Member{{ConnectionID: "c1", UserID: "ann"}, {ConnectionID: "c2"}}, members)
	groups, err := tracker.Groups(t.Context(), "c1")
	require.NoError(t, err)
	assert.Equal(t, []string{"b", "lobby"}, groups)
	connections, err := tracker.Connections(t.Context(), "ann")
	require.NoError(t, err)
	assert.Equal(t, []presence.Member{{ConnectionID: "c1", UserID: "ann"}, {ConnectionID: "c3", UserID: "ann"}}, connections)
	assert.True(t, online(t, tracker, "ann"))
	assert.False(t, online(t, tracker, ""), "c2 has no user")

	tell(t, tracker, left("c1", "ann", "b", "4"), disconnected("c3", "ann"), connected("c3", "ann"))
	groups, err = tracker.Groups(t.Context(), "c1")
	require.NoError(t, err)
	assert.Equal(t, []string{"lobby"}, groups)
	tell(t, tracker, disconnected("c1", "ann"))
	assert.Equal(t, []string{"c2"}, membersOf(t, tracker, "lobby"))
	assert.False(t, online(t, tracker, "ann"))
}

func TestOtherEventsPass(t *testing.T) {
	t.Parallel()
	store := memory(t)
	tracker := newTracker(t, presence.Config{Store: store})
	other := joined("c1", "ann", "g", "2")
	other.Hub = "other"
	tell(t, tracker, other, &webpubsub.UserEvent{Meta: meta("c1", "ann", "3")}, &webpubsub.ConnectEvent{Meta: meta("c1", "ann", "0")})
	assert.Zero(t, store.applied, "calls of the store")
	tell(t, tracker, joined("c1", "ann", "g", "2"))
	assert.Equal(t, 1, store.applied, "calls of the store")
}

// TestHubsOfOneStore: connection ids and groups count within their hub.
func TestHubsOfOneStore(t *testing.T) {
	t.Parallel()
	store := memory(t)
	chat, shop := newTracker(t, presence.Config{Store: store, Hub: "Chat"}), newTracker(t, presence.Config{Store: store, Hub: "shop"})
	inShop := joined("c1", "bob", "lobby", "2")
	inShop.Hub = "SHOP"
	for _, tracker := range []*presence.Tracker{chat, shop} { // in the chain of a handler of all hubs
		tell(t, tracker, joined("c1", "ann", "lobby", "2"), inShop, disconnected("c1", "ann"))
	}
	assert.Empty(t, membersOf(t, chat, "lobby"))
	assert.Equal(t, []string{"c1"}, membersOf(t, shop, "lobby"))
	assert.True(t, online(t, shop, "bob"))
}

// TestFunctionSeesItsEvent: the event is in the store when its function runs, and stays there if
// the function fails.
func TestFunctionSeesItsEvent(t *testing.T) {
	t.Parallel()
	tracker := newTracker(t, presence.Config{})
	h, err := webpubsub.NewHandler(webpubsub.Config{
		Logger:            slog.New(slog.DiscardHandler),
		ConnectionStrings: []string{httptest.ConnectionString},
		Interceptors:      []webpubsub.Interceptor{tracker.Intercept},
		OnConnected: func(ctx context.Context, ev *webpubsub.ConnectedEvent) error {
			is, err := tracker.Online(ctx, ev.UserID)
			if err != nil || !is {
				return fmt.Errorf("online: %v, %w", is, err)
			}
			return webpubsub.BadRequest("no")
		},
	})
	require.NoError(t, err)
	conn, err := httptest.New(h, &httptest.Options{Hub: "chat"}).Connect(t.Context(), &httptest.Client{UserID: "ann"})
	require.NoError(t, err)
	assert.Equal(t, http.StatusBadRequest, httptest.StatusOf(conn.Connected(t.Context())))
	assert.True(t, online(t, tracker, "ann"))
}

func TestCanceledRequest(t *testing.T) {
	t.Parallel()
	tracker := newTracker(t, presence.Config{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.NoError(t, tracker.Intercept(ctx, connected("c1", "ann"), func(context.Context) error { return nil }))
	assert.True(t, online(t, tracker, "ann"))
}

func TestStoreFails(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		repeat  bool
		handled bool
		status  int
	}{
		"the event is handled":  {false, true, http.StatusOK},
		"the event is repeated": {true, false, http.StatusServiceUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store, log := memory(t), new(logBook)
			tracker := newTracker(t, presence.Config{Store: store, RepeatIfStoreFails: tc.repeat, Logger: log.logger()})
			store.fail(errAway)
			handled := false
			err := tracker.Intercept(t.Context(), connected("c1", "ann"), func(context.Context) error { handled = true; return nil })
			assert.Equal(t, tc.handled, handled)
			assert.Equal(t, tc.status, webpubsub.StatusOf(err))
			assert.Contains(t, log.String(), `level=ERROR msg="presence: an event is not recorded" hub=chat connection_id=c1`)
			assert.Contains(t, log.String(), errAway.Error())
			assert.NotContains(t, log.String(), "ann", "users are not logged")
			if tc.repeat {
				require.ErrorIs(t, err, errAway)
			}
			store.fail(nil)
			tell(t, tracker, connected("c1", "ann"))
			assert.True(t, online(t, tracker, "ann"))
		})
	}
}

func TestErrorOfTheFunction(t *testing.T) {
	t.Parallel()
	tracker := newTracker(t, presence.Config{})
	want := errors.New("the function failed")
	for _, ev := range []webpubsub.Event{connected("c1", "ann"), &webpubsub.UserEvent{Meta: meta("c1", "ann", "3")}} {
		require.Equal(t, want, tracker.Intercept(t.Context(), ev, func(context.Context) error { return want }))
	}
	assert.True(t, online(t, tracker, "ann"))
}

// TestNames: an event with a name that no store has to accept is handled, but not recorded.
func TestNames(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		ev   webpubsub.Event
		want string
	}{
		"long connection": {connected(strings.Repeat("c", presence.MaxNameBytes+1), "ann"), "connection id"},
		"long user":       {connected("c1", strings.Repeat("u", presence.MaxNameBytes+1)), "user id"},
		"control in user": {connected("c1", "a\x00b"), "user id"},
		"no UTF-8":        {connected("c1", "a\xff"), "user id"},
		"blank group":     {joined("c1", "ann", " ", "2"), "group"},
		"empty group":     {left("c1", "ann", "", "2"), "group"},
		"group too long":  {joined("c1", "ann", strings.Repeat("g", 1025), "2"), "group"},
		"long session":    {mqtt(connected("c1", "ann"), strings.Repeat("s", presence.MaxNameBytes+1)), "session id"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store, log := memory(t), new(logBook)
			tracker := newTracker(t, presence.Config{Store: store, Logger: log.logger(), RepeatIfStoreFails: true})
			tell(t, tracker, tc.ev)
			assert.Zero(t, store.applied)
			assert.Contains(t, log.String(), `level=WARN msg="presence: an event is not recorded"`)
			assert.Contains(t, log.String(), "its "+tc.want)
			assert.Less(t, len(log.String()), 1000, "the name is cut")
		})
	}
}

// mqtt makes an event one of an MQTT session.
func mqtt[E webpubsub.Event](ev E, session string) E {
	ev.EventMeta().MQTT = &webpubsub.MQTTSession{SessionID: session, PhysicalConnectionID: "p1"}
	return ev
}

// at sets the time of an event.
func at[E webpubsub.Event](ev E, seconds int64) E {
	ev.EventMeta().Time = time.Unix(seconds, 0)
	return ev
}

// TestSessions: the end of an MQTT session that arrives late does not end the next session of
// the client.
func TestSessions(t *testing.T) {
	t.Parallel()
	tracker := newTracker(t, presence.Config{})
	tell(t, tracker,
		mqtt(joined("device1", "ann", "g", "2"), "s1"), mqtt(joined("device1", "ann", "h", "3"), "s1"),
		mqtt(connected("device1", "ann"), "s2"), mqtt(joined("device1", "ann", "g", "2"), "s2"))
	assert.Equal(t, []string{"device1"}, membersOf(t, tracker, "g"), "once")
	tell(t, tracker, mqtt(disconnected("device1", "ann"), "s1"), mqtt(joined("device1", "ann", "h", "4"), "s1"))
	assert.Equal(t, []string{"device1"}, membersOf(t, tracker, "g"))
	assert.Empty(t, membersOf(t, tracker, "h"))
	tell(t, tracker, mqtt(disconnected("device1", "ann"), "s2"))
	assert.Empty(t, membersOf(t, tracker, "g"))
	assert.False(t, online(t, tracker, "ann"))
}

// TestEventsWithoutSession: the network connection takes the place of an MQTT session without an
// id.
func TestEventsWithoutSession(t *testing.T) {
	t.Parallel()
	tracker := newTracker(t, presence.Config{})
	tell(t, tracker, mqtt(joined("device1", "ann", "g", "2"), ""), mqtt(disconnected("device1", "ann"), ""))
	again := mqtt(joined("device1", "ann", "g", "2"), "")
	again.MQTT.PhysicalConnectionID = "p2"
	tell(t, tracker, again)
	assert.Equal(t, []string{"device1"}, membersOf(t, tracker, "g"))
}

// TestOrder: which of two events about a group counts, whatever arrives first.
func TestOrder(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ earlier, later webpubsub.Event }{
		"by the number, not as text":    {left("c", "", "g", "9"), joined("c", "", "g", "10")},
		"the first number":              {left("c", "", "g", "0"), joined("c", "", "g", "1")},
		"whatever the time":             {at(left("c", "", "g", "2"), 2000), at(joined("c", "", "g", "3"), 1000)},
		"large numbers":                 {left("c", "", "g", "4503599627370493"), joined("c", "", "g", "4503599627370494")},
		"MQTT by the time":              {mqtt(at(left("c", "", "g", "7"), 1000), "s"), mqtt(at(joined("c", "", "g", "2"), 1001), "s")},
		"MQTT by the number":            {mqtt(at(left("c", "", "g", "2"), 1000), "s"), mqtt(at(joined("c", "", "g", "3"), 1000), "s")},
		"no number, by the time":        {at(left("c", "", "g", "b"), 1000), at(joined("c", "", "g", "a"), 1001)},
		"a number that is too large":    {at(left("c", "", "g", "9007199254740993"), 1000), at(joined("c", "", "g", "9007199254740992"), 1001)},
		"a time in the far future":      {mqtt(at(left("c", "", "g", "1"), 1<<33), "s"), mqtt(at(joined("c", "", "g", "2"), 1<<34), "s")},
		"at the same time, left counts": {at(joined("c", "", "g", "x"), 1000), at(left("c", "", "g", "y"), 1000)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := []string{"c"}
			if _, ok := tc.later.(*webpubsub.GroupLeftEvent); ok {
				want = []string{}
			}
			for _, events := range [][]webpubsub.Event{{tc.earlier, tc.later}, {tc.later, tc.earlier}, {tc.later, tc.earlier, tc.later, tc.earlier}} {
				tracker := newTracker(t, presence.Config{})
				tell(t, tracker, events...)
				assert.Equal(t, want, membersOf(t, tracker, "g"))
			}
		})
	}
}

func TestReadsFail(t *testing.T) {
	t.Parallel()
	store := memory(t)
	tracker := newTracker(t, presence.Config{Store: store})
	store.fail(errAway)
	_, err := tracker.Members(t.Context(), "g")
	require.ErrorIs(t, err, errAway)
	_, err = tracker.Groups(t.Context(), "c")
	require.ErrorIs(t, err, errAway)
	_, err = tracker.Connections(t.Context(), "ann")
	require.ErrorIs(t, err, errAway)
	_, err = tracker.Online(t.Context(), "ann")
	require.ErrorIs(t, err, errAway)
}
