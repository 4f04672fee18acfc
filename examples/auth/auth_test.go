package main_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
	auth "github.com/go-webpubsub/webpubsub/examples/auth"
)

const (
	key              = "not a real key, only one for tests"
	connectionString = "Endpoint=https://contoso.webpubsub.azure.com;AccessKey=" + key + ";Version=1.0;"
)

// object is a JSON object.
type object = map[string]any

// client describes the client of a connect event.
type client struct {
	id   string // connection id, or the MQTT client id
	body object
}

// connect delivers a connect event to the event handler as the service does.
func connect(t *testing.T, h http.Handler, c client) *httptest.ResponseRecorder {
	t.Helper()
	body := object{"claims": object{}, "query": object{}, "headers": object{}, "subprotocols": []string{}, "clientCertificates": []object{}}
	maps.Copy(body, c.body)
	data, err := json.Marshal(body)
	require.NoError(t, err)
	if c.id == "" {
		c.id = "0f9c97a2f0bf4706afe87a14e0797b11"
	}
	r := httptest.NewRequest(http.MethodPost, "/eventhandler", bytes.NewReader(data))
	for name, v := range map[string]string{
		"WebHook-Request-Origin": "contoso.webpubsub.azure.com",
		"Content-Type":           "application/json; charset=utf-8",
		"ce-awpsversion":         "1.0",
		"ce-specversion":         "1.0",
		"ce-type":                "azure.webpubsub.sys.connect",
		"ce-source":              "/hubs/chat/client/" + c.id,
		"ce-id":                  "0",
		"ce-time":                "2026-01-01T00:00:00Z",
		"ce-signature":           webpubsub.Sign(key, c.id),
		"ce-connectionId":        c.id,
		"ce-hub":                 "chat",
		"ce-eventName":           "connect",
	} {
		r.Header.Set(name, v)
	}
	if c.body["mqtt"] != nil {
		r.Header.Set("ce-subprotocol", "mqtt")
		r.Header.Set("ce-physicalConnectionId", "ph-31c6")
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// decode decodes the body of an answer.
func decode(t *testing.T, w *httptest.ResponseRecorder) object {
	t.Helper()
	var got object
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &got), w.Body.String())
	return got
}

func newHandler(t *testing.T, door *auth.Door) *webpubsub.Handler {
	t.Helper()
	h, err := webpubsub.NewHandler(webpubsub.Config{
		Hub:               "chat",
		ConnectionStrings: []string{connectionString},
		OnConnect:         door.OnConnect,
		Logger:            slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	return h
}

func claims(pairs object) client { return client{body: object{"claims": pairs}} }

func TestClaims(t *testing.T) {
	t.Parallel()
	h := newHandler(t, new(auth.Door))
	for _, tc := range []struct {
		name   string
		client client
		status int
		reply  object
		reason string
	}{
		{"admin", claims(object{"sub": []string{"ada"}, "role": []string{"admin"}}), http.StatusOK, object{
			"userId": "ada", "groups": []any{"lobby", "admins"},
			"roles": []any{"webpubsub.sendToGroup", "webpubsub.joinLeaveGroup"},
		}, ""},
		{"member of two teams", claims(object{"sub": []string{"vic"}, "team": []string{"red", "blue"}}), http.StatusOK, object{
			"userId": "vic", "groups": []any{"lobby", "team-red", "team-blue"},
			"roles": []any{"webpubsub.sendToGroup.team-red", "webpubsub.sendToGroup.team-blue"},
		}, ""},
		{"member of none loses the token's roles", claims(object{"sub": []string{"vic"}, "role": []string{"webpubsub.sendToGroup"}}), http.StatusOK,
			object{"userId": "vic", "groups": []any{"lobby"}, "roles": []any{}}, ""},
		{"anonymous", claims(object{}), http.StatusUnauthorized, nil, "sign in first"},
		{"anonymous admin", claims(object{"role": []string{"admin"}}), http.StatusUnauthorized, nil, "sign in first"},
		{"suspended admin", claims(object{"sub": []string{"ada"}, "role": []string{"admin", "suspended"}}), http.StatusForbidden, nil, "this account is suspended"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := connect(t, h, tc.client)
			require.Equal(t, tc.status, w.Code, w.Body.String())
			if tc.reply == nil {
				assert.Equal(t, tc.reason, w.Body.String())
				return
			}
			assert.Equal(t, tc.reply, decode(t, w))
		})
	}
}

func TestConnectWithTicket(t *testing.T) {
	t.Parallel()
	tickets := newTickets(t, 1)
	h := newHandler(t, &auth.Door{Tickets: tickets})
	good := tickets.Issue("Zoë", time.Now())

	w := connect(t, h, client{body: object{"query": object{"ticket": []string{good}}}})
	require.Equal(t, http.StatusOK, w.Code, w.Body.String())
	assert.Equal(t, object{"userId": "Zoë", "groups": []any{"lobby"}, "roles": []any{"webpubsub.sendToGroup.lobby"}}, decode(t, w))

	t.Run("again", func(t *testing.T) {
		t.Parallel()
		w := connect(t, h, client{body: object{"query": object{"ticket": []string{good}}}})
		assert.Equal(t, http.StatusOK, w.Code, "the service may deliver a connect event several times")
	})
	t.Run("a wrong one is not made up for by claims", func(t *testing.T) {
		t.Parallel()
		w := connect(t, h, client{body: object{
			"query":  object{"ticket": []string{"wrong"}},
			"claims": object{"sub": []string{"ada"}, "role": []string{"admin"}},
		}})
		assert.Equal(t, http.StatusUnauthorized, w.Code)
		assert.Equal(t, "the ticket is not or no longer valid", w.Body.String())
	})
	t.Run("where there are none", func(t *testing.T) {
		t.Parallel()
		w := connect(t, newHandler(t, new(auth.Door)), client{body: object{"query": object{"ticket": []string{good}}}})
		assert.Equal(t, http.StatusUnauthorized, w.Code)
	})
}

func newTickets(t *testing.T, fill byte) *auth.Tickets {
	t.Helper()
	tickets, err := auth.NewTickets(bytes.Repeat([]byte{fill}, 32))
	require.NoError(t, err)
	return tickets
}

func TestTickets(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	tickets := newTickets(t, 1)
	good := tickets.Issue("vic", now)
	other := tickets.Issue("root", now.Add(-time.Hour))
	for _, tc := range []struct {
		name   string
		ticket string
		at     time.Time
		user   string
	}{
		{"at once", good, now, "vic"},
		{"in its last second", good, now.Add(auth.TicketLifetime - time.Second), "vic"},
		{"at its end", good, now.Add(auth.TicketLifetime), ""},
		{"for nobody", tickets.Issue("", now), now, ""},
		{"empty", "", now, ""},
		{"dots", "..", now, ""},
		{"cut", good[:len(good)-1], now, ""},
		{"user of another", other[:len("cm9vdA")] + good[len("dmlj"):], now, ""},
		{"another server's", newTickets(t, 2).Issue("vic", now), now, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			user, ok := tickets.Check(tc.ticket, tc.at)
			assert.Equal(t, tc.user, user)
			assert.Equal(t, tc.user != "", ok)
		})
	}
	_, err := auth.NewTickets(make([]byte, 31))
	assert.EqualError(t, err, "ticket key has 31 bytes, want 32 random bytes or more")
}

// device is an MQTT client; an empty user or a nil password is not sent.
func device(id string, version int, user string, password []byte) client {
	mqtt := object{"protocolVersion": version}
	if user != "" {
		mqtt["username"] = user
	}
	if password != nil {
		mqtt["password"] = password // encoding/json makes base64 of it, as the service does
	}
	return client{id: id, body: object{"subprotocols": []string{"mqtt"}, "mqtt": mqtt}}
}

func TestMQTT(t *testing.T) {
	t.Parallel()
	secret := []byte("\x00binary \xff secret")
	h := newHandler(t, &auth.Door{Passwords: auth.Passwords{"device-7": sha256.Sum256(secret)}})

	w := connect(t, h, device("device-7", 5, "device-7", secret))
	require.Equal(t, http.StatusOK, w.Code, w.Body.String())
	assert.Equal(t, object{
		"userId": "device-7",
		"groups": []any{"devices/device-7/commands"},
		"roles":  []any{"webpubsub.sendToGroup.devices/device-7/telemetry"},
	}, decode(t, w))

	const mismatch, notYours = "user name and password do not match", "the client id must be the user's name"
	for _, tc := range []struct {
		name   string
		client client
		status int
		code   float64
		reason string
	}{
		{"wrong password, 5.0", device("device-7", 5, "device-7", []byte("guess")), http.StatusUnauthorized, 134, mismatch},
		{"wrong password, 3.1.1", device("device-7", 4, "device-7", []byte("guess")), http.StatusUnauthorized, 4, mismatch},
		{"no password", device("device-7", 5, "device-7", nil), http.StatusUnauthorized, 134, mismatch},
		{"unknown user", device("device-8", 5, "device-8", secret), http.StatusUnauthorized, 134, mismatch},
		{"no user", device("device-7", 4, "", secret), http.StatusUnauthorized, 4, mismatch},
		{"another's session, 5.0", device("device-1", 5, "device-7", secret), http.StatusBadRequest, 133, notYours},
		{"another's session, 3.1.1", device("device-1", 4, "device-7", secret), http.StatusBadRequest, 2, notYours},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := connect(t, h, tc.client)
			assert.Equal(t, tc.status, w.Code)
			assert.Equal(t, object{"mqtt": object{"code": tc.code, "reason": tc.reason}}, decode(t, w))
		})
	}
}

func TestParsePasswords(t *testing.T) {
	t.Parallel()
	sum := sha256.Sum256([]byte("secret"))
	data, err := json.Marshal(map[string]string{"vic": "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"})
	require.NoError(t, err)
	got, err := auth.ParsePasswords(data)
	require.NoError(t, err)
	assert.Equal(t, auth.Passwords{"vic": sum}, got)
	assert.True(t, got.Check("vic", []byte("secret")))

	for _, bad := range []string{`{"vic":"secret"}`, `{"vic":"abcd"}`, `{"":"2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"}`} {
		_, err := auth.ParsePasswords([]byte(bad))
		assert.ErrorContains(t, err, "is not a name and a SHA-256 digest in hexadecimal", bad)
	}
}
