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

	"github.com/go-webpubsub/webpubsub/emulator"
	"github.com/go-webpubsub/webpubsub/emulator/internal/hub"
	"github.com/go-webpubsub/webpubsub/emulator/internal/rest"
	"github.com/go-webpubsub/webpubsub/emulator/internal/role"
	"github.com/go-webpubsub/webpubsub/emulator/internal/subprotocol"
	"github.com/go-webpubsub/webpubsub/emulator/internal/token"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// unobserved is an event handler that ignores what it is told and is never asked.
type unobserved struct{ hub.EventHandler }

func (unobserved) Connected(*hub.Connection)            {}
func (unobserved) Joined(*hub.Connection, string)       {}
func (unobserved) Left(*hub.Connection, string)         {}
func (unobserved) Disconnected(*hub.Connection, string) {}

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
	s.link = hub.NewLink(func(hub.Frame) error {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.frames++
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
			Hub:   func(string) *hub.Hub { return s.hub },
			Keys:  keys,
			Bases: func(*http.Request) []string { return []string{"http://h"} },
			Trust: func(string) bool { return true },
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
	soon := time.Now().Add(time.Minute)
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
		{"expired within the leeway", sign(t, primary, full, time.Now().Add(-time.Minute)), 200},
		{"expired", sign(t, primary, full, time.Now().Add(-6*time.Minute)), 401},
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
