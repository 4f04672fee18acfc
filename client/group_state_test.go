package client_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/client"
	"github.com/go-webpubsub/webpubsub/emulator"
)

// states records the events of group state, without the connections' ids.
func states(c *client.Client, names map[string]string) *recorder {
	seen := new(recorder)
	c.OnGroupState(func(_ context.Context, ev client.GroupStateEvent) {
		kind := "update"
		if ev.Snapshot {
			kind = "snapshot"
		}
		seen.note(kind + " of " + ev.Group + list(ev.Changed, names))
	})
	return seen
}

func list(states []client.GroupState, names map[string]string) string {
	var b strings.Builder
	for _, s := range states {
		name := names[s.ConnectionID]
		if name == "" {
			name = s.ConnectionID
		}
		fmt.Fprintf(&b, " %s/%s", name, s.UserID)
		if s.State == nil {
			b.WriteString("-")
		}
		for k, v := range s.State {
			fmt.Fprintf(&b, " %s=%s", k, v)
		}
	}
	return b.String()
}

// member starts a client that has joined group g.
func (r *rig) member(user string, opts *client.Options) *client.Client {
	r.t.Helper()
	c := r.started(user, opts)
	_, err := c.JoinGroup(r.t.Context(), "g", nil)
	require.NoError(r.t, err)
	return c
}

// TestGroupState is a conversation over each subprotocol.
func TestGroupState(t *testing.T) {
	t.Parallel()
	over(t, protocols, func(t *testing.T, p client.Protocol) {
		ctx := t.Context()
		r := newRig(t, emulator.Config{}).over(p)
		ann, bob := r.member("ann", nil), r.member("bob", nil)
		names := map[string]string{ann.ConnectionID(): "a", bob.ConnectionID(): "b"}
		seen := states(ann, names)
		start := time.Now().Truncate(time.Millisecond)

		_, ok := bob.OwnGroupState("g")
		assert.False(t, ok)
		state := map[string]string{"typing": "yes"}
		_, err := bob.SetGroupState(ctx, "g", state, nil)
		require.NoError(t, err)
		state["typing"] = "changed later"
		own, ok := bob.OwnGroupState("g")
		assert.True(t, ok)
		assert.Equal(t, map[string]string{"typing": "yes"}, own)
		own["typing"] = "a copy"

		_, err = ann.SubscribeGroupState(ctx, "g", nil)
		require.NoError(t, err)
		assert.Equal(t, []string{"snapshot of g b/bob typing=yes"}, seen.settled())
		all := ann.GroupStates("g")
		require.Len(t, all, 1)
		assert.Equal(t, start, all[0].UpdatedAt)
		all[0].State["typing"] = "a copy"
		assert.Equal(t, " b/bob typing=yes", list(ann.GroupStates("g"), names))
		assert.Empty(t, bob.GroupStates("g"), "not subscribed")

		_, err = ann.SetGroupState(ctx, "g", nil, nil)
		require.NoError(t, err)
		_, err = bob.SetGroupState(ctx, "g", map[string]string{"typing": "no"}, nil)
		require.NoError(t, err)
		assert.Equal(t, []string{"update of g a/ann", "update of g b/bob typing=no"}, seen.settled())
		_, err = bob.ClearGroupState(ctx, "g", nil)
		require.NoError(t, err)
		_, ok = bob.OwnGroupState("g")
		assert.False(t, ok)
		assert.Equal(t, []string{"update of g b/bob-"}, seen.settled())
		assert.Equal(t, " a/ann", list(ann.GroupStates("g"), names))

		_, err = bob.SetGroupState(ctx, "g", map[string]string{"at": "desk"}, nil)
		require.NoError(t, err)
		_, err = bob.LeaveGroup(ctx, "g", nil)
		require.NoError(t, err)
		assert.Equal(t, []string{"update of g b/bob at=desk", "update of g b/bob-"}, seen.settled())
		_, ok = bob.OwnGroupState("g")
		assert.False(t, ok, "it ends with the membership")

		_, err = ann.UnsubscribeGroupState(ctx, "g", nil)
		require.NoError(t, err)
		assert.Empty(t, ann.GroupStates("g"))
		_, err = bob.JoinGroup(ctx, "g", nil)
		require.NoError(t, err)
		_, err = bob.SetGroupState(ctx, "g", map[string]string{"at": "home"}, nil)
		require.NoError(t, err)
		assert.Empty(t, seen.settled())
	})
}

func TestGroupStateRefused(t *testing.T) {
	t.Parallel()
	over(t, protocols, func(t *testing.T, p client.Protocol) {
		ctx := t.Context()
		r := newRig(t, emulator.Config{}).over(p)
		c := newClient(t, r.network, address(t, "ann", "webpubsub.joinLeaveGroup"), &client.Options{Protocol: p})
		_, err := c.SetGroupState(ctx, "g", nil, nil)
		require.ErrorIs(t, err, client.ErrStopped)
		require.NoError(t, c.Start(ctx))
		_, err = c.SetGroupState(ctx, "g", nil, nil)
		require.ErrorIs(t, err, client.ErrForbidden)
		assert.ErrorContains(t, err, `client: SetGroupState: Forbidden: `)
		assert.ErrorContains(t, err, `(the client must have joined the group, and needs the role "webpubsub.setGroupState.g", in its token or in the reply to its connect event)`)
		_, err = c.SubscribeGroupState(ctx, "g", nil)
		require.ErrorIs(t, err, client.ErrForbidden)
		assert.ErrorContains(t, err, `needs the role "webpubsub.getGroupState.g"`)
		_, ok := c.OwnGroupState("g")
		assert.False(t, ok)

		for _, bad := range []map[string]string{{"\xff": ""}, {"k": "\xff"}} {
			_, err = c.SetGroupState(ctx, "g", bad, nil)
			require.ErrorIs(t, err, client.ErrInvalid)
		}
		require.ErrorContains(t, err, `client: SetGroupState: state "k": want names and values of UTF-8`)
		for _, f := range []func(context.Context, string, *client.GroupOptions) (client.Result, error){c.ClearGroupState, c.SubscribeGroupState, c.UnsubscribeGroupState} {
			_, err = f(ctx, "", nil)
			require.ErrorIs(t, err, client.ErrInvalid)
		}
	})
}

// TestGroupStateAcrossConnections loses connections. States are kept over a recovery,
// and a new connection sets and subscribes again.
func TestGroupStateAcrossConnections(t *testing.T) {
	t.Parallel()
	over(t, recovering, func(t *testing.T, p client.Protocol) {
		ctx := t.Context()
		r := newRig(t, emulator.Config{}).over(p)
		bobs := newNetwork(t, r.server, nil)
		ann := r.member("ann", nil)
		bob := newClient(t, bobs, address(t, "bob", allRoles), &client.Options{Protocol: p})
		require.NoError(t, bob.Start(ctx))
		_, err := bob.JoinGroup(ctx, "g", nil)
		require.NoError(t, err)
		names := map[string]string{ann.ConnectionID(): "a1", bob.ConnectionID(): "b"}
		seen := states(ann, names)
		_, err = ann.SubscribeGroupState(ctx, "g", nil)
		require.NoError(t, err)
		_, err = ann.SetGroupState(ctx, "g", map[string]string{"n": "1"}, nil)
		require.NoError(t, err)
		_, err = bob.SetGroupState(ctx, "g", map[string]string{"n": "1"}, nil)
		require.NoError(t, err)
		assert.Equal(t, []string{"snapshot of g", "update of g a1/ann n=1", "update of g b/bob n=1"}, seen.settled())

		// Recovered: updates are sent again, and states are as they were.
		r.network.setDown(true)
		r.network.cut()
		pass(5 * time.Second)
		_, err = bob.SetGroupState(ctx, "g", map[string]string{"n": "2"}, nil)
		require.NoError(t, err)
		r.network.setDown(false)
		pass(5 * time.Second)
		assert.Equal(t, []string{"update of g b/bob n=2"}, seen.settled())
		assert.Equal(t, " a1/ann n=1 b/bob n=2", sorted(ann, names))

		// A new connection: the state of the old one ends, and another begins.
		r.network.setDown(true)
		r.network.cut()
		pass(40 * time.Second)
		_, err = bob.ClearGroupState(ctx, "g", nil)
		require.NoError(t, err)
		set := begin(func() (client.Result, error) { return ann.SetGroupState(ctx, "g", map[string]string{"n": "3"}, nil) })
		pass(time.Second)
		assert.Equal(t, " a1/ann n=1 b/bob n=2", sorted(ann, names), "the last known ones")
		r.network.setDown(false)
		pass(time.Minute)
		<-set.done
		require.NoError(t, set.err)
		names[ann.ConnectionID()] = "a2"
		got := strings.Join(seen.settled(), "\n")
		assert.Contains(t, got, "snapshot of g")
		assert.Contains(t, got, "b/bob-")
		assert.Contains(t, got, "a1/ann-")
		assert.Equal(t, " a2/ann n=3", sorted(ann, names))
	})
}

// sorted lists the states in group g, in the order of the names of their connections.
func sorted(c *client.Client, names map[string]string) string {
	var parts []string
	for _, s := range c.GroupStates("g") {
		parts = append(parts, list([]client.GroupState{s}, names))
	}
	slices.Sort(parts)
	return strings.Join(parts, "")
}

// TestGroupStateRestored checks what a new connection sends, and in which order.
func TestGroupStateRestored(t *testing.T) {
	t.Parallel()
	for _, disable := range []bool{false, true} {
		bubble(t, func(t *testing.T) {
			f := newFake(t)
			c := f.client(&client.Options{DisableAutoRejoin: disable})
			notes := record(c)
			p := f.start(c)
			for _, step := range []struct {
				frame string
				call  func() (client.Result, error)
			}{
				{`{"type":"joinGroup","group":"g","ackId":1}`, func() (client.Result, error) { return c.JoinGroup(t.Context(), "g", nil) }},
				{`{"type":"subscribeGroupState","group":"g","ackId":2}`, func() (client.Result, error) { return c.SubscribeGroupState(t.Context(), "g", nil) }},
				{`{"type":"setGroupState","group":"g","ackId":3,"state":{"a":"1"}}`, func() (client.Result, error) {
					return c.SetGroupState(t.Context(), "g", map[string]string{"a": "1"}, nil)
				}},
				{`{"type":"setGroupState","group":"g","ackId":40,"state":{"a":"2"}}`, func() (client.Result, error) {
					return c.SetGroupState(t.Context(), "g", map[string]string{"a": "2"}, &client.GroupOptions{AckID: 40})
				}},
			} {
				run := begin(step.call)
				p.expect(step.frame)
				p.send(ack(ackID(t, step.frame), ""))
				run.succeeds(t, client.Result{AckID: ackID(t, step.frame)})
			}
			p.send(`{"type":"groupStateSnapshot","group":"g","items":[{"connectionId":"x","state":{},"updatedAt":1}]}`)
			notes.settled()
			assert.Len(t, c.GroupStates("g"), 1)
			p.close(websocket.StatusPolicyViolation, "")
			p = f.greet("id-2")
			if disable {
				assert.Equal(t, []string{"disconnected", "connected ann"}, notes.settled())
				p.quiet(time.Minute)
				_, ok := c.OwnGroupState("g")
				assert.False(t, ok)
				assert.Empty(t, c.GroupStates("g"))
				return
			}
			p.expect(`{"type":"joinGroup","group":"g","ackId":41}`)

			// A request that needs the membership waits for it.
			clearing := begin(func() (client.Result, error) { return c.ClearGroupState(t.Context(), "g", nil) })
			p.send(ack(41, ""))
			p.expect(`{"type":"subscribeGroupState","group":"g","ackId":42}`)
			p.send(ack(42, ""))
			p.expect(`{"type":"setGroupState","group":"g","ackId":43,"state":{"a":"2"}}`)
			assert.Equal(t, []string{"disconnected"}, notes.settled())
			p.send(ack(43, ""))
			assert.Equal(t, []string{"connected ann"}, notes.settled())
			p.expect(`{"type":"setGroupState","group":"g","ackId":44}`)

			// It is lost with the connection, and sent again on the next one.
			p.close(websocket.StatusPolicyViolation, "")
			p = f.greet("id-3")
			p.expect(`{"type":"joinGroup","group":"g","ackId":45}`)
			p.send(ack(45, ""))
			p.expect(`{"type":"subscribeGroupState","group":"g","ackId":46}`)
			p.send(ack(46, "Forbidden"))
			assert.Equal(t, []string{"disconnected", "connected ann", `rejoin of g failed: client: SubscribeGroupState: Forbidden: because (the client must have joined the group, and needs the role "webpubsub.getGroupState.g", in its token or in the reply to its connect event)`}, notes.settled())
			p.expect(`{"type":"setGroupState","group":"g","ackId":47}`)
			p.send(ack(47, ""))
			clearing.succeeds(t, client.Result{AckID: 47})
			_, ok := c.OwnGroupState("g")
			assert.False(t, ok)
		})
	}
}
