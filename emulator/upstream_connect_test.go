package emulator_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/emulator"
)

func connectAnswer(h http.HandlerFunc) *script {
	return &script{on: map[string]http.HandlerFunc{"connect": h}}
}

// What a client whose token has user ann, group old and all roles gets after the answer
// to connect.
func TestS45To47ConnectAnswer(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		answer http.HandlerFunc
		user   any
		group  string
		send   bool // may send to groups
		join   bool
	}{
		{"S45 204", answer(204, "", ""), "ann", "old", true, true},
		{"S45 null", answer(200, "application/json", "null"), "ann", "old", true, true},
		{"S45 empty 202", answer(202, "", `{"groups":[],"roles":null}`), "ann", "old", true, true},
		{"S46 removed", answer(200, "", `{"userId":"","roles":[]}`), nil, "old", false, false},
		{"S47 replaced", answer(200, "", `{"userId":null,"groups":["new-room"],"roles":["webpubsub.joinLeaveGroup"]}`), "ann", "new-room", false, true},
		{"names ignore case", answer(200, "", `{"USERID":"eve","subProtocol":null}`), "eve", "old", true, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, chat(connectAnswer(tc.answer)))
				p := r.member("ann", "old")
				assert.Equal(t, tc.user, p.greeting["userId"])
				for _, g := range []string{"old", "new-room"} {
					require.Equal(t, http.StatusAccepted, r.rest("POST", "/groups/"+g+"/:send", "text/plain", g))
				}
				assert.Equal(t, tc.group, p.next()["data"])
				p.send(`{"type":"sendToGroup","group":"nobody","data":1,"ackId":1}`, `{"type":"joinGroup","group":"x","ackId":2}`)
				assert.Equal(t, tc.send, p.next()["success"])
				assert.Equal(t, tc.join, p.next()["success"])
			})
		})
	}
}

func TestS48CustomSubprotocol(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, chat(connectAnswer(answer(200, "text/plain", `{"subprotocol":"custom.protocol"}`))))
		p, _ := r.try(r.clientURL("ann", ""), nil, plainJSON, "custom.protocol")
		require.NotNil(t, p)
		assert.Equal(t, "custom.protocol", p.conn.Subprotocol())
	})
}

func TestS49To51RefusedAndInvalid(t *testing.T) {
	t.Parallel()
	large := strings.Repeat(" ", 16<<20) + "{}"
	for _, tc := range []struct {
		name   string
		answer http.HandlerFunc
		status int
	}{
		{"S49 401", answer(401, "", "no"), 401},
		{"S49 403", answer(403, "", "no"), 403},
		{"S49 429", answer(429, "", "no"), 429},
		{"S50 no JSON", answer(200, "", "not-json"), 500},
		{"S50 group is null", answer(200, "", `{"groups":[null]}`), 500},
		{"S50 group is blank", answer(200, "", `{"groups":[" "]}`), 500},
		{"S50 role is null", answer(200, "", `{"roles":[null]}`), 500},
		{"S51 length known", answer(200, "", large, "Content-Length", fmt.Sprint(len(large))), 500},
		{"S51 length unknown", answer(200, "", large), 500},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			for _, where := range places() {
				synctest.Test(t, func(t *testing.T) {
					h := connectAnswer(tc.answer)
					r := newRig(t, where(t, h))
					_, resp := r.try(r.clientURL("ann", ""), nil, plainJSON)
					assert.Equal(t, tc.status, resp.StatusCode)
					assert.Equal(t, []string{"OPTIONS", "connect"}, h.settled(), "no connected, no disconnected")
					assert.Equal(t, http.StatusNotFound, r.rest("HEAD", "/users/ann", "", ""))
				})
			}
		})
	}
}

func TestS52And53Retries(t *testing.T) {
	t.Parallel()
	broken := func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
	for _, tc := range []struct {
		name   string
		answer func() http.HandlerFunc
		status int
		waits  []int // seconds
	}{
		{"S52 503, then 200", func() http.HandlerFunc { return answers(answer(503, "", ""), answer(200, "", "{}")) }, 101, []int{1}},
		{"S53 408", func() http.HandlerFunc { return answers(answer(408, "", ""), answer(204, "", "")) }, 101, []int{1}},
		{"S53 599 twice", func() http.HandlerFunc { return answers(answer(599, "", ""), answer(500, "", ""), answer(204, "", "")) }, 101, []int{1, 3}},
		{"S53 always 503", func() http.HandlerFunc { return answer(503, "", "") }, 503, []int{1, 3, 5}},
		{"S53 no answer", func() http.HandlerFunc { return broken }, 500, []int{1, 3, 5}},
		{"S53 400", func() http.HandlerFunc { return answer(400, "", "") }, 400, nil},
		{"S53 401", func() http.HandlerFunc { return answer(401, "", "") }, 401, nil},
		{"S53 404", func() http.HandlerFunc { return answer(404, "", "") }, 404, nil},
		{"S53 429", func() http.HandlerFunc { return answer(429, "", "") }, 429, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			for _, where := range places() {
				synctest.Test(t, func(t *testing.T) {
					h := connectAnswer(tc.answer())
					r := newRig(t, where(t, h))
					_, resp := r.try(r.clientURL("ann", ""), nil)
					assert.Equal(t, tc.status, resp.StatusCode)
					h.settled()
					sent := h.told("connect")
					require.Len(t, sent, 1+len(tc.waits))
					for i, wait := range tc.waits {
						assert.Equal(t, time.Duration(wait)*time.Second, sent[i+1].at.Sub(sent[i].at))
						assert.Equal(t, sent[0].body, sent[i+1].body)
						assert.Equal(t, "0", sent[i+1].id)
						assert.Equal(t, sent[0].header, sent[i+1].header)
						assert.NotEmpty(t, sent[0].header.Get("x-ms-client-request-id"))
					}
				})
			}
		})
	}
}

func TestConnectThatHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := connectAnswer(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		r := newRig(t, chat(h))
		start := time.Now()
		_, resp := r.try(r.clientURL("ann", ""), nil)
		assert.Equal(t, http.StatusInternalServerError, resp.StatusCode)
		assert.Equal(t, 100*time.Second, time.Since(start))
		assert.Equal(t, []string{"OPTIONS", "connect"}, h.settled(), "a timeout is not retried")
	})
}

func TestS54And55HeadersFromConnectToDisconnected(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := connectAnswer(answer(200, "", `{"userId":"用户","groups":["g"]}`, "ce-connectionState", "old", "ce-connectionState", "s1", "Set-Cookie", "a=1"))
		cfg := remote(t, h)
		cfg.AccessKeys = []string{emulator.DefaultAccessKey, longKey}
		cfg.Hubs["chat"].EventHandlers[0].GroupEvents = nil
		r := newRig(t, cfg)
		p := r.json(r.clientURL("ann", ""), plainJSON)
		require.NoError(t, p.conn.Close(websocket.StatusNormalClosure, ""))

		connect := h.one(t, "connect")
		assert.Equal(t, "0", connect.id)
		assert.Equal(t, "/events/chat/connect", connect.path)
		assert.Equal(t, "ann", connect.header.Get("ce-userId"))
		for _, name := range []string{"Ce-Subprotocol", "Ce-Connectionstate", "Cookie"} {
			assert.NotContains(t, connect.header, name)
		}
		for id, name := range []string{"connect", "connected", "disconnected"} {
			ev := h.one(t, name)
			assert.Equal(t, fmt.Sprint(id), ev.id, name)
			for header, want := range map[string]string{
				"ce-specversion": "1.0", "ce-awpsversion": "1.0", "ce-type": "azure.webpubsub.sys." + name,
				"ce-source": "/hubs/chat/client/" + p.id(), "ce-time": "2000-01-01T00:00:00Z", "ce-hub": "chat",
				"ce-connectionId": p.id(), "webhook-request-origin": "emu.test", "content-type": "application/json; charset=utf-8",
				"ce-signature": webpubsub.Sign(emulator.DefaultAccessKey, p.id()) + "," + webpubsub.Sign(longKey, p.id()),
			} {
				assert.Equal(t, []string{want}, ev.header.Values(header), "%s: %s", name, header)
			}
			if id > 0 {
				assert.Equal(t, []string{plainJSON}, ev.header.Values("ce-subprotocol"))
				assert.Equal(t, "s1", ev.header.Get("ce-connectionState"), "the last line is used")
				assert.Equal(t, "a=1", ev.header.Get("Cookie"))
				assert.Equal(t, "用户", ev.header.Get("ce-userId"))
			}
		}
		assert.Equal(t, "{}", h.one(t, "connected").body)
		assert.JSONEq(t, `{"reason":""}`, h.one(t, "disconnected").body)
	})
}

func TestS62ConnectedRefused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := &script{on: map[string]http.HandlerFunc{"connected": answer(503, "", "", "ce-connectionState", "no", "Set-Cookie", "no=1")}}
		r := newRig(t, chat(h))
		p := r.member("ann")
		pass(10 * time.Second)
		synctest.Wait()
		assert.Len(t, h.told("connected"), 4)
		p.quiet()
		p.send(`{"type":"event","event":"e","data":1}`)
		ev := h.one(t, "e")
		assert.NotContains(t, ev.header, "Ce-Connectionstate")
		assert.NotContains(t, ev.header, "Cookie")
	})
}

func TestS63RecoveryRaisesNoEvents(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := &script{}
		r := newRig(t, chat(h))
		p := r.json(r.clientURL("ann", ""), reliableJSON)
		require.NoError(t, p.conn.CloseNow())
		pass(29 * time.Second)
		again := r.recover(p)
		again.next()
		pass(time.Minute)
		require.NoError(t, again.conn.Close(websocket.StatusNormalClosure, ""))
		pass(time.Minute)
		assert.Equal(t, []string{"OPTIONS", "connect", "connected", "disconnected"}, namesOf(h, "OPTIONS", "connect", "connected", "disconnected"))
	})
}

// namesOf returns the requests with the names.
func namesOf(h *script, names ...string) []string {
	seen := h.settled()
	out := []string{}
	for _, name := range names {
		for i, s := range seen {
			if s == name && (name != "OPTIONS" || i == 0) {
				out = append(out, s)
			}
		}
	}
	return out
}

func TestS64CookiesOfEachConnection(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := connectAnswer(func(w http.ResponseWriter, r *http.Request) {
			if user := r.Header.Get("ce-userId"); user != "none" {
				w.Header().Set("Set-Cookie", "affinity="+user)
			}
		})
		r := newRig(t, chat(h))
		for _, user := range []string{"a", "b", "none"} {
			r.member(user)
		}
		h.settled()
		cookies := map[string]string{}
		for _, ev := range h.told("connected") {
			cookies[ev.header.Get("ce-userId")] = ev.header.Get("Cookie")
		}
		assert.Equal(t, map[string]string{"a": "affinity=a", "b": "affinity=b", "none": ""}, cookies)
	})
}

// Cookies are sent only to the host that set them.
func TestCookiesStayWithTheirHost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := connectAnswer(answer(204, "", "", "Set-Cookie", "a=1", "Set-Cookie", "gone=1; Max-Age=0"))
		cfg := remote(t, h)
		one := cfg.Hubs["chat"].EventHandlers[0]
		two := one
		one.UserEventPattern, two.URLTemplate = "mine", "http://other.test/{event}"
		cfg.Hubs["chat"] = emulator.Hub{EventHandlers: []emulator.EventHandler{one, two}}
		r := newRig(t, cfg)
		r.member("ann").send(`{"type":"event","event":"mine","data":1}`, `{"type":"event","event":"others","data":1}`)
		assert.Equal(t, []string{"a=1"}, h.one(t, "mine").header.Values("Cookie"))
		assert.Empty(t, h.one(t, "others").header.Values("Cookie"))
	})
}
