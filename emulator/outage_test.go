package emulator_test

import (
	"net/http"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The first event after an outage reaches the handler, since it asks for consent again.
func TestEventAfterOutage(t *testing.T) {
	t.Parallel()
	for name, gone := range map[string]http.HandlerFunc{
		"nobody listens":          func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"a proxy answers for it":  answer(http.StatusBadGateway, "text/html", "<html>"),
		"a proxy waits too long":  answer(http.StatusGatewayTimeout, "", ""),
		"another program answers": answer(http.StatusServiceUnavailable, "", ""),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var down atomic.Bool
				up := &script{}
				h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if down.Load() {
						gone(w, r)
						return
					}
					up.ServeHTTP(w, r)
				})
				cfg := remote(t, h)
				cfg.Hubs["chat"].EventHandlers[0].SystemEvents = nil
				r := newRig(t, cfg)
				p := r.member("ann")
				id := 0
				say := func() bool {
					id++
					p.send(`{"type":"event","event":"e","data":1,"ackId":` + strconv.Itoa(id) + `}`)
					ok, _ := p.next()["success"].(bool)
					return ok
				}
				require.True(t, say())
				down.Store(true)
				for began := time.Now(); time.Since(began) < 150*time.Second; pass(5 * time.Second) {
					require.False(t, say())
				}
				down.Store(false)
				assert.True(t, say())
			})
		})
	}
}

// Events that are raised during a validation wait for its result.
func TestEventsDuringValidation(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := &script{consent: answers(consents(503), consents(502), consents(200, "*"))}
		cfg := chat(h)
		cfg.Hubs["chat"].EventHandlers[0].SystemEvents = nil
		r := newRig(t, cfg)
		p, q := r.member("ann"), r.member("bob")
		start := time.Now()
		p.send(`{"type":"event","event":"e","data":1,"ackId":1}`)
		pass(2 * time.Second)
		q.send(`{"type":"event","event":"e","data":1,"ackId":1}`)
		p.expect(acked)
		q.expect(acked)
		assert.Equal(t, 4*time.Second, time.Since(start))
		assert.Len(t, h.told(""), 3)
	})
}
