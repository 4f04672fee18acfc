package emulator_test

import (
	"bufio"
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/emulator"
)

func TestRecoveryRefused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, emulator.Config{})
		p, plain := r.json(r.clientURL("ann", ""), reliableJSON), r.member("bob")
		secret, _ := p.greeting["reconnectionToken"].(string)
		for name, q := range map[string]url.Values{
			"no token":     {"awps_connection_id": {p.id()}},
			"wrong token":  {"awps_connection_id": {p.id()}, "awps_reconnection_token": {secret + "0"}},
			"unknown id":   {"awps_connection_id": {"0"}, "awps_reconnection_token": {secret}},
			"not reliable": {"awps_connection_id": {plain.id()}, "awps_reconnection_token": {""}},
		} {
			for _, hub := range []string{"chat", "new"} {
				if hub == "new" {
					q.Set("awps_reconnection_token", secret)
				}
				refused, resp := r.try(base+"/client/hubs/"+hub+"?"+q.Encode(), nil, reliableJSON)
				require.Equal(t, http.StatusSwitchingProtocols, resp.StatusCode, name)
				assert.Equal(t, []string{reliableJSON}, resp.Header.Values("Sec-WebSocket-Protocol"), name)
				if hub == "new" && (name == "no token" || name == "wrong token") {
					q.Set("awps_connection_id", p.id()) // only the hub is wrong
				}
				refused.closed(websocket.StatusPolicyViolation, noRecovery)
			}
		}
		p.quiet() // the connection is intact
		plain.quiet()
	})
}

// A client that has closed cannot recover, even while the handler has one of its events.
func TestNoRecoveryAfterClose(t *testing.T) {
	t.Parallel()
	for _, code := range []websocket.StatusCode{websocket.StatusNormalClosure, websocket.StatusNoStatusRcvd} {
		synctest.Test(t, func(t *testing.T) {
			free := make(chan struct{})
			h := userEvent("e", func(w http.ResponseWriter, _ *http.Request) { <-free; w.WriteHeader(http.StatusNoContent) })
			r := newRig(t, chat(h))
			p := r.json(r.clientURL("ann", allRoles), reliableJSON)
			p.send(`{"type":"event","event":"e","data":1}`)
			synctest.Wait()
			require.NoError(t, p.conn.Close(code, ""))
			synctest.Wait()
			r.recover(p).closed(websocket.StatusPolicyViolation, noRecovery)
			assert.Empty(t, h.told("disconnected"), "earlier requests of the client precede it")
			close(free)
			h.one(t, "disconnected")
		})
	}
}

// watched calls a function before a close frame is written.
type watched struct {
	http.Handler
	closes func()
}

func (w watched) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	w.Handler.ServeHTTP(watchedWriter{rw, w.closes}, r)
}

type watchedWriter struct {
	http.ResponseWriter
	closes func()
}

func (w watchedWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(w.ResponseWriter).Hijack()
	conn = watchedConn{conn, w.closes}
	return conn, bufio.NewReadWriter(rw.Reader, bufio.NewWriter(conn)), err
}

type watchedConn struct {
	net.Conn
	closes func()
}

func (c watchedConn) Write(p []byte) (int, error) {
	if p[0] == 0x88 {
		c.closes()
	}
	return c.Conn.Write(p)
}

// A client cannot recover as soon as its close frame is answered.
func TestNoRecoveryOnceCloseIsAnswered(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, emulator.Config{})
		var p *peer
		var errs []error
		behind := *r
		behind.http = serve(t, watched{r.server, func() {
			_, _, err := r.recover(p).conn.Read(t.Context())
			errs = append(errs, err)
		}}, func() {})
		p = behind.json(r.clientURL("ann", ""), reliableJSON)
		_ = p.conn.Close(websocket.StatusNormalClosure, "")
		require.Len(t, errs, 1)
		assert.Equal(t, websocket.StatusPolicyViolation, websocket.CloseStatus(errs[0]))
	})
}

// A client that closes right after it recovers cannot recover again: its close frame
// proves that it has read the socket.
func TestCloseDuringRecovery(t *testing.T) {
	t.Parallel()
	for _, code := range []websocket.StatusCode{websocket.StatusNormalClosure, websocket.StatusNoStatusRcvd} {
		synctest.Test(t, func(t *testing.T) {
			h := &script{}
			r := newRig(t, chat(h))
			p := r.json(r.clientURL("ann", ""), reliableJSON)
			require.NoError(t, p.conn.CloseNow())
			synctest.Wait()
			again := r.recover(p)
			_ = again.conn.Close(code, "") // ignores frames
			synctest.Wait()
			h.one(t, "disconnected")
			r.recover(p).closed(websocket.StatusPolicyViolation, noRecovery)
		})
	}
}

func TestRecoveryTakesOverALiveSocket(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := &script{}
		r := newRig(t, chat(h))
		old := r.json(r.clientURL("ann", allRoles, "g"), reliableJSON)
		again := r.recover(old)
		assert.Equal(t, old.greeting, again.next())
		old.closed(websocket.StatusPolicyViolation, "The connection was taken up by another client.")
		require.Equal(t, http.StatusAccepted, r.rest("POST", "/groups/g/:send", "text/plain", "x"))
		again.expect(`{"sequenceId":1,"type":"message","from":"group","group":"g","fromUserId":null,"dataType":"text","data":"x"}`)
		pass(time.Minute)
		again.quiet()
		h.settled()
		assert.Empty(t, h.told("disconnected"))
	})
}

// A client abandons an attempt to recover and succeeds with another. The first attempt
// arrives later and must not take the connection.
func TestAbandonedRecovery(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		r := newRig(t, emulator.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))})
		p := r.json(r.clientURL("ann", allRoles, "g"), reliableJSON)
		require.NoError(t, p.conn.CloseNow())
		synctest.Wait()
		still, served := make(chan struct{}), make(chan struct{})
		late := *r
		late.http = serve(t, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			<-still
			r.server.ServeHTTP(w, req)
			close(served)
		}), func() {})
		ctx, giveUp := context.WithTimeout(t.Context(), 10*time.Second)
		defer giveUp()
		secret, _ := p.greeting["reconnectionToken"].(string)
		q := url.Values{"awps_connection_id": {p.id()}, "awps_reconnection_token": {secret}}
		_, _, err := websocket.Dial(ctx, base+"/client/hubs/chat?"+q.Encode(), &websocket.DialOptions{HTTPClient: late.http, Subprotocols: []string{reliableJSON}})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		again := r.recover(p)
		assert.Equal(t, p.greeting, again.next())
		close(still)
		<-served
		require.Equal(t, http.StatusAccepted, r.rest("POST", "/groups/g/:send", "text/plain", "x"))
		again.expect(`{"sequenceId":1,"type":"message","from":"group","group":"g","fromUserId":null,"dataType":"text","data":"x"}`)
		again.quiet()
		synctest.Wait()
		assert.Equal(t, 1, strings.Count(log.String(), "client recovered"))
	})
}

// A client that sends nothing on its new socket does not recover the connection.
func TestRecoveryNeedsAnAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, emulator.Config{})
		p := r.json(r.clientURL("ann", ""), reliableJSON)
		silent := r.recover(p) // does not read, so it sends no pong
		pass(29 * time.Second)
		p.quiet()
		pass(time.Second)
		_, _, err := silent.conn.Read(t.Context())
		require.Error(t, err)
		assert.Equal(t, websocket.StatusCode(-1), websocket.CloseStatus(err), "cut")
		p.quiet()
	})
}

// A dead peer, as after a cable was pulled, neither reads nor closes.
func TestRecoveryTakesOverADeadSocket(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, emulator.Config{})
		dead := r.json(r.clientURL("ann", "", "g"), reliableJSON)
		for range 3 {
			require.Equal(t, http.StatusAccepted, r.rest("POST", "/groups/g/:send", "text/plain", "x"))
		}
		synctest.Wait() // the server blocks in a write
		start := time.Now()
		again := r.recover(dead)
		again.next()
		for seq := range 3 {
			assert.InDelta(t, seq+1, again.next()["sequenceId"], 0)
		}
		assert.Zero(t, time.Since(start))
	})
}

// If the connection of a reliable client breaks while the handler has an event, neither
// the event nor its answer is lost.
func TestAnswerWaitsForTheClient(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		free := make(chan struct{})
		h := userEvent("e", answers(func(w http.ResponseWriter, r *http.Request) { <-free; answer(200, "text/plain", "late")(w, r) }, answer(204, "", "")))
		r := newRig(t, chat(h))
		p := r.json(r.clientURL("ann", allRoles), reliableJSON)
		p.send(`{"type":"event","event":"e","data":1,"ackId":1}`)
		synctest.Wait()
		require.NoError(t, p.conn.CloseNow())
		pass(time.Second)
		again := r.recover(p)
		again.next()
		again.send(`{"type":"event","event":"e","data":2,"ackId":2}`)
		synctest.Wait()
		assert.Len(t, h.told("e"), 1, "one after the other, over both sockets")
		close(free)
		again.expect(`{"sequenceId":1,"type":"message","from":"server","dataType":"text","data":"late"}`, acked, `{"type":"ack","ackId":2,"success":true}`)
		again.send(`{"type":"event","event":"e","data":1,"ackId":1}`)
		assert.Equal(t, "Duplicate", again.next()["error"].(map[string]any)["name"])
	})
}

func TestMessageTTL(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, emulator.Config{})
		p := r.json(r.clientURL("ann", "", "g"), reliableJSON)
		sender := r.member("bob")
		require.NoError(t, p.conn.CloseNow())
		synctest.Wait()
		for _, ttl := range []string{"5", "20", "0"} {
			sender.send(`{"type":"sendToGroup","group":"g","dataType":"text","data":"` + ttl + `","ttlSeconds":` + ttl + `}`)
		}
		sender.quiet()
		pass(10 * time.Second)
		again := r.recover(p)
		again.next()
		again.expect(groupText(2, "g", "bob", "20"), groupText(3, "g", "bob", "0"))
	})
}

func TestSequenceAckOfAnyClient(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, emulator.Config{})
		plain := r.member("ann")
		plain.send(`{"type":"sequenceAck","sequenceId":5}`)
		plain.quiet()
		p := r.json(r.clientURL("ann", "", "g"), reliableJSON)
		require.Equal(t, http.StatusAccepted, r.rest("POST", "/groups/g/:send", "text/plain", "x"))
		p.next()
		p.send(`{"type":"sequenceAck","sequenceId":999}`) // unknown sequence id
		p.quiet()
		require.NoError(t, p.conn.CloseNow())
		synctest.Wait()
		again := r.recover(p)
		again.next()
		assert.InDelta(t, 1, again.next()["sequenceId"], 0, "releases no message")
	})
}

// The recovery window ends at the moment in which the client recovers.
func TestRecoveryAtTheEndOfTheWindow(t *testing.T) {
	t.Parallel()
	for range 20 {
		synctest.Test(t, func(t *testing.T) {
			h := &script{}
			r := newRig(t, chat(h))
			p := r.json(r.clientURL("ann", ""), reliableJSON)
			require.NoError(t, p.conn.CloseNow())
			synctest.Wait()
			pass(30 * time.Second)
			again := r.recover(p)
			_, data, err := again.conn.Read(t.Context())
			if err != nil {
				assert.Equal(t, websocket.StatusPolicyViolation, websocket.CloseStatus(err))
				h.one(t, "disconnected")
				return
			}
			assert.Contains(t, string(data), p.id())
			again.quiet()
			h.settled()
			assert.Empty(t, h.told("disconnected"), "recovered, not ended")
		})
	}
}
