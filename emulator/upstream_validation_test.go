package emulator_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/emulator"
)

// The tests TestS… are named after numbered cases of upstream events.

// consents answers a validation request.
func consents(status int, lines ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for _, line := range lines {
			w.Header().Add("WebHook-Allowed-Origin", line)
		}
		w.WriteHeader(status)
	}
}

func TestS18To22Consent(t *testing.T) {
	t.Parallel()
	yes := []string{"OPTIONS", "connect", "connected"}
	for _, tc := range []struct {
		name    string
		consent []http.HandlerFunc // one after the other
		status  int
		seen    []string
	}{
		{"S18 any origin", []http.HandlerFunc{consents(200, "*")}, 101, yes},
		{"S18 host in other case", []http.HandlerFunc{consents(202, "EMU.test")}, 101, yes},
		{"S19 404, then GET", []http.HandlerFunc{consents(404), consents(200, "*")}, 101, []string{"OPTIONS", "GET", "connect", "connected"}},
		{"S19 404 twice", []http.HandlerFunc{consents(404, "*")}, 500, []string{"OPTIONS", "GET"}},
		{"S20 405", []http.HandlerFunc{consents(405, "*")}, 500, []string{"OPTIONS"}},
		{"S20 no header", []http.HandlerFunc{consents(200)}, 500, []string{"OPTIONS"}},
		{"S20 other host", []http.HandlerFunc{consents(200, "other.test")}, 500, []string{"OPTIONS"}},
		{"S21 list in one line", []http.HandlerFunc{consents(200, "other.test, emu.test")}, 500, []string{"OPTIONS"}},
		{"S22 two lines", []http.HandlerFunc{consents(200, "other.test", "emu.test")}, 101, yes},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			for _, where := range places() {
				synctest.Test(t, func(t *testing.T) {
					h := &script{consent: answers(tc.consent...)}
					r := newRig(t, where(t, h))
					_, resp := r.try(r.clientURL("ann", ""), nil)
					assert.Equal(t, tc.status, resp.StatusCode)
					assert.Equal(t, tc.seen, h.settled())
				})
			}
		})
	}
}

// places returns configurations with the handler in memory and at a URL.
func places() []func(*testing.T, http.Handler) emulator.Config {
	return []func(*testing.T, http.Handler) emulator.Config{
		func(_ *testing.T, h http.Handler) emulator.Config { return chat(h) },
		remote,
	}
}

// remote returns a configuration whose events go to a URL.
func remote(t *testing.T, h http.Handler) emulator.Config {
	t.Helper()
	cfg := hubConfig(emulator.AtURL("http://handler.test/events/{hub}/{event}"))
	cfg.Transport = serve(t, h, func() {}).Transport
	return cfg
}

func TestS23ValidationIsRetriedAndKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := &script{consent: answers(consents(503), consents(200, "*"))}
		r := newRig(t, chat(h))
		start := time.Now()
		r.raw(r.clientURL("ann", ""))
		assert.Equal(t, time.Second, time.Since(start))
		pass(59 * time.Second)
		r.raw(r.clientURL("bob", ""))
		assert.Equal(t, []string{"OPTIONS", "OPTIONS", "connect", "connected", "connect", "connected"}, h.settled())
	})
}

func TestS24EachURLIsValidated(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := &script{}
		system, user := emulator.InMemory(h), emulator.InMemory(h)
		system.UserEventPattern, user.SystemEvents, user.GroupEvents = "", nil, nil
		user.URLTemplate = "http://localhost/eventhandler/{hub}/{event}?code=1"
		r := newRig(t, hubConfig(system, user))
		p := r.member("ann")
		h.settled()
		p.send(`{"type":"event","event":"e","data":1}`)
		assert.Equal(t, []string{"OPTIONS", "connect", "connected", "OPTIONS", "e"}, h.settled())
		asked := h.told("")
		assert.Equal(t, "/eventhandler/chat/validate", asked[0].path)
		assert.Equal(t, "/eventhandler/chat/validate?code=1", asked[1].path)
	})
}

func TestS25ConcurrentFirstEventsShareOneValidation(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		free := make(chan struct{})
		h := &script{consent: func(w http.ResponseWriter, r *http.Request) { <-free; consents(200, "*")(w, r) }}
		cfg := chat(h)
		cfg.Hubs["chat"].EventHandlers[0].SystemEvents = nil
		r := newRig(t, cfg)
		for range 8 {
			r.raw(r.clientURL("", "")).send("hello")
		}
		assert.Equal(t, []string{"OPTIONS"}, h.settled())
		close(free)
		h.settled()
		assert.Len(t, h.told("message"), 8)
		assert.Len(t, h.told(""), 1)
	})
}

func TestS26ValidationThatHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := &script{consent: func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }}
		r := newRig(t, chat(h))
		start := time.Now()
		_, resp := r.try(r.clientURL("", ""), nil)
		assert.Equal(t, http.StatusInternalServerError, resp.StatusCode)
		assert.Equal(t, 10*time.Second, time.Since(start))
		assert.Equal(t, []string{"OPTIONS"}, h.settled())
	})
}

func TestS27WhenValidationIsRepeated(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		refuse := false
		h := &script{consent: func(w http.ResponseWriter, r *http.Request) {
			if refuse {
				consents(401)(w, r)
				return
			}
			consents(200, "*")(w, r)
		}}
		cfg := chat(h)
		cfg.Hubs["chat"].EventHandlers[0].SystemEvents = nil
		r := newRig(t, cfg)
		p := r.member("ann")
		// say sends an event and returns the number of validation requests so far.
		say := func(ok bool) int {
			p.send(`{"type":"event","event":"e","data":1,"ackId":` + time.Now().Format("20060102150405") + `}`)
			require.Equal(t, ok, p.next()["success"])
			synctest.Wait()
			return len(h.told(""))
		}
		require.Equal(t, 1, say(true))
		pass(59 * time.Second)
		require.Equal(t, 1, say(true), "59 s")
		refuse = true
		pass(time.Second)
		require.Equal(t, 2, say(true), "60 s: asked again, the old verdict counts meanwhile")
		asked := 2
		for _, pause := range []int{1, 2, 4, 8, 16, 32, 60, 60} {
			pass(time.Duration(pause)*time.Second - time.Second/2)
			require.Equal(t, asked, say(false), "before %d s", pause)
			pass(time.Second / 2)
			asked++
			require.Equal(t, asked, say(false), "at %d s", pause)
		}
		refuse = false
		pass(time.Minute)
		require.Equal(t, asked+1, say(true), "consent in the end")
		refuse = true
		pass(time.Minute)
		require.Equal(t, asked+2, say(true))
		pass(time.Second)
		require.Equal(t, asked+3, say(false), "consent resets the pauses to 1 s")
	})
}

func TestS28ValidationRequest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := &script{consent: consents(200, "*"), on: map[string]http.HandlerFunc{"connect": answer(204, "", "", "Set-Cookie", "a=1")}}
		r := newRig(t, remote(t, h))
		r.raw(r.clientURL("ann", ""))
		pass(2 * time.Minute)
		r.raw(r.clientURL("bob", ""))
		h.settled()
		asked := h.told("")
		require.Len(t, asked, 2)
		for _, req := range asked {
			assert.Equal(t, "/events/chat/validate", req.path)
			assert.Equal(t, []string{"emu.test"}, req.header["Webhook-Request-Origin"])
			assert.Equal(t, []string{"1.0"}, req.header["Ce-Awpsversion"])
			for _, name := range []string{"Ce-Signature", "Cookie", "Authorization", "Ce-Type"} {
				assert.NotContains(t, req.header, name)
			}
		}
	})
}
