package client_test

import (
	"context"
	"fmt"
	"runtime"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/client"
)

// login is a callback of OnNewConnection that invokes an event.
func login(c *client.Client, seen *recorder) func(context.Context, client.ConnectedEvent) {
	return func(ctx context.Context, ev client.ConnectedEvent) {
		answer, err := c.InvokeEvent(ctx, "login", client.Text(ev.UserID), nil)
		if err != nil {
			seen.note("login failed: " + err.Error())
			return
		}
		seen.note("login " + answer.String())
	}
}

func expectLogin(p *peer, id int) {
	p.t.Helper()
	p.expect(`{"type":"invoke","invocationId":"` + strconv.Itoa(id) + `","target":"event","event":"login","dataType":"text","data":"ann"}`)
}

func answerTo(id int, text string) string {
	return `{"type":"invokeResponse","invocationId":"` + strconv.Itoa(id) + `","success":true,"dataType":"text","data":"` + text + `"}`
}

// TestOnNewConnection checks the order of requests and callbacks on two connections.
func TestOnNewConnection(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		c := f.client(nil)
		seen := record(c)
		unregister := c.OnNewConnection(login(c, seen))
		p := f.start(c)
		assert.Equal(t, client.StateConnected, c.State())
		expectLogin(p, 1)
		join := begin(func() (client.Result, error) { return c.JoinGroup(t.Context(), "g", nil) })
		p.send(group(1, "early"))
		synctest.Wait()
		assert.Empty(t, seen.settled(), "neither OnConnected nor messages")
		p.send(answerTo(1, "ok"))
		p.expect(`{"type":"joinGroup","group":"g","ackId":1}`)
		p.send(ack(1, ""))
		join.succeeds(t, client.Result{AckID: 1})
		assert.Equal(t, []string{"login ok", "connected ann", "g/bob: early"}, seen.settled())

		// A recovery does not call it.
		pass(15 * time.Second)
		p.drop()
		p = f.recovered("id-1")
		p.expect(`{"type":"sequenceAck","sequenceId":1}`)
		assert.Equal(t, []string{"recovering", "recovered"}, seen.settled())

		// On a new connection, requests that wait for one are sent after it.
		p.close(websocket.StatusPolicyViolation, "")
		send := begin(func() (client.Result, error) { return c.SendToGroup(t.Context(), "g", client.Text("x"), nil) })
		p = f.greet("id-2")
		expectLogin(p, 2)
		p.send(answerTo(2, "again"))
		kinds := map[string]bool{p.next(): true, p.next(): true}
		assert.Equal(t, map[string]bool{
			`{"type":"joinGroup","group":"g","ackId":3}`:                                               true,
			`{"type":"sendToGroup","group":"g","ackId":2,"noEcho":false,"dataType":"text","data":"x"}`: true,
		}, kinds)
		assert.Equal(t, []string{"disconnected", "login again"}, seen.settled(), "OnConnected waits for the groups")
		p.send(ack(2, ""), ack(3, ""))
		send.succeeds(t, client.Result{AckID: 2})
		assert.Equal(t, []string{"connected ann"}, seen.settled())

		unregister()
		p.close(websocket.StatusPolicyViolation, "")
		p = f.greet("id-3")
		p.expect(`{"type":"joinGroup","group":"g","ackId":4}`)
	})
}

// TestOnNewConnectionManyWait checks that the callback's requests do not wait for
// those that wait for it, even if these fill the window or concern the same group.
func TestOnNewConnectionManyWait(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		c := f.client(&client.Options{MaxInFlight: 10, RetrySends: true})
		seen := record(c)
		p := f.start(c)
		var waiting []*call
		waiting = append(waiting, begin(func() (client.Result, error) { return c.LeaveGroup(t.Context(), "g", nil) }))
		p.expect(`{"type":"leaveGroup","group":"g","ackId":1}`)
		for range 20 {
			waiting = append(waiting, begin(func() (client.Result, error) { return c.SendToGroup(t.Context(), "g", client.Text("x"), nil) }))
		}
		for range 9 {
			p.expectAck("sendToGroup")
		}
		c.OnNewConnection(func(ctx context.Context, _ client.ConnectedEvent) {
			_, err := c.JoinGroup(ctx, "g", nil)
			if err == nil {
				_, err = c.SetGroupState(ctx, "g", map[string]string{"a": "1"}, nil)
			}
			seen.note(fmt.Sprint("joined ", err))
		})
		p.close(websocket.StatusPolicyViolation, "")
		p = f.greet("id-2")
		p.send(ack(p.expectAck("joinGroup"), ""))
		p.send(ack(p.expectAck("setGroupState"), ""))
		for range waiting {
			p.send(ack(ackID(t, p.next()), ""))
		}
		for _, run := range waiting {
			<-run.done
			require.NoError(t, run.err)
		}
		assert.Equal(t, []string{"connected ann", "disconnected", "joined <nil>", "connected ann"}, seen.settled())
	})
}

// TestOnNewConnectionLost loses the connection while the callback runs.
func TestOnNewConnectionLost(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		c := f.client(nil)
		seen := record(c)
		calls := 0
		c.OnNewConnection(func(ctx context.Context, ev client.ConnectedEvent) {
			calls++
			login(c, seen)(ctx, ev)
			if calls == 1 {
				<-ctx.Done()
				<-time.After(time.Second) // the callback of the next connection waits
				seen.note("gave up")
			}
		})
		p := f.start(c)
		expectLogin(p, 1)
		pass(15 * time.Second)
		p.drop() // its request fails, as any invocation
		p = f.recovered("id-1")
		assert.Equal(t, []string{"login failed: client: InvokeEvent: connection was lost"}, seen.settled(), "the other callbacks wait")
		send := begin(func() (client.Result, error) { return c.SendToGroup(t.Context(), "g", client.Text("x"), nil) })
		p.quiet(5 * time.Second) // still being prepared
		f.network.setDown(true)
		p.drop()
		pass(40 * time.Second)
		f.network.setDown(false)
		p = f.greet("id-2")
		expectLogin(p, 2)
		p.send(answerTo(2, "ok"))
		p.send(ack(p.expectAck("sendToGroup"), ""))
		<-send.done
		require.NoError(t, send.err)
		assert.Equal(t, []string{"gave up", "connected ann", "recovering", "recovered", "recovering", "disconnected", "login ok", "connected ann"}, seen.settled())
	})
}

// TestOnNewConnectionEnds checks callbacks that panic, end their goroutine, or stop the
// client.
func TestOnNewConnectionEnds(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]func(ctx context.Context, c *client.Client){
		"panic":  func(context.Context, *client.Client) { panic("no") },
		"Goexit": func(context.Context, *client.Client) { runtime.Goexit() },
		"Stop": func(ctx context.Context, c *client.Client) {
			_ = c.Stop(ctx)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T) {
				service := newFake(t)
				var reported []error
				c := service.client(&client.Options{OnError: func(_ context.Context, err error) { reported = append(reported, err) }})
				seen := record(c)
				c.OnNewConnection(func(ctx context.Context, _ client.ConnectedEvent) { f(ctx, c) })
				p := service.start(c)
				if name == "Stop" {
					p.ended(websocket.StatusNormalClosure)
					pass(time.Second)
					assert.Equal(t, client.StateStopped, c.State())
					return
				}
				send := begin(func() (client.Result, error) { return c.SendToGroup(t.Context(), "g", client.Text("x"), nil) })
				p.send(ack(p.expectAck("sendToGroup"), ""))
				<-send.done
				require.NoError(t, send.err)
				assert.Equal(t, []string{"connected ann"}, seen.settled())
				if name == "panic" {
					require.Len(t, reported, 1)
					var e *client.PanicError
					require.ErrorAs(t, reported[0], &e)
				}
			})
		})
	}
}

// TestStopDuringOnNewConnection checks that Stop waits for the callback, whose context
// ends.
func TestStopDuringOnNewConnection(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		c := f.client(nil)
		returned := false
		c.OnNewConnection(func(ctx context.Context, _ client.ConnectedEvent) {
			<-ctx.Done()
			<-time.After(time.Second)
			returned = true
		})
		p := f.start(c)
		go p.drain()
		send := begin(func() (client.Result, error) { return c.SendToGroup(t.Context(), "g", client.Text("x"), nil) })
		synctest.Wait()
		require.NoError(t, c.Stop(t.Context()))
		assert.True(t, returned)
		send.fails(t, client.ErrStopped)
	})
}

// TestOnNewConnectionSubscribes checks that what the callback does to a group is kept,
// although the client does not rejoin groups itself.
func TestOnNewConnectionSubscribes(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		c := f.client(&client.Options{DisableAutoRejoin: true})
		seen := states(c, nil)
		c.OnNewConnection(func(ctx context.Context, _ client.ConnectedEvent) {
			_, _ = c.SetGroupState(ctx, "g", map[string]string{"a": "1"}, nil)
			_, _ = c.SubscribeGroupState(ctx, "g", nil)
		})
		restore := func(p *peer) {
			t.Helper()
			p.send(ack(p.expectAck("setGroupState"), ""))
			p.send(ack(p.expectAck("subscribeGroupState"), ""))
			p.send(stateFrame("Snapshot", item("x", 1, "n=1")))
			assert.Equal(t, []string{"snapshot of g x/ n=1"}, seen.settled())
			own, _ := c.OwnGroupState("g")
			assert.Equal(t, map[string]string{"a": "1"}, own)
		}
		p := f.start(c)
		restore(p)
		p.close(websocket.StatusPolicyViolation, "")
		restore(f.greet("id-2"))
	})
}

// TestOnNewConnectionContextOutlives checks that a context without cancellation is an
// ordinary one when the callback has returned.
func TestOnNewConnectionContextOutlives(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		c := f.client(nil)
		contexts := make(chan context.Context, 2)
		c.OnNewConnection(func(ctx context.Context, _ client.ConnectedEvent) { contexts <- context.WithoutCancel(ctx) })
		p := f.start(c)
		outlives := <-contexts
		join := begin(func() (client.Result, error) { return c.JoinGroup(outlives, "g", nil) })
		p.send(ack(p.expectAck("joinGroup"), ""))
		join.succeeds(t, client.Result{AckID: 1})
		subscribe := begin(func() (client.Result, error) { return c.SubscribeGroupState(outlives, "g", nil) })
		p.send(ack(p.expectAck("subscribeGroupState"), ""))
		subscribe.succeeds(t, client.Result{AckID: 2})
		p.close(websocket.StatusPolicyViolation, "")
		p = f.greet("id-2")
		rejoin := p.expectAck("joinGroup")
		set := begin(func() (client.Result, error) { return c.SetGroupState(outlives, "g", nil, nil) })
		synctest.Wait()
		p.send(ack(rejoin, ""))
		p.send(ack(p.expectAck("subscribeGroupState"), ""))
		p.expect(`{"type":"setGroupState","group":"g","ackId":5,"state":{}}`) // after the groups are restored
		p.send(ack(5, ""))
		set.succeeds(t, client.Result{AckID: 5})
	})
}

// TestOnNewConnectionOtherClient checks that a request over another client is an
// ordinary one there.
func TestOnNewConnectionOtherClient(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		other, service := f.started(&client.Options{MaxInFlight: 1})
		send := begin(func() (client.Result, error) { return other.SendToGroup(t.Context(), "g", client.Text("x"), nil) })
		id := service.expectAck("sendToGroup")
		c := f.client(nil)
		seen := new(recorder)
		c.OnNewConnection(func(ctx context.Context, _ client.ConnectedEvent) {
			_, err := other.JoinGroup(ctx, "g", nil)
			seen.note(fmt.Sprint("joined ", err))
		})
		f.start(c)
		synctest.Wait()
		require.NoError(t, c.Stop(t.Context()))
		assert.Equal(t, []string{"joined client: JoinGroup: context canceled"}, seen.settled(), "MaxInFlight")
		service.send(ack(id, ""))
		send.succeeds(t, client.Result{AckID: 1})
	})
}

// TestOnNewConnectionSetsState checks that a request for the state, which the
// connection before did not answer, does not replace the state that the callback sets.
func TestOnNewConnectionSetsState(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		c := f.client(nil)
		p := f.start(c)
		set := begin(func() (client.Result, error) {
			return c.SetGroupState(t.Context(), "g", map[string]string{"a": "1"}, nil)
		})
		p.send(ack(p.expectAck("setGroupState"), ""))
		set.succeeds(t, client.Result{AckID: 1})
		c.OnNewConnection(func(ctx context.Context, _ client.ConnectedEvent) {
			_, _ = c.SetGroupState(ctx, "g", map[string]string{"a": "2"}, nil)
		})
		ctx, cancel := context.WithCancel(t.Context())
		clearing := begin(func() (client.Result, error) { return c.ClearGroupState(ctx, "g", nil) })
		p.expect(`{"type":"setGroupState","group":"g","ackId":2}`)
		p.close(websocket.StatusPolicyViolation, "")
		p = f.greet("id-2")
		p.expect(`{"type":"setGroupState","group":"g","ackId":3,"state":{"a":"2"}}`)
		p.send(ack(3, ""))
		p.expect(`{"type":"setGroupState","group":"g","ackId":4,"state":{"a":"2"}}`) // restored
		cancel()
		clearing.fails(t, context.Canceled)
		p.send(ack(4, ""))
		synctest.Wait()
		own, _ := c.OwnGroupState("g")
		assert.Equal(t, map[string]string{"a": "2"}, own)
	})
}
