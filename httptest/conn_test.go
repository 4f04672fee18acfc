package httptest_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/httptest"
)

func connect(tb testing.TB, h http.Handler) *httptest.Conn {
	tb.Helper()
	conn, err := httptest.New(h, nil).Connect(tb.Context(), nil)
	require.NoError(tb, err)
	return conn
}

// afterConnect returns a script that accepts the client and then answers by f.
func afterConnect(f func(w http.ResponseWriter, n int)) *script {
	return &script{answer: func(w http.ResponseWriter, n int) {
		if n == 1 {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		f(w, n)
	}}
}

func TestUE62NotificationThatKeepsFailing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := afterConnect(func(w http.ResponseWriter, n int) {
			if n <= 5 {
				w.WriteHeader(http.StatusServiceUnavailable)
			}
		})
		conn, err := httptest.New(h, &httptest.Options{Retry: true}).Connect(t.Context(), nil)
		require.NoError(t, err)
		var rejected *httptest.RejectedError
		require.ErrorAs(t, conn.Connected(t.Context()), &rejected)
		assert.Equal(t, "connected", rejected.Event)
		assert.Equal(t, 4, rejected.Attempts)
		_, err = conn.SendText(t.Context(), "message", "")
		require.NoError(t, err, "the connection stays")
		assert.Len(t, h.seen, 6)
		assert.Equal(t, "2", h.seen[5].Header.Get("ce-id"))
	})
}

func TestUE63OneConnectedAndOneDisconnected(t *testing.T) {
	t.Parallel()
	h := new(script)
	conn := connect(t, h)
	require.NoError(t, conn.Connected(t.Context()))
	require.Error(t, conn.Connected(t.Context()), "a client that recovers is not connected anew")
	require.NoError(t, conn.Disconnect(t.Context(), ""))
	require.ErrorIs(t, conn.Disconnect(t.Context(), ""), httptest.ErrClosed)
	var got []string
	for _, r := range h.seen {
		got = append(got, r.Header.Get("ce-eventName"))
	}
	assert.Equal(t, []string{"connect", "connected", "disconnected"}, got)
}

func TestUE64CookiesOfConnections(t *testing.T) {
	t.Parallel()
	h := &script{answer: func(w http.ResponseWriter, n int) {
		w.Header().Set("Set-Cookie", fmt.Sprintf("c=%d; HttpOnly", n))
		if n == 3 {
			w.WriteHeader(http.StatusForbidden) // its cookie is dropped
		}
	}}
	svc := httptest.New(h, nil)
	a, err := svc.Connect(t.Context(), nil)
	require.NoError(t, err)
	b, err := svc.Connect(t.Context(), nil)
	require.NoError(t, err)
	var rejected *httptest.RejectedError
	require.ErrorAs(t, a.Connected(t.Context()), &rejected)
	assert.Equal(t, "connected", rejected.Event)
	require.NoError(t, a.JoinedGroup(t.Context(), "g"))
	require.NoError(t, b.Connected(t.Context()))
	var cookies []string
	for _, r := range h.seen {
		cookies = append(cookies, r.Header.Get("Cookie"))
	}
	assert.Equal(t, []string{"", "", "c=1", "c=1", "c=2"}, cookies)
}

func TestUE82EventIDs(t *testing.T) {
	t.Parallel()
	h := new(script)
	conn := connect(t, h)
	_, err := conn.Send(t.Context(), "unsent", httptest.Message{ContentType: "no media type"})
	require.Error(t, err)
	_, err = conn.SendText(t.Context(), "early", "")
	require.NoError(t, err)
	require.NoError(t, conn.Connected(t.Context()))
	_, err = conn.SendText(t.Context(), "message", "")
	require.NoError(t, err)
	require.NoError(t, conn.JoinedGroup(t.Context(), "g"))
	require.NoError(t, conn.LeftGroup(t.Context(), "g"))
	require.NoError(t, conn.Disconnect(t.Context(), ""))
	var got []string
	for _, r := range h.seen {
		got = append(got, r.Header.Get("ce-id")+" "+r.Header.Get("ce-type")+" "+r.Header.Get("ce-eventName")+" "+r.Body)
	}
	assert.Equal(t, []string{
		"2 azure.webpubsub.user.early early ",
		"1 azure.webpubsub.sys.connected connected {}",
		"3 azure.webpubsub.user.message message ",
		`4 azure.webpubsub.gp.joined joined {"group":"g"}`,
		`5 azure.webpubsub.gp.left left {"group":"g"}`,
		`6 azure.webpubsub.sys.disconnected disconnected {"reason":null}`,
	}, got[1:])
}

func TestUE83EmptyState(t *testing.T) {
	t.Parallel()
	h := afterConnect(func(w http.ResponseWriter, n int) {
		switch n {
		case 2:
			w.Header()["Ce-Connectionstate"] = []string{"first", "last"}
		case 3:
			w.Header()["Ce-Connectionstate"] = []string{""}
		case 5:
			w.Header()["Ce-Connectionstate"] = []string{"of a notification"}
		}
	})
	conn := connect(t, h)
	_, ok := conn.State()
	assert.False(t, ok)
	for range 3 {
		_, err := conn.SendText(t.Context(), "message", "")
		require.NoError(t, err)
	}
	state, ok := conn.State()
	assert.True(t, ok)
	assert.Empty(t, state)
	require.NoError(t, conn.Connected(t.Context()))
	require.NoError(t, conn.Disconnect(t.Context(), ""))
	assert.NotContains(t, h.seen[1].Header, "Ce-Connectionstate")
	assert.Equal(t, []string{"last"}, h.seen[2].Header["Ce-Connectionstate"])
	assert.Equal(t, []string{""}, h.seen[3].Header["Ce-Connectionstate"])
	assert.Equal(t, []string{""}, h.seen[4].Header["Ce-Connectionstate"])
	assert.Equal(t, []string{""}, h.seen[5].Header["Ce-Connectionstate"], "a notification sets no state")
}

func TestUE121Redeliver(t *testing.T) {
	t.Parallel()
	h := &script{answer: func(w http.ResponseWriter, n int) {
		w.Header().Set("ce-connectionState", fmt.Sprint(n))
		if n > 1 {
			w.Header().Set("Content-Type", "text/plain")
			_, _ = fmt.Fprint(w, n)
		}
	}}
	conn := connect(t, h)
	first, err := conn.SendText(t.Context(), "message", "hello")
	require.NoError(t, err)
	again, err := conn.Redeliver(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "2", first.Text())
	assert.Equal(t, "3", again.Text())
	assert.Equal(t, h.seen[1], h.seen[2], "the state is that of the first delivery too")
	state, _ := conn.State()
	assert.Equal(t, "3", state)
	require.NoError(t, conn.Disconnect(t.Context(), ""))
	assert.Equal(t, "3", h.seen[3].Header.Get("ce-id"))
	msg, err := conn.Redeliver(t.Context())
	require.NoError(t, err)
	assert.Nil(t, msg)
	assert.Equal(t, h.seen[3], h.seen[4])
}

func TestRedeliverConnect(t *testing.T) {
	t.Parallel()
	h := &script{answer: func(w http.ResponseWriter, n int) { _, _ = fmt.Fprintf(w, `{"userId":"u%d"}`, n) }}
	conn := connect(t, h)
	_, err := conn.Redeliver(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "0", h.seen[1].Header.Get("ce-id"))
	assert.Equal(t, "u1", conn.UserID)
}

func TestClosedConn(t *testing.T) {
	t.Parallel()
	h := new(script)
	conn := connect(t, h)
	require.NoError(t, conn.Disconnect(t.Context(), ""))
	require.ErrorIs(t, conn.Disconnect(t.Context(), ""), httptest.ErrClosed)
	_, err := conn.SendText(t.Context(), "message", "")
	require.ErrorIs(t, err, httptest.ErrClosed)
	require.ErrorIs(t, conn.JoinedGroup(t.Context(), "g"), httptest.ErrClosed)
	require.NoError(t, conn.Connected(t.Context()), "may be overtaken")
	require.Error(t, conn.Connected(t.Context()))
	assert.Len(t, h.seen, 3)
}

func TestConcurrentEvents(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	ids := make(map[string]int)
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		ids[r.Header.Get("ce-id")]++
		mu.Unlock()
		w.Header().Set("ce-connectionState", r.Header.Get("ce-id"))
		_, _ = io.Copy(io.Discard, r.Body)
	})
	conn := connect(t, h)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			_, err := conn.SendText(t.Context(), "message", "x")
			assert.NoError(t, err)
		})
	}
	wg.Wait()
	assert.Len(t, ids, 9)
	for id, n := range ids {
		assert.Equal(t, 1, n, "id %s", id)
	}
}

// The handler gets the test's context, and a test can fail inside it.
func TestHandlerRunsInTheTest(t *testing.T) {
	t.Parallel()
	type key struct{}
	var got any
	h := newHandler(t, webpubsub.Config{
		ConnectionStrings: []string{httptest.ConnectionString},
		OnConnected: func(ctx context.Context, _ *webpubsub.ConnectedEvent) error {
			got = ctx.Value(key{})
			require.NotNil(t, got)
			return nil
		},
	})
	conn := connect(t, h)
	require.NoError(t, conn.Connected(context.WithValue(t.Context(), key{}, 1)))
	assert.Equal(t, 1, got)
}

func TestPathValue(t *testing.T) {
	t.Parallel()
	var tenant string
	mux := http.NewServeMux()
	mux.Handle("/tenants/{tenant}/events", newHandler(t, webpubsub.Config{
		ConnectionStrings: []string{httptest.ConnectionString},
		OnConnect: func(_ context.Context, ev *webpubsub.ConnectEvent) (*webpubsub.ConnectReply, error) {
			tenant = ev.PathValue("tenant")
			return nil, nil
		},
	}))
	svc := httptest.New(mux, &httptest.Options{URL: "http://app.test/tenants/contoso/events"})
	require.NoError(t, svc.Validate(t.Context()))
	_, err := svc.Connect(t.Context(), nil)
	require.NoError(t, err)
	assert.Equal(t, "contoso", tenant)
}
