package emulator_test

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/emulator"
)

// The last SetHub applies to new clients and to connected ones.
func TestSetHub(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, emulator.Config{})
		p := r.member("ann")
		say := func(want string) {
			t.Helper()
			p.send(`{"type":"event","event":"e","data":1,"ackId":1}`)
			p.expect(want)
		}
		anonymous := func() int { _, resp := r.try(base+"/client/hubs/chat", nil); return resp.StatusCode }
		say(ackedErr)
		assert.Equal(t, http.StatusUnauthorized, anonymous())

		h := &script{}
		require.NoError(t, r.server.SetHub("CHAT", emulator.Hub{AllowAnonymous: true, EventHandlers: []emulator.EventHandler{emulator.InMemory(h)}}))
		assert.Equal(t, http.StatusSwitchingProtocols, anonymous())
		say(`{"type":"ack","ackId":1,"success":true}`)
		assert.ElementsMatch(t, []string{"OPTIONS", "connect", "connected", "e"}, h.settled())

		require.NoError(t, r.server.SetHub("chat", emulator.Hub{}))
		assert.Equal(t, http.StatusUnauthorized, anonymous())
		p.send(`{"type":"event","event":"e","data":1,"ackId":2}`)
		assert.Equal(t, false, p.next()["success"])
		assert.Len(t, h.told("e"), 1)
	})
}

// SetHub returns the errors of New, and then changes nothing.
func TestSetHubInvalid(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := &script{}
		r := newRig(t, chat(h))
		for _, tc := range []struct {
			name, hub string
			settings  emulator.Hub
			want      string
		}{
			{"hub", "my hub!", emulator.Hub{}, "emulator: hub \"my hub!\": want a letter, then at most 127 letters, digits or characters of _`,.[] (no hyphen, no space)"},
			{"second handler", "chat", emulator.Hub{AllowAnonymous: true, EventHandlers: []emulator.EventHandler{{URLTemplate: "http://other.test"}, {URLTemplate: "http://h:99999"}}},
				`emulator: hub "chat", event handler 1: url template "http://h:99999": port 99999: want a number from 1 to 65535`},
		} {
			require.EqualError(t, r.server.SetHub(tc.hub, tc.settings), tc.want, tc.name)
			_, err := emulator.New(emulator.Config{Hubs: map[string]emulator.Hub{tc.hub: tc.settings}})
			require.EqualError(t, err, tc.want, tc.name)
		}
		_, resp := r.try(base+"/client/hubs/chat", nil)
		assert.Equal(t, http.StatusUnauthorized, resp.StatusCode)
		p := r.member("ann")
		p.send(`{"type":"event","event":"e","data":1,"ackId":1}`)
		p.expect(acked)
	})
}

// An event that is being delivered stays with its handler, retries included. Queued events
// go to the new one.
func TestSetHubDuringDelivery(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		free := make(chan struct{})
		wait := func(w http.ResponseWriter, r *http.Request) { <-free; answer(503, "", "")(w, r) }
		before := userEvent("e", answers(wait, answer(204, "", "")))
		before.on["joined"] = wait
		r := newRig(t, chat(before))
		p := r.member("ann", "g")
		p.send(`{"type":"event","event":"e","data":1,"ackId":1}`, `{"type":"event","event":"e","data":2,"ackId":2}`)
		synctest.Wait()
		after := &script{}
		require.NoError(t, r.server.SetHub("chat", emulator.Hub{EventHandlers: []emulator.EventHandler{emulator.InMemory(after)}}))
		close(free)
		p.expect(acked, `{"type":"ack","ackId":2,"success":true}`)
		require.NoError(t, p.conn.Close(websocket.StatusNormalClosure, ""))
		after.one(t, "e")
		assert.Len(t, before.told("e"), 2, "retried at the same handler")
		before.one(t, "connect")
		pass(9 * time.Second) // until all attempts to deliver joined have failed
		after.one(t, "disconnected")
		assert.Empty(t, before.told("disconnected"))
		assert.Len(t, before.told("joined"), 4)
	})
}

// A URL that stays is not validated again. A new URL is, also if it was removed before, and
// so is a URL that has refused consent.
func TestSetHubAsksForConsent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := &script{consent: answers(consents(200, "*"), consents(201, "*"), consents(202, "*"), consents(403), consents(204, "*"))}
		cfg := remote(t, h)
		r := newRig(t, cfg)
		p := r.member("ann")
		h.settled()
		id := 0
		say := func(ok bool, url string, asked ...string) {
			t.Helper()
			require.NoError(t, r.server.SetHub("chat", emulator.Hub{EventHandlers: []emulator.EventHandler{{URLTemplate: url, UserEventPattern: "*"}}}))
			id++
			p.send(`{"type":"event","event":"e","data":1,"ackId":` + strconv.Itoa(id) + `}`)
			assert.Equal(t, ok, p.next()["success"])
			var paths []string
			for _, q := range h.told("") {
				paths = append(paths, q.path)
			}
			assert.Equal(t, asked, paths)
		}
		const old, other = "http://handler.test/events/{hub}/{event}", "http://handler.test/other?e={event}"
		first, second := "/events/chat/validate", "/other?e=validate"
		say(true, old, first)
		say(true, other, first, second)
		say(true, old, first, second, first)
		say(false, other, first, second, first, second)
		say(true, other, first, second, first, second, second)
	})
}

// SetHub is safe while clients connect, send and disconnect.
func TestSetHubConcurrently(t *testing.T) {
	t.Parallel()
	s, err := emulator.New(emulator.Config{})
	require.NoError(t, err)
	defer s.Close()
	server := httptest.NewServer(s)
	defer server.Close()
	var setters sync.WaitGroup
	for _, allow := range []bool{true, false} {
		setters.Go(func() {
			for range 100 {
				h := &script{}
				assert.NoError(t, s.SetHub("chat", emulator.Hub{AllowAnonymous: allow, EventHandlers: []emulator.EventHandler{emulator.InMemory(h), emulator.InMemory(h)}}))
			}
		})
	}
	for range 20 {
		conn, resp, err := websocket.Dial(t.Context(), server.URL+"/client/hubs/chat", &websocket.DialOptions{HTTPClient: server.Client()})
		if err != nil {
			require.Equal(t, http.StatusUnauthorized, resp.StatusCode)
			continue
		}
		require.NoError(t, conn.Write(t.Context(), websocket.MessageText, []byte("hello")))
		require.NoError(t, conn.CloseNow())
	}
	setters.Wait()
}
