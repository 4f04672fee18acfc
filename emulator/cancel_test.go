package emulator_test

import (
	"context"
	"net/http"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// hanging answers an event when its request is cancelled, and reports it.
func hanging(ended chan<- string) http.HandlerFunc {
	return func(_ http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
		ended <- r.Header.Get("ce-eventName")
	}
}

// The request of an event is cancelled when the connection of its client ends without a
// close frame.
func TestRequestsAreCancelledWithTheirClient(t *testing.T) {
	t.Parallel()
	const lost = "The client's connection was lost."
	for _, tc := range []struct {
		name        string
		subprotocol string // empty for a raw client
		end         func(*rig, *peer)
		after       time.Duration
		reason      string
	}{
		{"lost, raw", "", func(_ *rig, p *peer) { _ = p.conn.CloseNow() }, 0, lost},
		{"lost, JSON", plainJSON, func(_ *rig, p *peer) { _ = p.conn.CloseNow() }, 0, lost},
		{"lost for good, reliable", reliableJSON, func(_ *rig, p *peer) { _ = p.conn.CloseNow() }, 30 * time.Second, "The connection recovery timeout expired."},
		{"closed by REST", plainJSON, func(r *rig, _ *peer) { r.rest("POST", "/:closeConnections", "", "") }, 0, "Application server closed the connection."},
		{"closed for a violation", plainJSON, func(_ *rig, p *peer) { p.send("{") }, 0, invalidJSON},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			for _, where := range places() {
				synctest.Test(t, func(t *testing.T) {
					ended := make(chan string, 1)
					h := userEvent("message", hanging(ended))
					var logged logBook
					cfg := where(t, h)
					cfg.Logger = logged.logger()
					r := newRig(t, cfg)
					var p *peer
					if tc.subprotocol == "" {
						p = r.raw(r.clientURL("ann", ""))
						p.send("hello")
					} else {
						p = r.json(r.clientURL("ann", ""), tc.subprotocol)
						p.send(`{"type":"event","event":"message","data":1,"ackId":1}`, `{"type":"event","event":"message","data":2,"ackId":2}`)
					}
					synctest.Wait()
					start := time.Now()
					tc.end(r, p)
					assert.Equal(t, "message", <-ended)
					assert.Equal(t, tc.after, time.Since(start))
					assert.JSONEq(t, `{"reason":"`+tc.reason+`"}`, h.one(t, "disconnected").body)
					assert.Len(t, h.told("message"), 1, "neither repeated nor are queued events delivered")
					require.NotEmpty(t, logged.lines("event cancelled"))
					assert.Contains(t, logged.lines("event cancelled")[0], ` event=message event_id=2 `)
					assert.Contains(t, logged.lines("event cancelled")[0], ` reason="the client has gone"`)
				})
			}
		})
	}
}

// After a close frame, the client's events are delivered and its invocations cancelled.
func TestCloseFrameCancelsInvocations(t *testing.T) {
	t.Parallel()
	for _, code := range []websocket.StatusCode{websocket.StatusNormalClosure, websocket.StatusGoingAway} {
		synctest.Test(t, func(t *testing.T) {
			ended := make(chan string, 1)
			h := userEvent("call", hanging(ended))
			r := newRig(t, chat(h))
			p := r.member("ann")
			h.settled()
			p.send(`{"type":"invoke","invocationId":"1","target":"event","event":"call","data":1}`, `{"type":"event","event":"e","data":1}`)
			synctest.Wait()
			start := time.Now()
			require.NoError(t, p.conn.Close(code, "bye"))
			assert.Equal(t, "call", <-ended)
			assert.JSONEq(t, `{"reason":"bye"}`, h.one(t, "disconnected").body)
			assert.Equal(t, []string{"OPTIONS", "connect", "connected", "call", "e", "disconnected"}, h.settled())
			assert.Zero(t, time.Since(start))
		})
	}
}

// Cancelling an invocation cancels its request. The client's next requests do not wait
// for the handler, even if it ignores its context.
func TestCancelledInvocation(t *testing.T) {
	t.Parallel()
	const call, cancel = `{"type":"invoke","invocationId":"1","target":"event","event":"call","data":1}`, `{"type":"cancelInvocation","invocationId":"1"}`
	for name, deaf := range map[string]bool{"handler that hears": false, "handler that does not": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, where := range places() {
				synctest.Test(t, func(t *testing.T) {
					free := make(chan struct{})
					ended := make(chan error, 1)
					h := userEvent("call", func(_ http.ResponseWriter, r *http.Request) {
						if deaf {
							<-free
						} else {
							<-r.Context().Done()
						}
						ended <- r.Context().Err()
					})
					var logged logBook
					cfg := where(t, h)
					cfg.Logger = logged.logger()
					r := newRig(t, cfg)
					p := r.member("ann")
					p.send(call, `{"type":"event","event":"e","data":1,"ackId":1}`)
					synctest.Wait()
					assert.Empty(t, h.told("e"), "in order")
					p.send(cancel)
					p.expect(acked)
					p.quiet() // no answer to the invocation
					require.Len(t, logged.lines("event cancelled"), 1)
					assert.Contains(t, logged.lines("event cancelled")[0], ` event=call event_id=2 ms=0 reason="the client has cancelled the invocation"`)
					close(free)
					require.ErrorIs(t, <-ended, context.Canceled)
					assert.Len(t, h.told("call"), 1)
				})
			}
		})
	}
	t.Run("before its turn", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			free := make(chan struct{})
			h := userEvent("e", func(http.ResponseWriter, *http.Request) { <-free })
			r := newRig(t, chat(h))
			p := r.member("ann")
			p.send(`{"type":"event","event":"e","data":1,"ackId":1}`, call, cancel)
			synctest.Wait()
			close(free)
			p.expect(acked)
			p.quiet()
			assert.Empty(t, h.told("call"))
		})
	})
	t.Run("on a recovered socket", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			ended := make(chan string, 1)
			h := userEvent("call", hanging(ended))
			r := newRig(t, chat(h))
			p := r.json(r.clientURL("ann", ""), reliableJSON)
			p.send(call)
			synctest.Wait()
			require.NoError(t, p.conn.CloseNow())
			pass(29 * time.Second)
			again := r.recover(p)
			again.next()
			again.send(call) // repeats the invocation
			again.quiet()
			assert.Empty(t, ended)
			again.send(cancel)
			assert.Equal(t, "call", <-ended)
			again.quiet()
			assert.Len(t, h.told("call"), 1)
			again.send(call) // the id can be used again
			synctest.Wait()
			assert.Len(t, h.told("call"), 2)
		})
	})
}

// A handler in memory has the timeout of one at a URL. A handler that ends its
// goroutine, as t.FailNow does, fails its event only.
func TestHandlerInMemoryFails(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		handler func(free <-chan struct{})
		after   time.Duration
	}{
		"never answers": {func(free <-chan struct{}) { <-free }, 100 * time.Second},
		"exits":         {func(<-chan struct{}) { runtime.Goexit() }, 9 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				free := make(chan struct{})
				r := newRig(t, chat(userEvent("e", func(http.ResponseWriter, *http.Request) { tc.handler(free) })))
				p := r.member("ann")
				start := time.Now()
				p.send(`{"type":"event","event":"e","data":1,"ackId":1}`)
				p.expect(ackedErr)
				assert.Equal(t, tc.after, time.Since(start))
				close(free)
				p.quiet()
			})
		})
	}
}
