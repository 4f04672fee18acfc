package client_test

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/client"
	"github.com/go-webpubsub/webpubsub/emulator"
)

func TestRecovery(t *testing.T) {
	t.Parallel()
	over(t, recovering, func(t *testing.T, p client.Protocol) {
		r := newRig(t, emulator.Config{}).over(p)
		ann := r.client("ann", nil)
		seen := record(ann)
		require.NoError(t, ann.Start(t.Context()))
		_, err := ann.JoinGroup(t.Context(), "g", nil)
		require.NoError(t, err)
		id := ann.ConnectionID()
		for range 3 {
			r.network.cut()
			pass(2 * time.Second)
		}
		_, err = ann.SendToGroup(t.Context(), "g", client.Text("still here"), nil)
		require.NoError(t, err)
		assert.Equal(t, []string{"connected ann", "recovering", "recovered", "recovering", "recovered", "recovering", "recovered", "g/" + from(p, "ann") + ": still here"}, seen.settled())
		assert.Equal(t, id, ann.ConnectionID())

		r.network.setDown(true)
		r.network.cut()
		pass(40 * time.Second)
		assert.Equal(t, client.StateReconnecting, ann.State())
		r.network.setDown(false)
		pass(time.Minute)
		_, err = ann.SendToGroup(t.Context(), "g", client.Text("back"), nil)
		require.NoError(t, err)
		assert.Equal(t, []string{"recovering", "disconnected", "connected ann", "g/" + from(p, "ann") + ": back"}, seen.settled())
		assert.NotEqual(t, id, ann.ConnectionID())
	})
}

// TestRecoveryLosesNoMessage sends 10,000 messages to a client whose network is cut
// 20 times, often in the middle of a frame. Each arrives once and in order.
func TestRecoveryLosesNoMessage(t *testing.T) {
	t.Parallel()
	over(t, recovering, func(t *testing.T, p client.Protocol) {
		const messages, cuts = 10_000, 20
		r := newRig(t, emulator.Config{}).over(p)
		bobs := newNetwork(t, r.server, nil) // a separate network, which is not cut
		ann := r.client("ann", nil)
		bob := newClient(t, bobs, address(t, "bob", allRoles), &client.Options{Protocol: p})
		seen := new(recorder)
		ann.OnRecovered(func(context.Context, client.RecoveredEvent) { seen.note("recovered") })
		ann.OnDisconnected(func(context.Context, client.DisconnectedEvent) { seen.note("disconnected") })
		next, wrong := 0, 0
		finished := make(chan struct{})
		ann.OnGroupMessage(func(_ context.Context, m *client.GroupMessage) {
			if m.Data.String() != strconv.Itoa(next) {
				wrong++
			}
			if next++; next == messages {
				close(finished)
			}
		})
		require.NoError(t, ann.Start(t.Context()))
		require.NoError(t, bob.Start(t.Context()))
		_, err := ann.JoinGroup(t.Context(), "g", nil)
		require.NoError(t, err)
		start := time.Now()
		budget := 0
		r.network.setShape(func(c *cable) { // the first WebSocket of each recovery ends in a frame
			if budget++; budget < cuts {
				c.budget = 4000 + 977*budget
			}
		})
		go r.network.cut()
		for i := range messages {
			_, err := bob.SendToGroup(t.Context(), "g", client.Text(strconv.Itoa(i)), nil)
			require.NoError(t, err)
			if i%200 == 199 { // no more than the service keeps for a lost connection
				pass(3 * time.Second)
			}
		}
		select {
		case <-finished:
		case <-time.After(time.Hour):
		}
		times := len(seen.settled())
		assert.Equal(t, messages, next)
		assert.Zero(t, wrong)
		assert.GreaterOrEqual(t, times, cuts)
		t.Logf("%d messages over %d sockets, recovered %d times in %v of the network's time: %d lost, %d twice or out of order",
			messages, r.network.dialled(), times, time.Since(start), messages-next, wrong)
	})
}

// TestRecoverySendsOnce does the same for requests whose acks are lost.
func TestRecoverySendsOnce(t *testing.T) {
	t.Parallel()
	over(t, recovering, func(t *testing.T, p client.Protocol) {
		const messages, cuts = 2_000, 20
		r := newRig(t, emulator.Config{}).over(p)
		anns := newNetwork(t, r.server, nil)
		bob := r.client("bob", nil)
		ann := newClient(t, anns, address(t, "ann", allRoles), &client.Options{Protocol: p})
		next, wrong := 0, 0
		ann.OnGroupMessage(func(_ context.Context, m *client.GroupMessage) {
			if m.Data.String() != strconv.Itoa(next) {
				wrong++
			}
			next++
		})
		require.NoError(t, ann.Start(t.Context()))
		_, err := ann.JoinGroup(t.Context(), "g", nil)
		require.NoError(t, err)
		require.NoError(t, bob.Start(t.Context()))
		sockets, duplicates := 0, 0
		least, more := 1500, 311                  // bytes until a cut
		if p == client.ProtocolProtobufReliable { // its acks are shorter
			least, more = 500, 50
		}
		r.network.setShape(func(c *cable) {
			if sockets++; sockets < cuts {
				c.budget = least + more*sockets // ends in an ack
			}
		})
		r.network.cut()
		for i := range messages {
			result, err := bob.SendToGroup(t.Context(), "g", client.Text(strconv.Itoa(i)), nil)
			require.NoError(t, err)
			if result.Duplicate {
				duplicates++
			}
		}
		synctest.Wait()
		assert.Equal(t, messages, next)
		assert.Zero(t, wrong)
		assert.GreaterOrEqual(t, r.network.dialled(), cuts)
		t.Logf("%d messages over %d sockets: %d acks were lost, %d messages lost, %d twice or out of order", messages, r.network.dialled(), duplicates, messages-next, wrong)
	})
}

// TestHalfOpen drops everything in both directions, as a router that has forgotten
// the connection does.
func TestHalfOpen(t *testing.T) {
	t.Parallel()
	over(t, recovering, func(t *testing.T, p client.Protocol) {
		r := newRig(t, emulator.Config{}).over(p)
		c := r.client("ann", nil)
		seen := record(c)
		require.NoError(t, c.Start(t.Context()))
		r.network.last().silence()
		start := time.Now()
		_, err := c.JoinGroup(t.Context(), "g", nil) // its ack arrives over the next WebSocket
		require.NoError(t, err)
		assert.LessOrEqual(t, time.Since(start), 20*time.Second)
		assert.Equal(t, []string{"connected ann", "recovering", "recovered"}, seen.settled())
	})
}

// TestPolicyViolation checks that only close code 1008 ends a connection at once.
func TestPolicyViolation(t *testing.T) {
	t.Parallel()
	for code, recovers := range map[websocket.StatusCode]bool{1000: true, 1001: true, 1003: true, 1007: true, 1008: false, 1009: true, 1011: true, 1012: true, 4000: true} {
		t.Run(strconv.Itoa(int(code)), func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T) {
				f := newFake(t)
				c := f.client(nil)
				var ended client.DisconnectedEvent
				c.OnDisconnected(func(_ context.Context, ev client.DisconnectedEvent) { ended = ev })
				var lost client.RecoveringEvent
				c.OnRecovering(func(_ context.Context, ev client.RecoveringEvent) { lost = ev })
				var back client.RecoveredEvent
				c.OnRecovered(func(_ context.Context, ev client.RecoveredEvent) { back = ev })
				seen := record(c)
				p := f.start(c)
				pass(15 * time.Second)
				p.close(code, "a\nreason")
				if recovers {
					f.recovered("id-1")
					assert.Equal(t, []string{"connected ann", "recovering", "recovered"}, seen.settled())
					assert.Equal(t, code, websocket.CloseStatus(lost.Err))
					assert.Equal(t, []string{"id-1", "id-1"}, []string{lost.ConnectionID, back.ConnectionID})
					return
				}
				f.greet("id-2")
				assert.Equal(t, []string{"connected ann", "disconnected", "connected ann"}, seen.settled())
				require.Error(t, ended.Err)
				assert.Equal(t, client.DisconnectedEvent{ConnectionID: "id-1", CloseCode: 1008, CloseReason: "a reason", Err: ended.Err}, ended)
			})
		})
	}
}

// TestRecoveryRefused checks that only close code 1008 ends the attempts to
// recover.
func TestRecoveryRefused(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		c := f.client(nil)
		seen := record(c)
		p := f.start(c)
		pass(15 * time.Second)
		start := time.Now()
		p.drop()
		for range 5 {
			p = <-f.peers
			p.expect(`{"type":"ping"}`)
			p.close(websocket.StatusInternalError, "later")
		}
		assert.Equal(t, 4*time.Second, time.Since(start), "a second between attempts")
		p = <-f.peers
		p.expect(`{"type":"ping"}`)
		p.close(websocket.StatusPolicyViolation, "The connection could not be recovered.")
		p = f.greet("id-2")
		assert.Equal(t, []string{"connected ann", "recovering", "disconnected", "connected ann"}, seen.settled())
		assert.Equal(t, "id-2", c.ConnectionID())
		assert.NotContains(t, p.query, "awps_connection_id", "a new connection")
	})
}

// TestRecoveryTimeout checks that the attempts end after RecoveryTimeout.
func TestRecoveryTimeout(t *testing.T) {
	t.Parallel()
	for timeout, want := range map[time.Duration]time.Duration{0: 30 * time.Second, 5 * time.Second: 5 * time.Second} {
		bubble(t, func(t *testing.T) {
			f := newFake(t)
			c := f.client(&client.Options{RecoveryTimeout: timeout})
			seen := record(c)
			p := f.start(c)
			pass(15 * time.Second)
			start := time.Now()
			f.network.setDown(true)
			p.drop()
			for len(seen.settled()) != 1 || c.State() == client.StateRecovering {
				<-time.After(100 * time.Millisecond)
				if c.State() == client.StateReconnecting {
					break
				}
			}
			assert.Equal(t, want, time.Since(start).Round(time.Second))
			assert.InDelta(t, want.Seconds()+2, f.network.dialled(), 2, "one each second")
		})
	}
}

// TestRecoveryDetails checks that the newest token is used, that the connected
// message of a recovery is no event, and that sequence ids continue.
func TestRecoveryDetails(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		c := f.client(nil)
		seen := record(c)
		p := f.start(c)
		p.send(group(1, "a"), group(2, "b"), group(2, "b again"), group(1, "a again"))
		p.drop()
		p = <-f.peers
		p.expect(`{"type":"ping"}`)
		p.send(`{"type":"system","event":"connected","userId":"ann","connectionId":"id-1","reconnectionToken":"newer"}`, group(2, "b"), group(3, "c"))
		assert.Equal(t, []string{"connected ann", "g/bob: a", "g/bob: b", "recovering", "recovered", "g/bob: c"}, seen.settled())
		p.expect(`{"type":"sequenceAck","sequenceId":2}`) // at once, because the last one may be lost
		pass(2 * time.Second)
		p.drop()
		p = <-f.peers
		assert.Equal(t, []string{"newer"}, p.query["awps_reconnection_token"])
		p.expect(`{"type":"ping"}`)
		p.send(group(4, "d"))
		assert.Equal(t, []string{"recovering", "recovered", "g/bob: d"}, seen.settled(), "any frame shows that the connection is recovered")

		// A new connection begins with new sequence ids.
		p.close(websocket.StatusPolicyViolation, "")
		p = f.greet("id-2")
		p.send(group(1, "e"))
		assert.Equal(t, []string{"disconnected", "connected ann", "g/bob: e"}, seen.settled())
	})
}

// TestServiceStalls makes the service stop answering for 13 seconds. The client
// abandons one attempt to recover and begins another. The service then serves both,
// the later one first. No message is lost, and the connection is the same.
func TestServiceStalls(t *testing.T) {
	t.Parallel()
	over(t, recovering, func(t *testing.T, p client.Protocol) {
		const messages = 200
		r := newRig(t, emulator.Config{}).over(p)
		tries := make(chan chan struct{}, 10)
		n := newNetwork(t, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			if req.URL.Query().Has("awps_connection_id") {
				serve := make(chan struct{})
				tries <- serve
				<-serve
			}
			r.server.ServeHTTP(w, req)
		}), nil)
		ann, bob := newClient(t, n, address(t, "ann", allRoles), &client.Options{Protocol: p}), r.started("bob", nil)
		seen := record(ann)
		require.NoError(t, ann.Start(t.Context()))
		_, err := ann.JoinGroup(t.Context(), "g", nil)
		require.NoError(t, err)
		id := ann.ConnectionID()
		sent := make(chan struct{})
		var want []string
		go func() {
			defer close(sent)
			for i := range messages {
				if _, err := bob.SendToGroup(t.Context(), "g", client.Text(strconv.Itoa(i)), nil); err != nil {
					return
				}
				want = append(want, "g/"+from(p, "bob")+": "+strconv.Itoa(i))
				<-time.After(100 * time.Millisecond)
			}
		}()
		pass(time.Second)
		n.cut()
		pass(13 * time.Second)
		earlier, later := <-tries, <-tries
		require.Empty(t, tries)
		close(later)
		pass(time.Second)
		close(earlier)
		pass(5 * time.Second)
		for len(tries) > 0 { // once more if the client was displaced
			close(<-tries)
			pass(5 * time.Second)
		}
		<-sent
		var got []string
		for _, note := range seen.settled() {
			if strings.HasPrefix(note, "g/") {
				got = append(got, note)
			}
		}
		require.Len(t, want, messages)
		assert.Equal(t, want, got)
		assert.Equal(t, id, ann.ConnectionID())
	})
}

// TestDisplacedByOwnAttempt makes an attempt that the client has given up arrive
// late and displace the current WebSocket. The connection is recovered again.
func TestDisplacedByOwnAttempt(t *testing.T) {
	t.Parallel()
	const displaced, refused = "The connection was taken up by another client.", "The connection could not be recovered."
	// giveUp makes the client give up an attempt that the service does not answer.
	giveUp := func(f *fake) {
		p := <-f.peers
		p.expect(`{"type":"ping"}`)
		p.drain()
	}
	for name, tt := range map[string]struct {
		run  func(t *testing.T, f *fake, p *peer)
		want []string
	}{
		"in use": {func(_ *testing.T, f *fake, p *peer) {
			p.drop()
			giveUp(f)
			p = f.recovered("id-1")
			p.close(websocket.StatusPolicyViolation, displaced)
			p = f.recovered("id-1")
			p.close(websocket.StatusPolicyViolation, displaced) // there was one attempt
			f.greet("id-2")
		}, []string{"connected ann", "recovering", "recovered", "recovering", "recovered", "disconnected", "connected ann"}},
		"in use, twice": {func(_ *testing.T, f *fake, p *peer) {
			p.drop()
			giveUp(f)
			giveUp(f)
			for range 2 {
				p = f.recovered("id-1")
				p.close(websocket.StatusPolicyViolation, "for any reason")
			}
			f.recovered("id-1")
		}, []string{"connected ann", "recovering", "recovered", "recovering", "recovered", "recovering", "recovered"}},
		"while recovering": {func(_ *testing.T, f *fake, p *peer) {
			p.drop()
			giveUp(f)
			p = <-f.peers
			p.expect(`{"type":"ping"}`)
			p.close(websocket.StatusPolicyViolation, displaced)
			f.recovered("id-1")
		}, []string{"connected ann", "recovering", "recovered"}},
		"refused": {func(_ *testing.T, f *fake, p *peer) {
			p.drop()
			giveUp(f)
			p = <-f.peers
			p.expect(`{"type":"ping"}`)
			p.close(websocket.StatusPolicyViolation, refused)
			f.greet("id-2")
		}, []string{"connected ann", "recovering", "disconnected", "connected ann"}},
		"timed out in between": {func(_ *testing.T, f *fake, p *peer) {
			var answered atomic.Bool
			f.answer = func(w http.ResponseWriter, r *http.Request) {
				if answered.Swap(true) {
					f.accept(w, r)
					return
				}
				w.WriteHeader(http.StatusGatewayTimeout)
			}
			p.drop()
			p = f.recovered("id-1")
			p.close(websocket.StatusPolicyViolation, displaced)
			f.recovered("id-1")
		}, []string{"connected ann", "recovering", "recovered", "recovering", "recovered"}},
		"tries that ended": {func(_ *testing.T, f *fake, p *peer) {
			f.network.setDown(true)
			p.drop()
			pass(3500 * time.Millisecond)
			f.network.setDown(false)
			p = <-f.peers
			p.expect(`{"type":"ping"}`)
			p.close(websocket.StatusInternalError, "later")
			p = f.recovered("id-1")
			p.close(websocket.StatusPolicyViolation, displaced)
			f.greet("id-2")
		}, []string{"connected ann", "recovering", "recovered", "disconnected", "connected ann"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T) {
				f := newFake(t)
				c := f.client(nil)
				seen := record(c)
				p := f.start(c)
				pass(15 * time.Second)
				tt.run(t, f, p)
				assert.Equal(t, tt.want, seen.settled())
			})
		})
	}
}
