package app_test

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	chat "github.com/go-webpubsub/webpubsub/examples/chat/app"
	webpubsubtest "github.com/go-webpubsub/webpubsub/httptest"
)

func TestLimits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := chat.NewLimits(2, 3)
		for range 3 {
			require.True(t, l.Allow("ann"))
		}
		require.False(t, l.Allow("ann"))
		<-time.After(time.Second / 2)
		require.True(t, l.Allow("ann"))
		require.False(t, l.Allow("ann"))

		// Others have other limits, except the few that share hers.
		allowed := 0
		for i := range 100 {
			if l.Allow(fmt.Sprint(i)) {
				allowed++
			}
		}
		assert.Greater(t, allowed, 50)
		<-time.After(time.Minute)
		for range 3 {
			require.True(t, l.Allow("ann"), "after a pause, no more than the burst")
		}
		require.False(t, l.Allow("ann"))
	})
}

func TestNetwork(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ remote, want string }{
		{"192.0.2.1:80", "192.0.2.1"},
		{"192.0.2.1:81", "192.0.2.1"},
		{"[::ffff:192.0.2.1]:80", "192.0.2.1"},
		{"[2001:db8:1:2:3:4:5:6]:80", "2001:db8:1:2::/64"},
		{"[2001:db8:1:2::1]:80", "2001:db8:1:2::/64"},
		{"[fe80::1%eth0]:80", "fe80::/64"},
		{"@", ""},
		{"", ""},
	} {
		assert.Equal(t, tt.want, chat.Network(tt.remote), tt.remote)
	}
}

// TestLoginsHaveALimit logs in from one network until it is refused.
func TestLoginsHaveALimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		mux := http.NewServeMux()
		require.NoError(t, chat.Mount(mux, webpubsubtest.ConnectionString, 1, chat.Stores{}, log.New(io.Discard, "", 0)))
		login := func(from string) (status int, body string) {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/login",
				strings.NewReader(fmt.Sprintf(`{"nickname":"Ann","secret":%q}`, secret("ann"))))
			r.Header.Set("Content-Type", "application/json")
			r.RemoteAddr = from
			w := httptest.NewRecorder()
			mux.ServeHTTP(w, r)
			return w.Code, w.Body.String()
		}
		refused := func(from string) {
			t.Helper()
			status, body := login(from)
			assert.Equal(t, http.StatusTooManyRequests, status)
			assert.JSONEq(t, `{"reason":"Too many people come from your address. Try again in a moment."}`, body)
		}
		for i := range 30 {
			status, body := login(fmt.Sprintf("[2001:db8::%d]:80", i))
			require.Equal(t, http.StatusOK, status, body)
		}
		refused("[2001:db8::31]:80")
		<-time.After(time.Second)
		status, _ := login("[2001:db8::31]:80")
		assert.Equal(t, http.StatusOK, status)
		refused("[2001:db8::32]:80")
		<-time.After(time.Hour)
		for i := range 30 {
			status, body := login("192.0.2.1:" + fmt.Sprint(i))
			require.Equal(t, http.StatusOK, status, body)
		}
		refused("192.0.2.1:80")
	})
}

// TestJoinsHaveALimit joins rooms with one connection until it is refused. The service
// is a fake that accepts all calls, counts them, and has a room with more people than
// the answer lists.
func TestJoinsHaveALimit(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	yes := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		if r.Method == http.MethodGet {
			assert.Equal(t, "200", r.URL.Query().Get("top"))
			members := "[" + strings.TrimSuffix(strings.Repeat(`{"connectionId":"c"},`, 200), ",") + "]"
			_, _ = io.WriteString(w, `{"value":`+members+`,"nextLink":"http://service/more?continuationToken=x"}`)
		}
	}))
	t.Cleanup(yes.Close)
	connectionString := "Endpoint=" + yes.URL + ";AccessKey=not a real key, only one for tests;Version=1.0;"
	h, err := chat.NewHandler(connectionString, key, io.Discard)
	require.NoError(t, err)
	ticket := sign(t, jwt.SigningMethodHS256, key, chat.Person{User: "a", Name: "Ann"}, time.Now().Add(time.Hour))
	ann, err := webpubsubtest.New(h, &webpubsubtest.Options{ConnectionString: connectionString}).
		Connect(t.Context(), &webpubsubtest.Client{Query: url.Values{"ticket": {ticket}}})
	require.NoError(t, err)
	for range 8 {
		answered, err := ann.SendJSON(t.Context(), "join", m{"room": "go"})
		require.NoError(t, err)
		var room chat.Notice
		require.NoError(t, json.Unmarshal(answered.Data, &room))
		assert.Equal(t, "room", room.Type)
		assert.Len(t, room.Notices, 200)
		assert.True(t, room.More)
	}
	asked := calls.Load()
	assert.EqualValues(t, 16, asked)
	answered, err := ann.SendJSON(t.Context(), "join", m{"room": "go"})
	require.NoError(t, err)
	assert.JSONEq(t, `{"error":{"status":429,"message":"You change rooms too often. Try again in a moment."}}`, string(answered.Data))
	assert.Equal(t, asked, calls.Load(), "the service is not asked")
}
