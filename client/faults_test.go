package client_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/client"
	"github.com/go-webpubsub/webpubsub/emulator"
	"github.com/go-webpubsub/webpubsub/service"
)

// TestNothingIsLost sends 10,000 messages to a client whose network is cut 20
// times, often in the middle of a frame: each arrives once, and in its order.
func TestNothingIsLost(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		const messages, cuts = 10_000, 20
		r := newRig(t, emulator.Config{})
		bobs := newNetwork(t, r.server, nil) // a network of his own, which is not cut
		ann := r.client("ann", nil)
		bob := newClient(t, bobs, address(t, "bob", allRoles), nil)
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
		r.network.setShape(func(c *cable) { // the first link of each recovery ends in a frame
			if budget++; budget < cuts {
				c.budget = 4000 + 977*budget
			}
		})
		go r.network.cut()
		for i := range messages {
			_, err := bob.SendToGroup(t.Context(), "g", client.Text(strconv.Itoa(i)), nil)
			require.NoError(t, err)
			if i%200 == 199 { // no more than the service keeps for a client that is away
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
		t.Logf("%d messages over %d links, recovered %d times in %v of the network's time: %d lost, %d twice or out of order",
			messages, r.network.dialled(), times, time.Since(start), messages-next, wrong)
	})
}

// TestNothingIsSentTwice: the same the other way, for requests whose acks are lost.
func TestNothingIsSentTwice(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		const messages, cuts = 2_000, 20
		r := newRig(t, emulator.Config{})
		anns := newNetwork(t, r.server, nil)
		bob := r.client("bob", nil)
		ann := newClient(t, anns, address(t, "ann", allRoles), nil)
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
		links, duplicates := 0, 0
		r.network.setShape(func(c *cable) {
			if links++; links < cuts {
				c.budget = 1500 + 311*links // ends in an ack
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
		t.Logf("%d messages over %d links: %d acks were lost, %d messages lost, %d twice or out of order", messages, r.network.dialled(), duplicates, messages-next, wrong)
	})
}

// TestHalfOpen: nothing comes, and nothing that is sent arrives, as when a machine
// in between forgets a connection.
func TestHalfOpen(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		r := newRig(t, emulator.Config{})
		c := r.client("ann", nil)
		seen := record(c)
		require.NoError(t, c.Start(t.Context()))
		r.network.last().silence()
		start := time.Now()
		_, err := c.JoinGroup(t.Context(), "g", nil) // its ack comes over the next link
		require.NoError(t, err)
		assert.LessOrEqual(t, time.Since(start), 20*time.Second)
		assert.Equal(t, []string{"connected ann", "recovering", "recovered"}, seen.settled())
	})
}

// TestPolicyViolation: 1008 is the one close that ends a connection at once.
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

// TestRecoveryRefused: the service lets the client in and closes with 1008; other
// failures mean that it may work later.
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
		assert.Equal(t, 4*time.Second, time.Since(start), "a second between tries")
		p = <-f.peers
		p.expect(`{"type":"ping"}`)
		p.close(websocket.StatusPolicyViolation, "The connection could not be recovered.")
		p = f.greet("id-2")
		assert.Equal(t, []string{"connected ann", "recovering", "disconnected", "connected ann"}, seen.settled())
		assert.Equal(t, "id-2", c.ConnectionID())
		assert.NotContains(t, p.query, "awps_connection_id", "a new connection")
	})
}

// TestRecoveryTimeout: after 30 seconds, or as many as the options say, it is of
// no use to go on.
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

// TestRecoveryDetails: the token of a recovered connection is the newest one, its
// greeting is no event, and its messages go on being numbered.
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
		p.expect(`{"type":"sequenceAck","sequenceId":2}`) // at once, as the last one may be lost
		pass(2 * time.Second)
		p.drop()
		p = <-f.peers
		assert.Equal(t, []string{"newer"}, p.query["awps_reconnection_token"])
		p.expect(`{"type":"ping"}`)
		p.send(group(4, "d"))
		assert.Equal(t, []string{"recovering", "recovered", "g/bob: d"}, seen.settled(), "any frame tells that it is back")

		// The numbers of a new connection are its own.
		p.close(websocket.StatusPolicyViolation, "")
		p = f.greet("id-2")
		p.send(group(1, "e"))
		assert.Equal(t, []string{"disconnected", "connected ann", "g/bob: e"}, seen.settled())
	})
}

func TestSequenceAcks(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		c, p := f.started(nil)
		start := time.Now()
		p.send(group(1, "a"), group(2, "b"))
		p.expect(`{"type":"sequenceAck","sequenceId":2}`)
		assert.Equal(t, time.Second, time.Since(start))
		p.quiet(10 * time.Second)
		_ = c
	})
	bubble(t, func(t *testing.T) { // by count
		f := newFake(t)
		_, p := f.started(nil)
		acks := make(chan string, 10)
		go func() {
			for range 3 {
				acks <- p.next()
			}
		}()
		start := time.Now()
		for i := range 700 {
			p.send(group(i+1, "x"))
		}
		synctest.Wait()
		assert.JSONEq(t, `{"type":"sequenceAck","sequenceId":300}`, <-acks)
		assert.JSONEq(t, `{"type":"sequenceAck","sequenceId":600}`, <-acks)
		assert.Zero(t, time.Since(start))
		assert.JSONEq(t, `{"type":"sequenceAck","sequenceId":700}`, <-acks)
		assert.Equal(t, time.Second, time.Since(start))
	})
}

// TestSequenceAckOfWhatIsNotUnderstood: the service need not keep it, nor send it
// again.
func TestSequenceAckOfWhatIsNotUnderstood(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		var errs []string
		c := f.client(&client.Options{OnError: func(_ context.Context, err error) { errs = append(errs, err.Error()) }})
		seen := record(c)
		p := f.start(c)
		bad := `{"sequenceId":2,"type":"message","from":"server","dataType":"later","data":"x"}`
		p.send(group(1, "a"), bad)
		p.expect(`{"type":"sequenceAck","sequenceId":2}`)
		p.drop()
		p = f.recovered("id-1")
		p.send(bad, group(3, "b"))
		assert.Equal(t, []string{"connected ann", "g/bob: a", "recovering", "recovered", "g/bob: b"}, seen.settled())
		assert.Equal(t, []string{"client: Receive: member dataType is missing or not known"}, errs)
	})
}

// TestHostileFrames: what makes no sense is reported, and does nothing else.
func TestHostileFrames(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		var errs []string
		c := f.client(&client.Options{OnError: func(_ context.Context, err error) { errs = append(errs, err.Error()) }})
		seen := record(c)
		p := f.start(c)
		p.send(
			`{"type":"unknown","data":null}`, `{"type":"message","from":"nobody","data":1}`, `{"type":"system","event":"later"}`, // kinds that may come one day
			`{"type":"ack","ackId":1,"success":true}`, `{"type":"invokeResponse","invocationId":"1","success":true}`, // nobody waits
			`{"type":"streamAck","streamId":"x","expectedSequenceId":1}`, `{"type":"streamClosed","streamId":"x"}`,
			`{"type":"system","event":"connected","connectionId":"other","reconnectionToken":"stolen"}`,
		)
		synctest.Wait()
		assert.Empty(t, errs)
		bad := []string{``, `[]`, `{`, `{}`, `{"type":7}`, `{"type":"ack"}`, `{"type":"message","from":"server","dataType":"text"}`, `{"type":"message","from":"server","dataType":"binary","data":"*"}`, "{\"type\":\"\xff\"}", strings.Repeat(`[`, 2000)}
		p.send(bad...)
		require.NoError(t, p.conn.Write(t.Context(), websocket.MessageBinary, []byte(`{"type":"pong"}`)))
		synctest.Wait()
		require.Len(t, errs, len(bad)+1)
		assert.Equal(t, "client: Receive: frame is of the wrong WebSocket type", errs[len(bad)])
		p.drop()
		f.recovered("id-1")
		assert.Equal(t, []string{"connected ann", "recovering", "recovered"}, seen.settled())
	})
}

// TestFrameTooLarge: it would be sent again after each recovery.
func TestFrameTooLarge(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		c := f.client(nil)
		seen := record(c)
		p := f.start(c)
		pass(15 * time.Second)
		go func() { _ = p.conn.Write(t.Context(), websocket.MessageText, make([]byte, 7<<20)) }()
		p.ended(websocket.StatusMessageTooBig)
		f.greet("id-2")
		assert.Equal(t, []string{"connected ann", "disconnected", "connected ann"}, seen.settled())
	})
}

// TestServiceRestart: the service goes away and comes back knowing nobody.
func TestServiceRestart(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		one, err := emulator.New(emulator.Config{Origin: "emu.test", KeepAlive: -1})
		require.NoError(t, err)
		n := newNetwork(t, one, one.Close)
		c := newClient(t, n, address(t, "ann", allRoles), nil)
		seen := record(c)
		require.NoError(t, c.Start(t.Context()))
		_, err = c.JoinGroup(t.Context(), "g", nil)
		require.NoError(t, err)
		pass(time.Minute)
		n.setDown(true)
		one.Close()
		pass(time.Minute)
		two := newRig(t, emulator.Config{})
		n.join(two.network)
		n.setDown(false)
		pass(time.Minute)
		_, err = c.SendToGroup(t.Context(), "g", client.Text("hi"), nil)
		require.NoError(t, err)
		assert.Equal(t, []string{"connected ann", "recovering", "disconnected", "connected ann", "g/ann: hi"}, seen.settled())
	})
}

// TestClosedByApplication: a client whose application closes its connection is told
// why, and makes a new one.
func TestClosedByApplication(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		r := newRig(t, emulator.Config{})
		opts := new(service.Options)
		opts.Transport = r.network.client()
		hub, err := service.NewClientFromConnectionString(emulator.ConnectionString(base, emulator.DefaultAccessKey), "chat", opts)
		require.NoError(t, err)
		c := r.client("ann", nil)
		seen := record(c)
		require.NoError(t, c.Start(t.Context()))
		require.NoError(t, hub.User("ann").SendText(t.Context(), "careful", nil))
		pass(time.Minute)
		id := c.ConnectionID()
		require.NoError(t, hub.Connection(id).Close(t.Context(), &service.CloseOptions{Reason: "spam"}))
		pass(time.Second)
		assert.Equal(t, []string{"connected ann", "server: careful", "recovering", "disconnected Application server closed the connection. Reason: spam", "connected ann"}, seen.settled())
		assert.NotEqual(t, id, c.ConnectionID())
		require.NoError(t, hub.User("ann").SendText(t.Context(), "welcome", nil))
		assert.Equal(t, []string{"server: welcome"}, seen.settled())
	})
}

// TestCredentialFailsLater: it is asked again.
func TestCredentialFailsLater(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		asked := 0
		var errs []error
		c, err := client.New(func(context.Context) (string, error) {
			if asked++; asked > 1 && asked < 5 {
				return "", fmt.Errorf("try %d", asked)
			}
			return fakeAddress, nil
		}, &client.Options{HTTPClient: f.network.client(), OnError: func(_ context.Context, err error) { errs = append(errs, err) }})
		require.NoError(t, err)
		p := f.start(c)
		pass(15 * time.Second)
		p.close(websocket.StatusPolicyViolation, "")
		f.greet("id-2")
		synctest.Wait()
		assert.Equal(t, "id-2", c.ConnectionID())
		require.Len(t, errs, 3)
		for i, err := range errs {
			var e *client.Error
			require.ErrorAs(t, err, &e)
			require.EqualError(t, err, fmt.Sprintf("client: Reconnect: credential: try %d", i+2))
			require.Error(t, errors.Unwrap(err))
		}
		require.NoError(t, c.Stop(t.Context()))
	})
}
