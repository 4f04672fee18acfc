package rest_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/emulator/internal/hub"
	"github.com/go-webpubsub/webpubsub/emulator/internal/rest"
	"github.com/go-webpubsub/webpubsub/emulator/internal/role"
	"github.com/go-webpubsub/webpubsub/emulator/internal/subprotocol"
	"github.com/go-webpubsub/webpubsub/emulator/internal/token"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// unobserved is an event handler that is told everything and asked nothing.
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

// state is all of a small hub that a call can change.
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
	return state{s.hub.Len() == 1, groups, s.member.Allows(role.JoinLeave, "p"), s.member.Allows(role.Send, "p"), s.frames}
}

// FuzzCall makes calls of any kind: none breaks the server, and one that is
// refused, or only asks, changes nothing.
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
	keys, err := token.NewKeys(time.Now, "k")
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, method, path, contentType, body string) {
		r, err := http.NewRequestWithContext(t.Context(), method, "http://h/api/"+path, strings.NewReader(body))
		if err != nil || r.Host != "h" {
			return // no client can send it
		}
		r.Header.Set("Content-Type", contentType)
		r.Header.Set("Authorization", "Bearer x")
		s := newSmall()
		api := &rest.API{
			Hub:    func(string) *hub.Hub { return s.hub },
			Keys:   keys,
			Bases:  func(*http.Request) []string { return []string{"http://h"} },
			Trust:  func(string) bool { return true },
			Logger: slog.New(slog.DiscardHandler),
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
				assert.Equal(t, before, after, "it was only asked")
			}
			return
		case http.StatusBadRequest, http.StatusUnsupportedMediaType, http.StatusRequestEntityTooLarge:
			assert.True(t, json.Valid(w.Body.Bytes()), "%s", w.Body)
		case http.StatusNotFound, http.StatusMethodNotAllowed:
		default:
			assert.Fail(t, "no such answer", "%d: %s", w.Code, w.Body)
		}
		assert.Equal(t, before, after, "it was refused with %d", w.Code)
	})
}
