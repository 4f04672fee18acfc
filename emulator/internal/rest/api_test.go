package rest_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/emulator"
	"github.com/go-webpubsub/webpubsub/emulator/internal/hub"
	"github.com/go-webpubsub/webpubsub/emulator/internal/rest"
	"github.com/go-webpubsub/webpubsub/emulator/internal/role"
	"github.com/go-webpubsub/webpubsub/emulator/internal/subprotocol"
	"github.com/go-webpubsub/webpubsub/emulator/internal/token"
	"github.com/go-webpubsub/webpubsub/emulator/internal/trace"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// unobserved is an event handler that ignores notifications and gets no other event.
type unobserved struct{ hub.EventHandler }

func (unobserved) Connected(*hub.Connection)                           {}
func (unobserved) Joined(*hub.Connection, string, trace.Context)       {}
func (unobserved) Left(*hub.Connection, string, trace.Context)         {}
func (unobserved) Disconnected(*hub.Connection, string, trace.Context) {}

// small is a hub with one connection, "c1" of user "ann" in group "g".
type small struct {
	hub    *hub.Hub
	member *hub.Connection
	link   *hub.Link

	mu     sync.Mutex
	frames int
}

func newSmall() *small {
	s := &small{hub: hub.New(hub.Config{Events: unobserved{}, Clock: hub.SystemClock{}, MaxGroups: hub.DefaultMaxGroups}).Hub("chat")}
	s.link = hub.NewLink(func(batch []hub.Frame) error {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.frames += len(batch)
		return nil
	}, func() {})
	s.link.Open()
	ann := "ann"
	s.member = s.hub.Connect(&hub.Client{ID: "c1", UserID: &ann, Groups: []string{"g"}}, subprotocol.Choose(wire.SubprotocolJSON, subprotocol.Raw{}).Output(), s.link)
	return s
}

// state is what a call can change in a small hub.
type state struct {
	there     bool
	groups    []string
	mayJoin   bool
	maySend   bool
	delivered int
}

func (s *small) state() state {
	s.link.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	groups := s.member.Groups()
	slices.Sort(groups)
	return state{len(s.hub.Select(hub.Target{})) == 1, groups, s.member.Allows(role.JoinLeave, "p"), s.member.Allows(role.Send, "p"), s.frames}
}

// FuzzCall checks that no call panics and that a call that fails, or only reads,
// changes nothing.
func FuzzCall(f *testing.F) {
	for _, seed := range [][4]string{
		{"POST", "hubs/chat/:send?filter=userId%20eq%20'ann'&excluded=c2&messageTtlSeconds=3", "text/plain; charset=utf-16", "\xff\xfea\x00"},
		{"POST", "hubs/chat/groups/g/:send", "application/json", `{"a":1}`},
		{"POST", "hubs/chat/connections/c1/:send", "", "\x00"},
		{"POST", "hubs/chat/users/ann/:closeConnections?reason=x", "", ""},
		{"DELETE", "hubs/chat/connections/c1", "", ""},
		{"PUT", "hubs/chat/groups/a%2Fb/connections/c1", "", ""},
		{"DELETE", "hubs/chat/users/ann/groups", "", ""},
		{"POST", "hubs/chat/:addToGroups", "application/json", `{"groups":["x"],"filter":"'g' in groups"}`},
		{"POST", "hubs/chat/:removeFromGroups", "application/json", `{"groups":["g"]}`},
		{"PUT", "hubs/chat/permissions/sendToGroup/connections/c1?targetName=p", "", ""},
		{"GET", "hubs/chat/groups/g/connections?maxpagesize=1&top=2&continuationToken=AAAA", "", ""},
		{"POST", "hubs/chat/:generateToken?userId=u&role=r&minutesToExpire=5&clientType=mqtt", "", ""},
		{"HEAD", "health", "", ""}, {"GET", "hubs//../x", "", ""}, {"OPTIONS", "hubs/%ff/:send", "", ""},
	} {
		f.Add(seed[0], seed[1], seed[2], seed[3])
	}
	keys := token.NewKeys(time.Now, "k")
	f.Fuzz(func(t *testing.T, method, path, contentType, body string) {
		r, err := http.NewRequestWithContext(t.Context(), method, "http://h/api/"+path, strings.NewReader(body))
		if err != nil || r.Host != "h" {
			return // no client can send it
		}
		r.Header.Set("Content-Type", contentType)
		r.Header.Set("Authorization", "Bearer x")
		s := newSmall()
		api := &rest.API{
			Hub:         func(string) *hub.Hub { return s.hub },
			Keys:        keys,
			TrustTokens: true,
		}
		before := s.state()
		w := httptest.NewRecorder()
		api.Handler().ServeHTTP(w, r)
		after := s.state()
		s.link.Abort(hub.CloseNormal, "")
		s.link.Wait()

		switch w.Code {
		case http.StatusOK, http.StatusAccepted, http.StatusNoContent:
			if method == http.MethodGet || method == http.MethodHead {
				assert.Equal(t, before, after, "GET and HEAD change nothing")
			}
			return
		case http.StatusBadRequest, http.StatusUnsupportedMediaType, http.StatusRequestEntityTooLarge:
			assert.True(t, json.Valid(w.Body.Bytes()), "%s", w.Body)
		case http.StatusNotFound, http.StatusMethodNotAllowed:
		default:
			assert.Fail(t, "no such answer", "%d: %s", w.Code, w.Body)
		}
		assert.Equal(t, before, after, "status %d", w.Code)
	})
}

// TestOperations calls each of the 25 operations, under its name in the API.
func TestOperations(t *testing.T) {
	t.Parallel()
	const q = "?" + version
	tests := []struct {
		name  string
		calls []call
		check func(t *testing.T, w *world, last answer)
	}{
		{name: "HealthApi_GetServiceStatus", calls: []call{{method: "HEAD", path: "/api/health" + q, status: 200}}},
		{name: "WebPubSub_AddConnectionsToGroups", calls: []call{
			{"POST", ":addToGroups" + q, asJSON, `{"groups":["g3","g4"],"filter":"userId eq 'bob'"}`, 200},
			has("groups/g3"), has("groups/g4"),
			{"DELETE", "connections/{bob}/groups" + q, "", "", 204},
			hasNot("groups/g3"),
			{"POST", ":addToGroups" + q, asJSON, `{"groups":["g5"]}`, 200},
			{"DELETE", "connections/{bob}/groups" + q, "", "", 204},
			has("groups/g5"),
		}},
		{name: "WebPubSub_CloseAllConnections", calls: []call{
			{"POST", ":closeConnections" + q + "&excluded={ann}&excluded=none&reason=cleaning%20up", "", "", 204},
		}, check: func(t *testing.T, w *world, _ answer) {
			w.bob.closed(t, "Application server closed the connection. Reason: cleaning up")
			w.ann.nothing(t)
			w.steps(t, hasNot("users/bob"), has("users/ann"))
		}},
		{name: "WebPubSub_GenerateClientToken", calls: []call{
			{"POST", ":generateToken" + q + "&userId=eve&role=webpubsub.sendToGroup&role=r2&group=g7&group=g8&minutesToExpire=5", "", "", 200},
		}, check: func(t *testing.T, w *world, last answer) {
			claims := claimsOf(t, last.body)
			assert.Equal(t, w.emu.Endpoint+"/client/hubs/chat", claims["aud"])
			assert.Equal(t, "eve", claims["sub"])
			assert.Equal(t, []any{"webpubsub.sendToGroup", "r2"}, claims["role"])
			assert.Equal(t, []any{"g7", "g8"}, claims["webpubsub.group"])
			exp, iat := claims["exp"].(float64), claims["iat"].(float64)
			assert.InDelta(t, 300, exp-iat, 0)
		}},
		{name: "WebPubSub_RemoveConnectionsFromGroups", calls: []call{
			{"POST", ":removeFromGroups" + q, asJSON, `{"groups":["g1","g2","none"],"filter":"'g2' in groups"}`, 200},
			hasNot("groups/g2"), has("groups/g1"),
		}},
		{name: "WebPubSub_SendToAll", calls: []call{
			{"POST", ":send" + q + "&excluded={bob}", asText, "hi", 202},
			{"POST", ":send" + q + "&filter=userId%20eq%20'bob'&messageTtlSeconds=300", asJSON, `{"a": 1}`, 202},
			{"POST", ":send" + q, asBinary, "\x00\xff", 202},
		}, check: func(t *testing.T, w *world, _ answer) {
			w.ann.gets(t, fromServer)
			w.ann.gets(t, `{"type":"message","from":"server","dataType":"binary","data":"AP8="}`)
			w.bob.gets(t, `{"type":"message","from":"server","dataType":"json","data":{"a": 1}}`)
			w.bob.gets(t, `{"type":"message","from":"server","dataType":"binary","data":"AP8="}`)
		}},
		{name: "WebPubSub_CloseConnection", calls: []call{
			{"DELETE", "connections/{ann}" + q, "", "", 204},
			{"DELETE", "connections/none" + q, "", "", 204},
		}, check: func(t *testing.T, w *world, _ answer) {
			w.ann.closed(t, "Application server closed the connection.")
			w.bob.nothing(t)
		}},
		{name: "WebPubSub_ConnectionExists", calls: []call{has("connections/{ann}"), hasNot("connections/none")}},
		{name: "WebPubSub_SendToConnection", calls: []call{
			{"POST", "connections/{ann}/:send" + q, asText, "hi", 202},
			{"POST", "connections/none/:send" + q, asText, "hi", 202},
		}, check: func(t *testing.T, w *world, _ answer) {
			w.ann.gets(t, fromServer)
			w.bob.nothing(t)
		}},
		{name: "WebPubSub_RemoveConnectionFromAllGroups", calls: []call{
			{"DELETE", "connections/{ann}/groups" + q, "", "", 204}, hasNot("groups/g2"), has("groups/g1"),
			{"DELETE", "connections/none/groups" + q, "", "", 204},
		}},
		{name: "WebPubSub_GroupExists", calls: []call{has("groups/g1"), hasNot("groups/G1"), hasNot("groups/none")}},
		{name: "WebPubSub_CloseGroupConnections", calls: []call{
			{"POST", "groups/g1/:closeConnections" + q + "&excluded={bob}", "", "", 204},
			{"POST", "groups/none/:closeConnections" + q, "", "", 204},
		}, check: func(t *testing.T, w *world, _ answer) {
			w.ann.closed(t, "Application server closed the connection.")
			w.bob.nothing(t)
		}},
		{name: "WebPubSub_SendToGroup", calls: []call{
			{"POST", "groups/g1/:send" + q + "&excluded={bob}", asText, "hi", 202},
			{"POST", "groups/g1/:send" + q + "&filter=not('g2'%20in%20groups)", asText, "hi", 202},
			{"POST", "groups/none/:send" + q, asText, "hi", 202},
		}, check: func(t *testing.T, w *world, _ answer) {
			for _, c := range []*client{w.ann, w.bob} {
				c.gets(t, fromG1)
				c.nothing(t)
			}
		}},
		{name: "WebPubSub_ListConnectionsInGroup", calls: []call{
			{"GET", "groups/none/connections" + q, "", "", 200},
		}, check: func(t *testing.T, _ *world, last answer) { assert.JSONEq(t, `{"value":[]}`, last.body) }},
		{name: "WebPubSub_RemoveConnectionFromGroup", calls: []call{
			{"DELETE", "groups/g2/connections/{ann}" + q, "", "", 204}, hasNot("groups/g2"),
			{"DELETE", "groups/g2/connections/{ann}" + q, "", "", 204},
			{"DELETE", "groups/g2/connections/none" + q, "", "", 204},
		}},
		{name: "WebPubSub_AddConnectionToGroup", calls: []call{
			{"PUT", "groups/g9/connections/{bob}" + q, "", "", 200}, has("groups/g9"),
			{"PUT", "groups/g9/connections/{bob}" + q, "", "", 200},
			{"PUT", "groups/g9/connections/none" + q, "", "", 404},
		}, check: func(t *testing.T, _ *world, last answer) {
			assert.Equal(t, "Error.Connection.NotExisted", last.failure(t, "Connection `none` is not found.", "Connection"))
		}},
		{name: "WebPubSub_RevokePermission", calls: []call{
			{"PUT", "permissions/sendToGroup/connections/{ann}" + q + "&targetName=g1", "", "", 200},
			{"DELETE", "permissions/sendToGroup/connections/{ann}" + q + "&targetName=g1", "", "", 204},
			{"HEAD", "permissions/sendToGroup/connections/{ann}" + q + "&targetName=g1", "", "", 404},
			{"DELETE", "permissions/sendToGroup/connections/none" + q + "&targetName=g1", "", "", 204},
		}},
		{name: "WebPubSub_CheckPermission", calls: []call{
			{"HEAD", "permissions/joinLeaveGroup/connections/{ann}" + q + "&targetName=g1", "", "", 404},
			{"PUT", "permissions/joinLeaveGroup/connections/{ann}" + q + "&targetName=g1", "", "", 200},
			{"HEAD", "permissions/joinLeaveGroup/connections/{ann}" + q + "&targetName=g1", "", "", 200},
			{"HEAD", "permissions/sendToGroup/connections/{ann}" + q + "&targetName=g1", "", "", 404},
			{"HEAD", "permissions/joinLeaveGroup/connections/{ann}" + q + "&targetName=g2", "", "", 404},
			{"HEAD", "permissions/joinLeaveGroup/connections/none" + q + "&targetName=g1", "", "", 404},
		}},
		{name: "WebPubSub_GrantPermission", calls: []call{
			{"PUT", "permissions/joinLeaveGroup/connections/{bob}" + q + "&targetName=g2", "", "", 200},
			{"PUT", "permissions/joinLeaveGroup/connections/none" + q + "&targetName=g2", "", "", 404},
		}, check: func(t *testing.T, w *world, last answer) {
			assert.Equal(t, "Info.Connection.NotExisted", last.failure(t, "Connection `none` is not found.", "Connection"))
			w.bob.say(t, `{"type":"joinGroup","group":"g2","ackId":1}`)
			assert.JSONEq(t, `{"type":"ack","ackId":1,"success":true}`, w.bob.next(t))
		}},
		{name: "WebPubSub_UserExists", calls: []call{has("users/ann"), hasNot("users/Ann")}},
		{name: "WebPubSub_CloseUserConnections", calls: []call{
			{"POST", "users/ann/:closeConnections" + q + "&reason=x&excluded={ann}", "", "", 204},
			{"POST", "users/bob/:closeConnections" + q + "&reason=x", "", "", 204},
			{"POST", "users/none/:closeConnections" + q, "", "", 204},
		}, check: func(t *testing.T, w *world, _ answer) {
			w.bob.closed(t, "Application server closed the connection. Reason: x")
			w.ann.nothing(t)
		}},
		{name: "WebPubSub_SendToUser", calls: []call{
			{"POST", "users/ann/:send" + q + "&excluded={ann}", asText, "hi", 202}, // not a parameter of this operation
			{"POST", "users/ann/:send" + q + "&filter=false", asText, "no", 202},
			{"POST", "users/none/:send" + q, asText, "no", 202},
		}, check: func(t *testing.T, w *world, _ answer) {
			w.ann.gets(t, fromServer)
			w.ann.nothing(t)
			w.bob.nothing(t)
		}},
		{name: "WebPubSub_RemoveUserFromAllGroups", calls: []call{
			{"DELETE", "users/ann/groups" + q, "", "", 204}, hasNot("groups/g2"), has("groups/g1"),
			{"DELETE", "users/none/groups" + q, "", "", 204},
		}},
		{name: "WebPubSub_RemoveUserFromGroup", calls: []call{
			{"DELETE", "users/ann/groups/g2" + q, "", "", 204}, hasNot("groups/g2"),
			{"DELETE", "users/none/groups/g2" + q, "", "", 204},
		}},
		{name: "WebPubSub_AddUserToGroup", calls: []call{
			{"PUT", "users/bob/groups/g9" + q, "", "", 200}, has("groups/g9"),
			{"PUT", "users/none/groups/g9" + q, "", "", 404},
		}, check: func(t *testing.T, _ *world, last answer) {
			assert.Equal(t, "Error.User.NotExisted", last.failure(t, "User `none` is not found.", "User"))
		}},
	}
	require.Len(t, tests, 25)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			last := w.steps(t, tt.calls...)
			if tt.check != nil {
				tt.check(t, w, last)
			}
		})
	}
}

// TestPaths requests paths without an operation. None is redirected to another path.
func TestPaths(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, method, path string
		status             int
		allow              string
	}{
		{"empty connection", "POST", hubPath + "connections//:send", 404, ""},
		{"empty group", "POST", hubPath + "groups//:send", 404, ""},
		{"empty hub", "POST", "/api/hubs//:send", 404, ""},
		{"dot for a group", "POST", hubPath + "groups/./:send", 404, ""},
		{"dots for a group", "POST", hubPath + "groups/../:send", 404, ""},
		{"slash at the end", "HEAD", hubPath + "groups/g1/", 404, ""},
		{"unknown verb", "POST", hubPath + ":broadcast", 404, ""},
		{"chat API", "GET", hubPath + "chat/rooms/r", 404, ""},
		{"other method", "GET", hubPath + ":send", 405, "POST"},
		{"method of a group", "DELETE", hubPath + "groups/g1", 405, "HEAD"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			got := w.call(t, tt.method, tt.path+"?"+version, asText, "x")
			assert.Equal(t, tt.status, got.status)
			assert.Equal(t, tt.allow, got.header.Get("Allow"))
			w.ann.nothing(t)
		})
	}
}

// TestNames checks that names are decoded by segments and that only hubs ignore case.
func TestNames(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.connect(t, "a/b c+d%", "x/y z", "ü.*")
	const q = "?" + version
	w.steps(t,
		has("groups/x%2Fy%20z"), hasNot("groups/x"), has("groups/%C3%BC.*"),
		has("users/a%2Fb%20c+d%25"), hasNot("users/a"),
		call{"HEAD", "/api/hubs/CHAT/groups/g1" + q, "", "", 200},
		call{"HEAD", "/api/hubs/other/groups/g1" + q, "", "", 404},
		call{"POST", hubPath + "%3Asend" + q, asText, "hi", 202},
		call{"HEAD", "/api/hubs/chat/groups/g1", "", "", 200}, // without api-version: the latest
		call{"HEAD", "/api/hubs/chat/groups/g1?api-version=2021-10-01", "", "", 200},
	)
	w.ann.gets(t, fromServer)
}

// TestAuthorization makes one call with different tokens.
func TestAuthorization(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const path = hubPath + "groups/x%20y/connections"
	base := w.emu.Endpoint + path
	full := base + "?" + version + "&top=1"
	const soon = time.Minute
	tests := []struct {
		name   string
		token  string
		status int
	}{
		{"URL with query", sign(t, primary, full, soon), 200},
		{"URL without query", sign(t, primary, base, soon), 200},
		{"other case", sign(t, primary, strings.ToUpper(full), soon), 200},
		{"decoded", sign(t, primary, strings.ReplaceAll(full, "%20", " "), soon), 200},
		{"decoded without query", sign(t, primary, strings.ReplaceAll(base, "%20", " "), soon), 200},
		{"https", sign(t, primary, strings.Replace(full, "http:", "https:", 1), soon), 200},
		{"ws", sign(t, primary, strings.Replace(full, "http:", "ws:", 1), soon), 200},
		{"wss", sign(t, primary, strings.Replace(base, "http:", "WSS:", 1), soon), 200},
		{"ftp", sign(t, primary, strings.Replace(base, "http:", "ftp:", 1), soon), 401},
		{"no scheme", sign(t, primary, strings.Replace(base, "http://", "", 1), soon), 401},
		{"slash at the end", sign(t, primary, base+"/", soon), 200},
		{"continued path", sign(t, primary, base+"/c1", soon), 200},
		{"continued name", sign(t, primary, base+"2", soon), 401},
		{"escaped question mark", sign(t, primary, base+"%253Fa", soon), 401},
		{"shorter path", sign(t, primary, strings.TrimSuffix(base, "/connections"), soon), 401},
		{"longer host", sign(t, primary, strings.Replace(base, "/api/", ".evil.example/api/", 1), soon), 401},
		{"secondary key", sign(t, secondary, full, soon), 200},
		{"expired within the leeway", sign(t, primary, full, -time.Minute), 200},
		{"expired", sign(t, primary, full, -6*time.Minute), 401},
		{"other key", sign(t, "tertiary", full, soon), 401},
		{"other path", sign(t, primary, w.emu.Endpoint+hubPath+"groups/g1/connections", soon), 401},
		{"other host", sign(t, primary, "http://example.com"+path, soon), 401},
		{"other query", sign(t, primary, base+"?top=2", soon), 200},
		{"the client's URL", sign(t, primary, w.emu.Endpoint+"/client/hubs/chat", soon), 401},
		{"none", "", 401},
		{"not a token", "a.b.c", 401},
		{"no signature", unsigned, 401},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := w.do(t, "GET", full, tt.token, "", http.NoBody, nil)
			assert.Equal(t, tt.status, got.status)
			if tt.status == http.StatusUnauthorized {
				assert.Empty(t, got.body)
			}
		})
	}
	t.Run("other scheme of authorization", func(t *testing.T) {
		t.Parallel()
		got := w.do(t, "GET", full, "", "", http.NoBody, http.Header{"Authorization": {"Basic " + sign(t, primary, full, soon)}})
		assert.Equal(t, http.StatusUnauthorized, got.status)
	})
	t.Run("before the parameters are checked", func(t *testing.T) {
		t.Parallel()
		got := w.do(t, "POST", w.emu.Endpoint+"/api/hubs/my-hub/:send", "", asText, http.NoBody, nil)
		assert.Equal(t, http.StatusUnauthorized, got.status)
	})
	t.Run("health needs no token", func(t *testing.T) {
		t.Parallel()
		for _, method := range []string{"GET", "HEAD"} {
			assert.Equal(t, http.StatusOK, w.do(t, method, w.emu.Endpoint+"/api/health", "", "", http.NoBody, nil).status)
		}
	})
}

// unsigned is a token with the algorithm "none".
const unsigned = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.eyJleHAiOjk5OTk5OTk5OTl9."

func TestTrustTokens(t *testing.T) {
	t.Parallel()
	for _, trust := range []bool{false, true} {
		w := emptyWorld(t, emulator.Config{TrustTokens: trust})
		for token, status := range map[string]int{"any": http.StatusNotFound, "": http.StatusUnauthorized} {
			if !trust {
				status = http.StatusUnauthorized
			}
			got := w.do(t, "HEAD", w.emu.Endpoint+hubPath+"users/u?"+version, token, "", http.NoBody, nil)
			assert.Equal(t, status, got.status, "trust %v, token %q", trust, token)
		}
	}
}
