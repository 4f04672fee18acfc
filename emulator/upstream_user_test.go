package emulator_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/emulator"
)

const (
	acked    = `{"type":"ack","ackId":1,"success":true}`
	ackedErr = `{"type":"ack","ackId":1,"success":false,"error":{"name":"InternalServerError","message":"Internal server error"}}`
)

func userEvent(name string, h http.HandlerFunc) *script {
	return &script{on: map[string]http.HandlerFunc{name: h}}
}

func TestS75To77Replies(t *testing.T) {
	t.Parallel()
	server := func(rest string) []string { return []string{`{"type":"message","from":"server",` + rest + `}`, acked} }
	long := strings.Repeat("v", 1025)
	for _, tc := range []struct {
		name   string
		answer http.HandlerFunc
		want   []string
	}{
		{"S75 text", answer(200, "text/plain; charset=utf-8", "hi \"<"), server(`"dataType":"text","data":"hi \"<"`)},
		{"S76 json", answer(201, "APPLICATION/JSON", `{"answer": 42}`), server(`"dataType":"json","data":{"answer": 42}`)},
		{"json that is not UTF-8", answer(200, "application/json", "\"\xff\""), server(`"dataType":"json","data":"` + "\uFFFD" + `"`)},
		{"S76 binary", answer(200, "application/octet-stream", "\x00\xff"), server(`"dataType":"binary","data":"AP8="`)},
		{"S76 no type", answer(200, "", "ab"), server(`"dataType":"binary","data":"YWI="`)},
		{"S77 other type", answer(200, "unsupported/type", "x"), []string{ackedErr}},
		{"S77 other type, empty", answer(200, "unsupported/type", ""), []string{acked}},
		{"invalid JSON", answer(200, "application/json", "{"), []string{ackedErr}},
		{"204", answer(204, "", ""), []string{acked}},
		{"metadata only", answer(204, "", "", "X-WebPubSub-Metadata-Key", "v"), server(`"dataType":"text","data":"","metadata":{"key":"v"}`)},
		{"metadata, the last header", answer(200, "text/plain", "x", "X-WebPubSub-Metadata-Key", "1", "X-WebPubSub-Metadata-Key", "2", "X-WebPubSub-Metadata-", "x"), server(`"dataType":"text","data":"x","metadata":{"key":"2"}`)},
		{"metadata, after the last comma", answer(200, "text/plain", "x", "X-WebPubSub-Metadata-Key", "1, 2, 3 "), server(`"dataType":"text","data":"x","metadata":{"key":"3"}`)},
		{"S85 metadata too long", answer(200, "text/plain", "x", "X-WebPubSub-Metadata-Key", long), []string{ackedErr}},
		{"S78 400", answer(400, "text/plain", "x"), []string{ackedErr}},
		{"302 is not followed", answer(302, "", "", "Location", "/elsewhere"), []string{ackedErr}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			for _, where := range places() {
				synctest.Test(t, func(t *testing.T) {
					h := userEvent("e", tc.answer)
					r := newRig(t, where(t, h))
					p := r.member("ann")
					p.send(`{"type":"event","event":"e","dataType":"text","data":"in","ackId":1}`)
					p.expect(tc.want...)
					p.quiet()
					assert.Len(t, h.told("e"), 1)
				})
			}
		})
	}
}

// If a handler disconnects without an answer, as when it is killed, the same request is
// sent again.
func TestHandlerDisconnects(t *testing.T) {
	t.Parallel()
	for _, where := range places() {
		synctest.Test(t, func(t *testing.T) {
			h := userEvent("e", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
			r := newRig(t, where(t, h))
			p := r.member("ann")
			start := time.Now()
			p.send(`{"type":"event","event":"e","data":1,"ackId":1}`)
			p.expect(ackedErr)
			assert.Equal(t, 9*time.Second, time.Since(start))
			sent := h.told("e")
			require.Len(t, sent, 4)
			for _, again := range sent[1:] {
				assert.Equal(t, sent[0].header, again.header)
				assert.Equal(t, sent[0].body, again.body)
			}
			p.quiet() // the client stays
		})
	}
}

func TestS78And83State(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const state = "ce-connectionState"
		h := userEvent("e", answers(
			answer(200, "", "", state, "one", "Set-Cookie", "c=1"),
			answer(400, "text/plain", "x", state, "no", "X-WebPubSub-Metadata-K", "v", "Set-Cookie", "c=2"),
			answer(204, "", "", state, ""),
			answer(204, "", ""),
		))
		r := newRig(t, chat(h))
		p := r.member("ann")
		for _, step := range []struct {
			id string
			ok bool
		}{{"1", true}, {"2", false}, {"2", true}, {"3", true}} { // the refused event is repeated with its id
			p.send(`{"type":"event","event":"e","data":1,"ackId":` + step.id + `}`)
			assert.Equal(t, step.ok, p.next()["success"], "nothing but the ack")
		}
		synctest.Wait()
		var states, cookies [][]string
		for _, ev := range h.told("e") {
			states = append(states, ev.header.Values(state))
			cookies = append(cookies, ev.header.Values("Cookie"))
		}
		assert.Equal(t, [][]string{nil, {"one"}, {"one"}, {""}}, states)
		assert.Equal(t, [][]string{nil, {"c=1"}, {"c=1"}, {"c=1"}}, cookies)
	})
}

func TestS79DuplicateIsNotDispatched(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := &script{}
		r := newRig(t, chat(h))
		p := r.member("ann")
		for _, want := range []string{acked, `{"type":"ack","ackId":1,"success":false,"error":{"name":"Duplicate","message":"Message with ack-id: 1 has been processed"}}`} {
			p.send(`{"type":"event","event":"e","data":1,"ackId":1}`)
			p.expect(want)
		}
		assert.Len(t, h.told("e"), 1)
	})
}

func TestS80And81WhichHandler(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name     string
		patterns []string // of several handlers
		event    string
		handler  int // -1: none
	}{
		{"S80 list, another case", []string{"join, ROOM.*"}, "room.message", 0},
		{"S80 name", []string{"join, ROOM.*"}, "Join", 0},
		{"S80 star does not match a dot", []string{"room.*"}, "room.message.more", -1},
		{"S80 two stars match dots", []string{"room.**"}, "room.message.more", 0},
		{"S80 question mark", []string{"room.?"}, "room.a", 0},
		{"S80 question mark does not match a dot", []string{"room.?"}, "room..", -1},
		{"a star alone matches everything", []string{"*"}, "room.message", 0},
		{"empty matches nothing", []string{""}, "room", -1},
		{"system events have their own names", []string{"*"}, "connected", 0},
		{"S81 only the first handler", []string{"no", "r*", "*"}, "room", 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var cfgs []emulator.EventHandler
				var scripts []*script
				for _, pattern := range tc.patterns {
					h := &script{}
					scripts = append(scripts, h)
					cfgs = append(cfgs, emulator.EventHandler{Handler: h, UserEventPattern: pattern})
				}
				r := newRig(t, hubConfig(cfgs...))
				p := r.member("ann")
				p.send(`{"type":"event","event":"` + tc.event + `","data":1,"ackId":1}`)
				if tc.handler < 0 {
					p.expect(ackedErr)
				} else {
					p.expect(acked)
				}
				for i, h := range scripts {
					want := 0
					if i == tc.handler {
						want = 1
						assert.Equal(t, "azure.webpubsub.user."+tc.event, h.one(t, tc.event).header.Get("ce-type"))
					}
					assert.Len(t, h.told(tc.event), want, "handler %d", i)
				}
			})
		})
	}
}

func TestS82IDsOfUserEvents(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := &script{}
		cfg := chat(h)
		cfg.Hubs["chat"].EventHandlers[0].UserEventPattern = "a,b"
		cfg.Hubs["chat"].EventHandlers[0].GroupEvents = nil
		r := newRig(t, cfg)
		p := r.member("ann", "g")
		p.send(`{"type":"event","event":"a","data":1}`, `{"type":"event","event":"nobody","data":1}`, `{"type":"event","event":"b","data":1}`)
		assert.Equal(t, "2", h.one(t, "a").id)
		assert.Equal(t, "4", h.one(t, "b").id, "an event without a handler has an id")
	})
}

func TestRequestsOfUserEvents(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, frame, contentType, body string
	}{
		{"text", `"dataType":"text","data":"ü"`, "text/plain; charset=utf-8", "ü"},
		{"json is the default", `"data":{"a": [1]}`, "application/json", `{"a": [1]}`},
		{"json that is a string", `"dataType":"JSON","data":"x"`, "application/json", `"x"`},
		{"binary", `"dataType":"binary","data":"AP8="`, "application/octet-stream", "\x00\xff"},
		{"metadata without data", `"metadata":{"Trace-Id":"1"}`, "text/plain; charset=utf-8", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := &script{}
				r := newRig(t, chat(h))
				r.member("ann").send(`{"type":"event","event":"e",` + tc.frame + `}`)
				ev := h.one(t, "e")
				assert.Equal(t, tc.contentType, ev.header.Get("Content-Type"))
				assert.Equal(t, tc.body, ev.body)
				if strings.Contains(tc.frame, "metadata") {
					assert.Equal(t, "1", ev.header.Get("X-WebPubSub-Metadata-trace-id"))
				}
			})
		})
	}
}

// TestMetadataNamesThatDifferByCase: a client may send them, and HTTP has only one
// header for them.
func TestMetadataNamesThatDifferByCase(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := &script{}
		r := newRig(t, chat(h))
		r.member("ann").send(`{"type":"event","event":"e","metadata":{"trace":"3","TRACE":"1","Trace":"2"}}`)
		assert.Equal(t, []string{"1", "2", "3"}, h.one(t, "e").header.Values("X-WebPubSub-Metadata-Trace"))
	})
}

func TestS84RawClient(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := userEvent("message", answers(
			answer(200, "application/octet-stream", "\x01"), answer(200, "text/plain", "tex\xff"), answer(200, "application/json", `"json"`),
			answer(204, "", ""), answer(500, "text/plain", "secret"),
		))
		r := newRig(t, chat(h))
		p := r.raw(r.clientURL("ann", ""))
		for _, want := range []struct {
			kind websocket.MessageType
			text string
		}{{websocket.MessageBinary, "\x01"}, {websocket.MessageText, "tex\uFFFD"}, {websocket.MessageText, `"json"`}} {
			p.send("in")
			kind, text := p.frame()
			assert.Equal(t, want.kind, kind)
			assert.Equal(t, want.text, text)
		}
		require.NoError(t, p.conn.Write(t.Context(), websocket.MessageBinary, []byte{1}))
		synctest.Wait()
		types := []string{}
		for _, ev := range h.told("message") {
			types = append(types, ev.header.Get("Content-Type"))
		}
		const text = "text/plain; charset=utf-8"
		assert.Equal(t, []string{text, text, text, "application/octet-stream"}, types)
		start := time.Now()
		p.send("fails")
		p.closed(websocket.StatusInternalError, "The event could not be handled.")
		assert.Equal(t, 9*time.Second, time.Since(start))
		assert.Len(t, h.told("message"), 8)
	})
}

func TestS123URLTemplates(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		template, path string
	}{
		{"http://h.test/api/{HUB}/{event}", "/api/chat/room.a"},
		{"HTTP://h.test/{Hub}?code=1&e={event}", "/chat?code=1&e=room.a"},
		{"http://h.test:8080", "/"},
		{"http://h.test/a%7Bb%7D", "/a%7Bb%7D"},
	} {
		t.Run(tc.template, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := &script{}
				cfg := remote(t, h)
				cfg.Hubs["chat"].EventHandlers[0].URLTemplate = tc.template
				r := newRig(t, cfg)
				r.member("ann").send(`{"type":"event","event":"room.a","data":1}`)
				assert.Equal(t, tc.path, h.one(t, "room.a").path)
			})
		})
	}
}

func TestS123HubIsEscaped(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := &script{}
		cfg := remote(t, h)
		cfg.Hubs = map[string]emulator.Hub{"a[b],`": cfg.Hubs["chat"]}
		cfg.Hubs["a[b],`"].EventHandlers[0].URLTemplate += "?h={hub}&e={event}"
		r := newRig(t, cfg)
		token := signWith(t, emulator.DefaultAccessKey, map[string]any{"aud": base + "/client/hubs/a[b],`", "exp": time.Now().Add(time.Hour).Unix()})
		_, resp := r.try(base+"/client/hubs/a%5Bb%5D,%60?access_token="+token, nil)
		require.Equal(t, http.StatusSwitchingProtocols, resp.StatusCode)
		ev := h.one(t, "connect")
		assert.Equal(t, "/events/a%5Bb%5D%2C%60/connect?h=a%5Bb%5D%2C%60&e=connect", ev.path)
		assert.Equal(t, "a[b],`", ev.header.Get("ce-hub"))
	})
}

func TestS124OnlySomeSystemEvents(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := &script{}
		r := newRig(t, hubConfig(emulator.EventHandler{Handler: h, SystemEvents: []string{" Connected "}}))
		p := r.member("ann")
		require.NoError(t, p.conn.Close(websocket.StatusNormalClosure, ""))
		assert.Equal(t, []string{"OPTIONS", "connected"}, h.settled())
		assert.Equal(t, "1", h.one(t, "connected").id)
	})
}

func TestS125HubWithoutSettings(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, emulator.Config{})
		p := r.member("ann")
		p.send(`{"type":"event","event":"e","data":1,"ackId":1}`)
		p.expect(ackedErr)
		raw := r.raw(r.clientURL("", ""))
		raw.send("hello")
		raw.closed(websocket.StatusInternalError, "The event could not be handled.")
	})
}

func TestGroupPresence(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := &script{}
		cfg := chat(h)
		cfg.Hubs["chat"].EventHandlers[0].GroupFilters = []string{"room.*", "hall"}
		r := newRig(t, cfg)
		p := r.member("ann", "room.1", "other")
		for _, g := range []string{"hall", "hall", "other", "room.1.x"} {
			p.send(`{"type":"joinGroup","group":"` + g + `"}`)
		}
		p.send(`{"type":"leaveGroup","group":"room.1"}`, `{"type":"leaveGroup","group":"room.1"}`)
		require.NoError(t, p.conn.Close(websocket.StatusNormalClosure, ""))
		h.settled()
		var seen []string
		for _, ev := range h.all()[2:] {
			seen = append(seen, ev.id+" "+ev.event+" "+ev.body+" "+strings.TrimPrefix(ev.header.Get("ce-type"), "azure.webpubsub."))
		}
		assert.Equal(t, []string{
			`1 connected {} sys.connected`,
			`2 joined {"group":"room.1"} gp.joined`, `3 joined {"group":"hall"} gp.joined`, `4 left {"group":"room.1"} gp.left`,
			`5 left {"group":"hall"} gp.left`, `6 disconnected {"reason":""} sys.disconnected`,
		}, seen)
	})
}
