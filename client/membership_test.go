package client_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/client"
)

// membership is a service that only knows groups: it carries out joinGroup and
// leaveGroup, each ack id once, and returns the groups that the client is in.
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

// TestLeaveBeforeRejoinArrives: the client joins its groups again, the link is lost
// before the service has read any of it, and meanwhile the groups are left.
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
		go p.drain() // what the client sends now is lost as well
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

// TestLeaveBehindJoin: who leaves a group that is being joined leaves it after
// that, and is not joined again by the next connection.
func TestLeaveBehindJoin(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		c, p := f.started(nil)
		join := begin(func() (client.Result, error) { return c.JoinGroup(t.Context(), "g", nil) })
		p.expectAck("joinGroup")
		leave := begin(func() (client.Result, error) { return c.LeaveGroup(t.Context(), "g", nil) })
		synctest.Wait()

		// Another group does not wait.
		other := begin(func() (client.Result, error) { return c.LeaveGroup(t.Context(), "other", nil) })
		p.expect(`{"type":"leaveGroup","group":"other","ackId":2}`)
		p.send(ack(2, ""))
		other.succeeds(t, client.Result{AckID: 2})

		// One that waits for its turn can be given up.
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

// TestTurnsEnd: those who wait for a group's turn when the client is stopped are
// told.
func TestTurnsEnd(t *testing.T) {
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
