package app_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	chat "github.com/go-webpubsub/webpubsub/examples/chat/app"
	"github.com/go-webpubsub/webpubsub/httptest"
)

var key = []byte("a key of tickets that the test knows")

func sign(t *testing.T, method jwt.SigningMethod, key any, who chat.Person, until time.Time) string {
	t.Helper()
	var registered jwt.RegisteredClaims
	if !until.IsZero() {
		registered.ExpiresAt = jwt.NewNumericDate(until)
	}
	ticket, err := jwt.NewWithClaims(method, chat.Claims(who, registered)).SignedString(key)
	require.NoError(t, err)
	return ticket
}

// TestConnect calls the event handler itself, since clients see only the status of a
// refusal.
func TestConnect(t *testing.T) {
	t.Parallel()
	ann := chat.Person{User: "a", Name: "Ann"}
	soon := time.Now().Add(time.Hour)
	good := sign(t, jwt.SigningMethodHS256, key, ann, soon)
	head, tail, _ := strings.Cut(good, ".")
	for _, tt := range []struct {
		name, ticket string
		status       int
		want         string
	}{
		{"good", good, 101, ""},
		{"missing", "", 401, "Your ticket is not or no longer valid."},
		{"not a ticket", "x", 401, "Your ticket is not or no longer valid."},
		{"of another server", sign(t, jwt.SigningMethodHS256, []byte("another key"), ann, soon), 401, "Your ticket is not or no longer valid."},
		{"expired", sign(t, jwt.SigningMethodHS256, key, ann, time.Now().Add(-time.Second)), 401, "Your ticket is not or no longer valid."},
		{"expired, of another server", sign(t, jwt.SigningMethodHS256, []byte("another key"), ann, time.Now().Add(-time.Second)), 401, "Your ticket is not or no longer valid."},
		{"for ever", sign(t, jwt.SigningMethodHS256, key, ann, time.Time{}), 401, "Your ticket is not or no longer valid."},
		{"tampered with", head + ".e30" + tail, 401, "Your ticket is not or no longer valid."},
		{"cut", good[:len(good)-2], 401, "Your ticket is not or no longer valid."},
		{"not signed", sign(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, ann, soon), 401, "Your ticket is not or no longer valid."},
		{"signed in another way", sign(t, jwt.SigningMethodHS384, key, ann, soon), 401, "Your ticket is not or no longer valid."},
		{"for nobody", sign(t, jwt.SigningMethodHS256, key, chat.Person{User: "a"}, soon), 400, "A nickname has 1 to 20 characters, all of which can be seen."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			h, err := chat.NewHandler(httptest.ConnectionString, key, &out)
			require.NoError(t, err)
			conn, err := httptest.New(h, nil).Connect(t.Context(), &httptest.Client{
				UserID: "somebody else",
				Groups: []string{"secret"},
				Roles:  []string{"webpubsub.sendToGroup"},
				Query:  url.Values{"ticket": {tt.ticket}},
			})
			require.Equal(t, tt.status, httptest.StatusOf(err))
			if tt.status != 101 {
				var rejected *httptest.RejectedError
				require.ErrorAs(t, err, &rejected)
				assert.Equal(t, tt.want, string(rejected.Body))
				assert.Contains(t, out.String(), fmt.Sprintf("connect      %d", tt.status))
				assert.NotContains(t, out.String(), "ticket")
				return
			}
			assert.Equal(t, "a", conn.UserID)
			assert.Equal(t, []string{"lobby"}, conn.Groups)
			assert.Empty(t, conn.Roles, "clients raise events and nothing else")
		})
	}
}

// TestRefusedAtTheDoor: the login says why a connection was refused.
func TestRefusedAtTheDoor(t *testing.T) {
	t.Parallel()
	s := start(t)
	got := s.admit("Ann", "ann")
	u, err := url.Parse(got.URL)
	require.NoError(t, err)
	q := u.Query()
	ticket := q.Get("ticket")
	for _, tt := range []struct{ name, ticket string }{{"missing", ""}, {"wrong", "x"}, {"tampered with", ticket[:len(ticket)-4] + "AAAA"}} {
		q.Set("ticket", tt.ticket)
		u.RawQuery = q.Encode()
		_, res, err := websocket.Dial(t.Context(), u.String(), &websocket.DialOptions{Subprotocols: []string{"json.webpubsub.azure.v1"}})
		require.Error(t, err, tt.name)
		require.NotNil(t, res, tt.name)
		assert.Equal(t, http.StatusUnauthorized, res.StatusCode, tt.name)
		if tt.ticket != "" {
			status, got := s.login(fmt.Sprintf(`{"nickname":"Ann","secret":%q,"refused":%q}`, secret("ann"), tt.ticket))
			assert.Equal(t, http.StatusUnauthorized, status, tt.name)
			assert.Equal(t, answer{Reason: "Your ticket is not or no longer valid."}, got, tt.name)
		}
	}
	status, _ := s.login(fmt.Sprintf(`{"nickname":"Ann","secret":%q,"refused":%q}`, secret("ann"), ticket))
	assert.Equal(t, http.StatusOK, status, "a good ticket was not refused for what it is")

	// Without a token of the service, there is no connect event.
	_, res, err := websocket.Dial(t.Context(), strings.Replace(got.URL, "access_token=", "x=", 1), nil)
	require.Error(t, err)
	require.NotNil(t, res)
	assert.Equal(t, http.StatusUnauthorized, res.StatusCode)
}

func TestNicknames(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.open("Ann")
	const rule, taken = "A nickname has 1 to 20 characters, all of which can be seen.", "Somebody here has this nickname."
	for _, tt := range []struct {
		name, nickname string
		status         int
		want           string // the name, or the reason
	}{
		{"as it is", "Ben", 200, "Ben"},
		{"with space around", " Ben  Bo ", 200, "Ben Bo"},
		{"letters of all kinds", "Zoë 世界 🦊", 200, "Zoë 世界 🦊"},
		{"of 20 letters", strings.Repeat("ö", 20), 200, strings.Repeat("ö", 20)},
		{"of 21 letters", strings.Repeat("ö", 21), 400, rule},
		{"empty", "", 400, rule},
		{"blank", " \u3000 ", 400, rule},
		{"control character", "A\u0007", 400, rule},
		{"character of no width", "Be\u200bn", 400, rule},
		{"right to left override", "Be\u202en", 400, rule},
		{"taken", "Ann", 409, taken},
		{"taken, in other letters", "ANN", 409, taken},
		{"taken, in wide letters", "Ａｎｎ", 409, taken},
	} {
		body, err := json.Marshal(map[string]string{"nickname": tt.nickname, "secret": secret(tt.name)})
		require.NoError(t, err)
		status, got := s.login(string(body))
		assert.Equal(t, tt.status, status, tt.name)
		assert.Equal(t, tt.want, got.Name+got.Reason, tt.name)
	}
}

// TestTwoWantOneNickname: the login admits both, since neither is connected; the
// connect event admits the first only.
func TestTwoWantOneNickname(t *testing.T) {
	t.Parallel()
	s := start(t)
	first, second := s.admit("Ann", "first"), s.admit("Ann", "second")
	s.connect(first)
	_, res, err := websocket.Dial(t.Context(), second.URL, nil)
	require.Error(t, err)
	require.NotNil(t, res)
	assert.Equal(t, http.StatusConflict, res.StatusCode)
	status, got := s.login(fmt.Sprintf(`{"nickname":"Ann","secret":%q}`, secret("second")))
	assert.Equal(t, http.StatusConflict, status)
	assert.Equal(t, "Somebody here has this nickname.", got.Reason)
}

func TestLoginOfStrangers(t *testing.T) {
	t.Parallel()
	s := start(t)
	good := fmt.Sprintf(`{"nickname":"Ann","secret":%q}`, secret(""))
	const malformed = "A login is JSON of at most 4 KiB, with a secret of 32 characters or more."
	header := func(name, v string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, v) }
	}
	for _, tt := range []struct {
		name, body string
		change     func(*http.Request)
		status     int
		reason     string
	}{
		{"good", good, header("Origin", s.url), 200, ""},
		{"empty", "", nil, 400, malformed},
		{"not JSON", "nickname=Ann", nil, 400, malformed},
		{"a list", "[]", nil, 400, malformed},
		{"null", "null", nil, 400, malformed},
		{"no secret", `{"nickname":"Ann"}`, nil, 400, malformed},
		{"short secret", `{"nickname":"Ann","secret":"1234567890123456789012345678901"}`, nil, 400, malformed},
		{"too long", `{"nickname":"` + strings.Repeat("x", 4<<10) + `"}`, nil, 400, malformed},
		{"cross-origin", good, header("Origin", "https://evil.example"), 403, ""},
		{"cross-site", good, header("Sec-Fetch-Site", "cross-site"), 403, ""},
		{"GET", "", func(r *http.Request) { r.Method = http.MethodGet }, 404, ""},
		{"PUT", good, func(r *http.Request) { r.Method = http.MethodPut }, 405, ""},
		{"form", good, header("Content-Type", "application/x-www-form-urlencoded"), 400, malformed},
	} {
		status, got := s.login(tt.body, func(r *http.Request) {
			if tt.change != nil {
				tt.change(r)
			}
		})
		assert.Equal(t, tt.status, status, tt.name)
		assert.Equal(t, tt.reason, got.Reason, tt.name)
	}
}

func TestErrorsShowNoSecret(t *testing.T) {
	t.Parallel()
	s := run(t)
	ann := s.open("Ann")
	ann.raise("say", say("lobby", "x"))
	raw := fmt.Sprintf("%+v", ann.hearOf("said", ann.user))
	assert.NotContains(t, raw, secret("Ann"))
	require.NoError(t, s.stop())
	for line := range s.lines {
		assert.NotContains(t, line, secret("Ann"))
		assert.NotContains(t, line, "eyJ", "a token")
		assert.NotContains(t, line, "AccessKey")
	}
}
