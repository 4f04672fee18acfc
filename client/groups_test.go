package client_test

import (
	"context"
	"encoding/json"
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
)

// membership is a service that knows only groups. It carries out joinGroup and
// leaveGroup, once for each ack id, and returns the client's groups.
func membership(p *peer) map[string]bool {
	done, in := make(map[uint64]bool), make(map[string]bool)
	for {
		_, data, err := p.conn.Read(p.t.Context())
		if err != nil {
			return in
		}
		var f struct {
			Type, Group string
			AckID       uint64 `json:"ackId"`
		}
		require.NoError(p.t, json.Unmarshal(data, &f))
		switch {
		case f.AckID == 0:
			continue
		case done[f.AckID]:
			p.send(ack(f.AckID, "Duplicate"))
			continue
		case f.Type == "joinGroup":
			in[f.Group] = true
		case f.Type == "leaveGroup":
			delete(in, f.Group)
		}
		done[f.AckID] = true
		p.send(ack(f.AckID, ""))
	}
}

// TestLeaveBeforeRejoinArrives leaves the groups while a new connection rejoins
// them, and loses the WebSocket before the service reads any request.
func TestLeaveBeforeRejoinArrives(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		const groups = 30
		f := newFake(t)
		c := f.client(nil)
		seen := record(c)
		p := f.start(c)
		for i := range groups {
			run := begin(func() (client.Result, error) { return c.JoinGroup(t.Context(), fmt.Sprint("g", i), nil) })
			p.send(ack(p.expectAck("joinGroup"), ""))
			<-run.done
		}
		pass(15 * time.Second)
		p.close(websocket.StatusPolicyViolation, "")
		p = f.greet("id-2")
		for range groups {
			p.expectAck("joinGroup")
		}
		go p.drain() // what the client sends now is lost too
		var leaves []*call
		for i := range groups {
			leaves = append(leaves, begin(func() (client.Result, error) { return c.LeaveGroup(t.Context(), fmt.Sprint("g", i), nil) }))
		}
		synctest.Wait()
		p.drop()
		p = f.recovered("id-2")
		in := make(chan map[string]bool)
		go func() { in <- membership(p) }()
		for _, leave := range leaves {
			<-leave.done
			require.NoError(t, leave.err)
		}
		synctest.Wait()
		stopped := make(chan error)
		go func() { stopped <- c.Stop(t.Context()) }()
		assert.Empty(t, <-in, "groups that were left")
		require.NoError(t, <-stopped)
		assert.Equal(t, []string{"connected ann", "disconnected", "connected ann", "recovering", "recovered", "disconnected", "stopped"}, seen.settled())
	})
}

// TestLeaveBehindJoin leaves a group that is being joined. The leave follows the
// join, and the next connection does not rejoin the group.
func TestLeaveBehindJoin(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		c, p := f.started(nil)
		join := begin(func() (client.Result, error) { return c.JoinGroup(t.Context(), "g", nil) })
		p.expectAck("joinGroup")
		leave := begin(func() (client.Result, error) { return c.LeaveGroup(t.Context(), "g", nil) })
		synctest.Wait()

		// A request for another group does not wait.
		other := begin(func() (client.Result, error) { return c.LeaveGroup(t.Context(), "other", nil) })
		p.expect(`{"type":"leaveGroup","group":"other","ackId":2}`)
		p.send(ack(2, ""))
		other.succeeds(t, client.Result{AckID: 2})

		// A request that waits for its turn ends with its context.
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begin(func() (client.Result, error) { return c.LeaveGroup(ctx, "g", nil) }).fails(t, context.DeadlineExceeded)

		p.send(ack(1, ""))
		join.succeeds(t, client.Result{AckID: 1})
		p.expect(`{"type":"leaveGroup","group":"g","ackId":3}`)
		p.send(ack(3, ""))
		leave.succeeds(t, client.Result{AckID: 3})
		pass(15 * time.Second)
		p.close(websocket.StatusPolicyViolation, "")
		p = f.greet("id-2")
		p.quiet(5 * time.Second)
	})
}

// TestStopWhileGroupsWait stops the client while requests wait for their turn.
func TestStopWhileGroupsWait(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		c, p := f.started(nil)
		var calls []*call
		for range 10 {
			calls = append(calls,
				begin(func() (client.Result, error) { return c.JoinGroup(t.Context(), "g", nil) }),
				begin(func() (client.Result, error) { return c.LeaveGroup(t.Context(), "g", nil) }))
		}
		synctest.Wait()
		go p.drain()
		require.NoError(t, c.Stop(t.Context()))
		for _, run := range calls {
			run.fails(t, client.ErrStopped)
		}
	})
}

func TestAutoRejoin(t *testing.T) {
	t.Parallel()
	for _, disable := range []bool{false, true} {
		bubble(t, func(t *testing.T) {
			f := newFake(t)
			c := f.client(&client.Options{DisableAutoRejoin: disable})
			seen := record(c)
			p := f.start(c)
			for _, g := range []string{"a", "b", "c", "d"} {
				run := begin(func() (client.Result, error) { return c.JoinGroup(t.Context(), g, nil) })
				p.send(ack(p.expectAck("joinGroup"), ""))
				<-run.done
			}
			leave := begin(func() (client.Result, error) { return c.LeaveGroup(t.Context(), "b", nil) })
			p.send(ack(p.expectAck("leaveGroup"), ""))
			<-leave.done
			leave = begin(func() (client.Result, error) { return c.LeaveGroup(t.Context(), "d", nil) })
			p.send(ack(p.expectAck("leaveGroup"), "Forbidden")) // the client is still a member
			<-leave.done
			require.Equal(t, []string{"connected ann"}, seen.settled())
			p.close(websocket.StatusPolicyViolation, "")
			p = f.greet("id-2")
			p.send(group(1, "early"))
			if disable {
				assert.Equal(t, []string{"disconnected", "connected ann", "g/bob: early"}, seen.settled())
				p.expect(`{"type":"sequenceAck","sequenceId":1}`)
				p.quiet(15 * time.Second)
				return
			}
			assert.Equal(t, []string{"disconnected"}, seen.settled(), "OnConnected is called after the groups are rejoined")
			ids := make(map[string]uint64)
			for range 3 {
				frame := p.next()
				ids[groupOf(t, frame)] = ackID(t, frame)
			}
			require.Len(t, ids, 3)
			p.send(ack(ids["a"], ""), ack(ids["c"], "Forbidden"), group(2, "late"), ack(ids["d"], ""))
			assert.Equal(t, []string{"connected ann", "g/bob: early", "g/bob: late", "rejoin of c failed: client: JoinGroup: Forbidden: because (the client needs the role \"webpubsub.joinLeaveGroup.c\", in its token or in the reply to its connect event)"}, seen.settled())

			// After a stop and a start the client rejoins its groups.
			stopped := make(chan error)
			go func() { stopped <- c.Stop(t.Context()) }()
			p.ended(websocket.StatusNormalClosure)
			require.NoError(t, <-stopped)
			p = f.start(c)
			for range 3 {
				p.send(ack(p.expectAck("joinGroup"), ""))
			}
			assert.Equal(t, []string{"disconnected", "stopped", "connected ann"}, seen.settled())
		})
	}
}

// TestRejoinBusyGroups rejoins groups that receive more messages than the queue
// takes before all of them are joined. Neither the other groups nor the client are
// blocked.
func TestRejoinBusyGroups(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		c := f.client(&client.Options{QueueSize: 10, KeepAliveInterval: -1})
		seen := record(c)
		p := f.start(c)
		for i := range 100 {
			run := begin(func() (client.Result, error) { return c.JoinGroup(t.Context(), strconv.Itoa(i), nil) })
			p.send(ack(p.expectAck("joinGroup"), ""))
			run.succeeds(t, client.Result{AckID: uint64(i + 1)})
		}
		pass(15 * time.Second)
		start := time.Now()
		p.close(websocket.StatusPolicyViolation, "")
		p = f.greet("id-2")
		joins := make(chan uint64, 100)
		go func() {
			for range 100 {
				joins <- p.expectAck("joinGroup")
			}
			p.drain()
		}()
		var want []string
		for i := range 100 {
			id := <-joins
			p.send(group(i+1, strconv.Itoa(i)), ack(id, ""))
			want = append(want, "g/bob: "+strconv.Itoa(i))
		}
		assert.Equal(t, append([]string{"connected ann", "disconnected", "connected ann"}, want...), seen.settled())
		assert.Less(t, time.Since(start), time.Second)
	})
}

// TestLeaveWhileRejoining leaves a group before it is rejoined.
func TestLeaveWhileRejoining(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		c, p := f.started(nil)
		for i := range 100 {
			run := begin(func() (client.Result, error) { return c.JoinGroup(t.Context(), strconv.Itoa(i), nil) })
			p.send(ack(p.expectAck("joinGroup"), ""))
			run.succeeds(t, client.Result{AckID: uint64(i + 1)})
		}
		p.close(websocket.StatusPolicyViolation, "")
		p = f.greet("id-2")
		first := p.next()
		synctest.Wait() // some joins are sent, and the others wait for them
		leave := begin(func() (client.Result, error) { return c.LeaveGroup(t.Context(), "99", nil) })
		left := false
		for frame := first; ; frame = p.next() {
			if strings.Contains(frame, `"leaveGroup"`) {
				left = true
			} else if groupOf(t, frame) == "99" {
				assert.False(t, left, "joined after it was left")
			}
			p.send(ack(ackID(t, frame), ""))
			synctest.Wait()
			if groupOf(t, frame) == "98" {
				break
			}
		}
		<-leave.done
		require.NoError(t, leave.err)
		p.quiet(10 * time.Second)
	})
}

// TestLostWhileRejoining checks that callbacks do not wait for the next connection when
// a connection is lost before its groups are rejoined.
func TestLostWhileRejoining(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		c := f.client(nil)
		p := f.start(c)
		join := begin(func() (client.Result, error) { return c.JoinGroup(t.Context(), "g", nil) })
		p.expect(`{"type":"joinGroup","group":"g","ackId":1}`)
		p.send(ack(1, ""))
		join.succeeds(t, client.Result{AckID: 1})
		notes := record(c)
		p.close(websocket.StatusPolicyViolation, "")
		p = f.greet("id-2")
		p.expect(`{"type":"joinGroup","group":"g","ackId":2}`)
		assert.Equal(t, []string{"disconnected"}, notes.settled())
		f.network.setDown(true)
		p.close(websocket.StatusPolicyViolation, "")
		assert.Equal(t, []string{"connected ann", "disconnected"}, notes.settled())
		f.network.setDown(false)
		p = f.greet("id-3")
		p.expect(`{"type":"joinGroup","group":"g","ackId":3}`)
		p.send(ack(3, ""))
		assert.Equal(t, []string{"connected ann"}, notes.settled())
	})
}
