package emulator_test

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"regexp"
	"runtime/debug"
	"runtime/pprof"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestCloseCodes(t *testing.T) {
	t.Parallel()
	const tooLarge = "The client message is too large."
	for _, tc := range []struct {
		name   string
		kind   websocket.MessageType
		frame  string
		code   websocket.StatusCode
		reason string
	}{
		{"binary frame", websocket.MessageBinary, `{"type":"ping"}`, websocket.StatusUnsupportedData, "The JSON subprotocol requires text messages."},
		{"no JSON", websocket.MessageText, `{"type":`, websocket.StatusInvalidFramePayloadData, invalidJSON},
		{"not UTF-8", websocket.MessageText, "{\"type\":\"ping\",\"x\":\"\xff\"}", websocket.StatusInvalidFramePayloadData, invalidJSON},
		{"over 1 MiB", websocket.MessageText, strings.Repeat(" ", 1<<20+1), websocket.StatusMessageTooBig, tooLarge},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := &script{}
				r := newRig(t, chat(h))
				p := r.json(r.clientURL("ann", ""), reliableJSON)
				require.NoError(t, p.conn.Write(t.Context(), tc.kind, []byte(tc.frame)))
				p.goodbye(tc.code, tc.reason)
				assert.JSONEq(t, `{"reason":"`+tc.reason+`"}`, h.one(t, "disconnected").body, "at once, without a window")
				r.recover(p).closed(websocket.StatusPolicyViolation, noRecovery)
			})
		})
	}
}

func TestLargestFrame(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := &script{}
		r := newRig(t, chat(h))
		p := r.raw(r.clientURL("ann", ""))
		p.send(strings.Repeat("x", 1<<20))
		assert.Len(t, h.one(t, "message").body, 1<<20)
		p.send(strings.Repeat("x", 1<<20+1))
		p.closed(websocket.StatusMessageTooBig, "The client message is too large.")
	})
}

// A text frame with a reserved bit violates the WebSocket protocol.
func TestInvalidFrame(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var below net.Conn
		h := &script{}
		r := newRig(t, chat(h))
		transport, _ := r.http.Transport.(*http.Transport)
		dial := transport.DialContext
		transport.DialContext = nil
		own := &http.Transport{}
		own.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := dial(ctx, network, addr)
			below = conn
			return conn, err
		}
		r.http = &http.Client{Transport: own}
		p := r.json(r.clientURL("ann", ""), reliableJSON)
		_, err := below.Write([]byte{0xc1, 0x80, 0, 0, 0, 0})
		require.NoError(t, err)
		_, _, err = p.conn.Read(t.Context())
		assert.Equal(t, websocket.StatusProtocolError, websocket.CloseStatus(err))
		assert.JSONEq(t, `{"reason":"The client frame is invalid."}`, h.one(t, "disconnected").body)
	})
}

func TestClientCloses(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		close func(*peer)
		after time.Duration // until disconnected
		body  string
	}{
		{"1000", func(p *peer) { _ = p.conn.Close(websocket.StatusNormalClosure, "bye") }, 0, `{"reason":"bye"}`},
		{"no status", func(p *peer) { _ = p.conn.Close(websocket.StatusNoStatusRcvd, "") }, 0, `{"reason":""}`},
		{"other code", func(p *peer) { _ = p.conn.Close(3000, "later") }, 30 * time.Second, `{"reason":"The connection recovery timeout expired."}`},
		{"cut", func(p *peer) { _ = p.conn.CloseNow() }, 30 * time.Second, `{"reason":"The connection recovery timeout expired."}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := &script{}
				r := newRig(t, chat(h))
				p := r.json(r.clientURL("ann", ""), reliableJSON)
				start := time.Now()
				tc.close(p)
				pass(29 * time.Second)
				synctest.Wait()
				if tc.after > 0 {
					assert.Empty(t, h.told("disconnected"), "within the window")
				}
				pass(2 * time.Second)
				ev := h.one(t, "disconnected")
				assert.JSONEq(t, tc.body, ev.body)
				assert.Equal(t, tc.after, ev.at.Sub(start))
				r.recover(p).closed(websocket.StatusPolicyViolation, noRecovery)
			})
		})
	}
}

// A peer that neither reads nor answers close frames delays Close only briefly.
func TestCloseDoesNotWaitForDeadPeers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := &script{}
		r := newRig(t, chat(h))
		_ = r.member("idle", "g")
		_ = r.raw(r.clientURL("raw", "", "g"))
		_ = r.json(r.clientURL("reliable", "", "g"), reliableJSON)
		for range 3 {
			require.Equal(t, http.StatusAccepted, r.rest("POST", "/groups/g/:send", "text/plain", strings.Repeat("x", 100)))
		}
		require.Equal(t, http.StatusNoContent, r.rest("POST", "/users/idle/:closeConnections", "", ""))
		synctest.Wait()
		require.NotEmpty(t, leaksInBubble())
		start := time.Now()
		r.server.Close()
		assert.LessOrEqual(t, time.Since(start), time.Second)
		assert.Empty(t, leaksInBubble(), "no goroutine is left")
	})
}

// Close drops events that a handler has and events that wait for a retry.
func TestCloseDoesNotWaitForHandlers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := &script{on: map[string]http.HandlerFunc{
			"hang":      func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
			"retry":     answer(503, "", ""),
			"connected": answer(503, "", ""),
			"connect": func(_ http.ResponseWriter, r *http.Request) {
				if r.Header.Get("ce-userId") == "late" {
					<-r.Context().Done()
				}
			},
		}}
		r := newRig(t, chat(h))
		for _, name := range []string{"hang", "retry"} {
			p := r.member("ann")
			p.send(`{"type":"event","event":"` + name + `","data":1}`)
		}
		done := make(chan int)
		go func() {
			_, resp := r.try(r.clientURL("late", ""), nil)
			done <- resp.StatusCode
		}()
		synctest.Wait()
		start := time.Now()
		r.server.Close()
		assert.LessOrEqual(t, time.Since(start), 2*time.Second)
		assert.Equal(t, http.StatusInternalServerError, <-done)
	})
}

// Shutdown delivers all events: what clients have sent, and disconnected of every client,
// also of those that may recover.
func TestShutdown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		slow := func(http.ResponseWriter, *http.Request) { pass(time.Second) }
		h := &script{on: map[string]http.HandlerFunc{"e": slow, "left": slow}, consent: consents(200, "*")}
		r := newRig(t, chat(h))
		p := r.member("plain", "g")
		reliable, away := r.json(r.clientURL("reliable", ""), reliableJSON), r.json(r.clientURL("away", ""), reliableJSON)
		require.NoError(t, away.conn.CloseNow())
		pass(10 * time.Second) // within the recovery window
		p.send(`{"type":"event","event":"e","data":1}`, `{"type":"event","event":"e","data":2}`)
		synctest.Wait()
		stopped := make(chan error)
		go func() {
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			defer cancel()
			stopped <- r.server.Shutdown(ctx)
		}()
		p.closed(websocket.StatusGoingAway, "The server is stopping.")
		reliable.closed(websocket.StatusGoingAway, "The server is stopping.")
		require.NoError(t, <-stopped)
		users := map[string][]string{}
		for _, ev := range h.all() {
			users[ev.header.Get("ce-userId")] = append(users[ev.header.Get("ce-userId")], ev.event)
		}
		assert.Equal(t, []string{"connect", "connected", "joined", "e", "e", "left", "disconnected"}, users["plain"])
		assert.Equal(t, []string{"connect", "connected", "disconnected"}, users["reliable"])
		assert.Equal(t, []string{"connect", "connected", "disconnected"}, users["away"])
		require.NoError(t, r.server.Shutdown(t.Context()), "again")
	})
}

func TestShutdownEndsWithContext(t *testing.T) {
	t.Parallel()
	for _, event := range []string{"e", "disconnected"} {
		synctest.Test(t, func(t *testing.T) {
			h := userEvent(event, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
			r := newRig(t, chat(h))
			p := r.member("ann")
			p.send(`{"type":"event","event":"e","data":1}`)
			synctest.Wait()
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			require.ErrorIs(t, r.server.Shutdown(ctx), context.DeadlineExceeded, event)
			assert.Len(t, h.told(event), 1)
		})
	}
}

func TestDeadPeersAreDetected(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := &script{}
		cfg := chat(h)
		cfg.KeepAlive = 20 * time.Second
		r := newRig(t, cfg)
		p := r.member("ann")
		reads := make(chan struct{})
		go func() { defer close(reads); _, _, _ = p.conn.Read(t.Context()) }() // answers pings
		pass(10 * time.Minute)
		synctest.Wait()
		assert.Empty(t, h.told("disconnected"))
		_ = r.member("dead")
		_ = r.member("stuck", "g")
		require.Equal(t, http.StatusAccepted, r.rest("POST", "/groups/g/:send", "text/plain", "x")) // blocks in the write
		pass(41 * time.Second)
		synctest.Wait()
		var gone []string
		for _, ev := range h.told("disconnected") {
			gone = append(gone, ev.header.Get("ce-userId"))
		}
		assert.ElementsMatch(t, []string{"dead", "stuck"}, gone)
		r.server.Close()
		<-reads
	})
}

// A client whose queue is full is not read, so its pongs are not received. It must not be
// disconnected for that.
func TestBusyClientIsNotDisconnected(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := &script{on: map[string]http.HandlerFunc{"slow": func(http.ResponseWriter, *http.Request) { pass(90 * time.Second) }}}
		cfg := chat(h)
		cfg.KeepAlive = time.Second
		r := newRig(t, cfg)
		p := r.member("ann")
		acks := make(chan int)
		go func() {
			n := 0
			for range 70 {
				if _, _, err := p.conn.Read(t.Context()); err != nil {
					break
				}
				n++
			}
			acks <- n
		}()
		p.send(`{"type":"event","event":"slow","data":1,"ackId":0}`)
		for i := range 69 {
			p.send(`{"type":"event","event":"quick","data":1,"ackId":` + strings.Repeat("1", i+1)[:min(i+1, 18)] + `}`)
		}
		assert.Equal(t, 70, <-acks)
	})
}

func TestSlowReaderDelaysNoOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := &script{}
		r := newRig(t, chat(h))
		_ = r.raw(r.clientURL("slow", "", "g"))
		fast := r.raw(r.clientURL("fast", "", "g"))
		message := strings.Repeat("x", 1_000_000)
		start := time.Now()
		for range 40 {
			require.Equal(t, http.StatusAccepted, r.rest("POST", "/groups/g/:send", "application/octet-stream", message))
			_, got := fast.frame()
			require.Len(t, got, len(message))
		}
		assert.Zero(t, time.Since(start), "the slow client has read nothing")
		pass(time.Minute)
		assert.JSONEq(t, `{"reason":"The client reads too slowly."}`, h.one(t, "disconnected").body)
		assert.Equal(t, "slow", h.one(t, "disconnected").header.Get("ce-userId"))
	})
}

// leaksInBubble returns the emulator's goroutines in the caller's bubble.
func leaksInBubble() []string {
	own := bubble.FindString(string(debug.Stack()))
	var all bytes.Buffer
	_ = pprof.Lookup("goroutine").WriteTo(&all, 2) // never fails
	var out []string
	for stack := range strings.SplitSeq(all.String(), "\n\n") {
		if strings.Contains(stack, "webpubsub/emulator/internal") && bubble.FindString(stack) == own {
			out = append(out, stack)
		}
	}
	return out
}

// bubble matches the bubble in the first line of a goroutine's stack.
var bubble = regexp.MustCompile(`synctest bubble \d+`)
