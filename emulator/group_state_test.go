package emulator_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/emulator"
)

const stateRoles = allRoles + " webpubsub.getGroupState webpubsub.setGroupState"

// stateItem returns the item of a state at a time in milliseconds after now.
func stateItem(p *peer, user, state string, after int) string {
	if state != "" {
		state = `"state":` + state + `,`
	}
	return fmt.Sprintf(`{"connectionId":%q,"userId":%q,%s"updatedAt":%d}`, p.id(), user, state, time.Now().UnixMilli()+int64(after))
}

func stateUpdate(items ...string) string {
	return `{"type":"groupStateUpdate","group":"g","items":[` + strings.Join(items, ",") + `]}`
}

func stateSnapshot(items ...string) string {
	return `{"type":"groupStateSnapshot","group":"g","items":[` + strings.Join(items, ",") + `]}`
}

// subscriber connects a client of user eve that is a member of g and subscribes.
func (r *rig) subscriber() *peer {
	r.t.Helper()
	p := r.json(r.clientURL("eve", stateRoles, "g"), plainJSON)
	p.send(`{"type":"subscribeGroupState","group":"g","ackId":1}`)
	p.expect(acked)
	require.Equal(r.t, "groupStateSnapshot", p.next()["type"])
	return p
}

func TestGroupState(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, emulator.Config{})
		ann := r.json(r.clientURL("ann", stateRoles, "g"), plainJSON)
		eve := r.json(r.clientURL("eve", stateRoles, "g"), plainJSON)
		eve.send(`{"type":"subscribeGroupState","group":"g","ackId":1}`)
		eve.expect(acked, stateSnapshot())

		ann.send(`{"type":"setGroupState","group":"g","state":{"b":"1","a":"ü"},"ackId":1}`)
		ann.expect(acked) // it has not subscribed
		eve.expect(stateUpdate(stateItem(ann, "ann", `{"a":"ü","b":"1"}`, 0)))

		// updatedAt rises within a millisecond too.
		ann.send(`{"type":"setGroupState","group":"g","state":{}}`)
		eve.expect(stateUpdate(stateItem(ann, "ann", `{}`, 1)))

		eve.send(`{"type":"setGroupState","group":"g","state":{"k":"v"},"ackId":2}`)
		eve.expect(stateUpdate(stateItem(eve, "eve", `{"k":"v"}`, 0)), `{"type":"ack","ackId":2,"success":true}`)

		// Another subscription: the ack, all states, in the order of the ids.
		items := []string{stateItem(ann, "ann", `{}`, 1), stateItem(eve, "eve", `{"k":"v"}`, 0)}
		if eve.id() < ann.id() {
			items[0], items[1] = items[1], items[0]
		}
		ann.send(`{"type":"subscribeGroupState","group":"g","ackId":2}`)
		ann.expect(`{"type":"ack","ackId":2,"success":true}`, stateSnapshot(items...))

		eve.send(`{"type":"setGroupState","group":"g"}`)
		for _, p := range []*peer{ann, eve} {
			p.expect(stateUpdate(stateItem(eve, "eve", "", 1)))
		}

		eve.send(`{"type":"unsubscribeGroupState","group":"g","ackId":3}`)
		eve.expect(`{"type":"ack","ackId":3,"success":true}`)
		ann.send(`{"type":"setGroupState","group":"g","state":{"k":"w"}}`)
		ann.expect(stateUpdate(stateItem(ann, "ann", `{"k":"w"}`, 2)))
		eve.quiet()
	})
}

func TestGroupStateEnds(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*rig, *peer){
		"the client leaves": func(_ *rig, p *peer) { p.send(`{"type":"leaveGroup","group":"g"}`) },
		"REST removes it": func(r *rig, p *peer) {
			r.rest(http.MethodDelete, "/groups/g/connections/"+p.id()+"?api-version=2024-12-01", "", "")
		},
		"its connection ends": func(_ *rig, p *peer) { _ = p.conn.CloseNow() },
		"REST closes the connection": func(r *rig, p *peer) {
			r.rest(http.MethodDelete, "/connections/"+p.id()+"?api-version=2024-12-01", "", "")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, emulator.Config{})
				eve := r.subscriber()
				ann := r.json(r.clientURL("ann", stateRoles, "g"), plainJSON)
				ann.send(`{"type":"setGroupState","group":"g","state":{"k":"v"},"ackId":1}`)
				ann.expect(acked)
				eve.expect(stateUpdate(stateItem(ann, "ann", `{"k":"v"}`, 0)))
				end(r, ann)
				eve.expect(stateUpdate(stateItem(ann, "ann", "", 1)))
				eve.send(`{"type":"subscribeGroupState","group":"g","ackId":2}`)
				eve.expect(`{"type":"ack","ackId":2,"success":true}`, stateSnapshot())
			})
		})
	}
}

// TestGroupStateSubscriptionEnds checks that a client that has left hears nothing more,
// even if it joins again.
func TestGroupStateSubscriptionEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, emulator.Config{})
		eve := r.subscriber()
		eve.send(`{"type":"leaveGroup","group":"g"}`, `{"type":"joinGroup","group":"g"}`)
		eve.quiet()
		ann := r.json(r.clientURL("ann", stateRoles, "g"), plainJSON)
		ann.send(`{"type":"setGroupState","group":"g","state":{"k":"v"},"ackId":1}`)
		ann.expect(acked)
		eve.quiet()
	})
}

func TestGroupStateRecovers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, emulator.Config{})
		eve := r.json(r.clientURL("eve", stateRoles, "g"), reliableJSON)
		eve.send(`{"type":"subscribeGroupState","group":"g","ackId":1}`, `{"type":"setGroupState","group":"g","state":{"k":"1"}}`)
		eve.expect(acked, `{"sequenceId":1,`+stateSnapshot()[1:], `{"sequenceId":2,`+stateUpdate(stateItem(eve, "eve", `{"k":"1"}`, 0))[1:])
		ann := r.subscriber()
		eve.send(`{"type":"sequenceAck","sequenceId":2}`)
		eve.quiet()
		require.NoError(t, eve.conn.CloseNow())
		pass(10 * time.Second)
		ann.quiet() // it is only away
		ann.send(`{"type":"sendToGroup","group":"g","data":1}`)
		require.Equal(t, "message", ann.next()["type"])

		again := r.recover(eve)
		require.Equal(t, "connected", again.next()["event"])
		require.InDelta(t, 3, again.next()["sequenceId"], 0, "one sequence for messages and states")
		again.send(`{"type":"setGroupState","group":"g","state":{"k":"2"}}`)
		again.expect(`{"sequenceId":4,` + stateUpdate(stateItem(eve, "eve", `{"k":"2"}`, 0))[1:])
		ann.expect(stateUpdate(stateItem(eve, "eve", `{"k":"2"}`, 0)))

		require.NoError(t, again.conn.CloseNow())
		pass(30 * time.Second)
		ann.expect(stateUpdate(stateItem(eve, "eve", "", 0)))
	})
}

func TestGroupStateRefused(t *testing.T) {
	t.Parallel()
	const (
		set         = `{"type":"setGroupState","group":"g","state":{"k":"v"},"ackId":1}`
		subscribe   = `{"type":"subscribeGroupState","group":"g","ackId":1}`
		unsubscribe = `{"type":"unsubscribeGroupState","group":"g","ackId":1}`
	)
	state := func(bytes int) string {
		return `{"type":"setGroupState","group":"g","state":{"k":"` + strings.Repeat("v", bytes-1) + `"},"ackId":1}`
	}
	for _, tt := range []struct {
		name, roles, group, frame string
		failure                   string // empty: it succeeds
	}{
		{"set without the role", allRoles + " webpubsub.getGroupState", "g", set, `"Forbidden","message":"The client does not have permission to set its state in group 'g'."`},
		{"set with the role for another group", "webpubsub.setGroupState.h", "g", set, `"Forbidden","message":"The client does not have permission to set its state in group 'g'."`},
		{"set with the role for the group", "webpubsub.setGroupState.g", "g", set, ""},
		{"set by a client that is no member", stateRoles, "h", set, `"Forbidden","message":"The client is not a member of group 'g'."`},
		{"set 512 bytes", stateRoles, "g", state(512), ""},
		{"set 513 bytes", stateRoles, "g", state(513), `"BadRequest","message":"The state has 513 bytes of keys and values, the maximum is 512."`},
		{"subscribe without the role", allRoles + " webpubsub.setGroupState", "g", subscribe, `"Forbidden","message":"The client does not have permission to get the states of group 'g'."`},
		{"subscribe by a client that is no member", stateRoles, "h", subscribe, `"Forbidden","message":"The client is not a member of group 'g'."`},
		{"unsubscribe without anything", "", "h", unsubscribe, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, emulator.Config{})
				p := r.json(r.clientURL("ann", tt.roles, tt.group), plainJSON)
				p.send(tt.frame)
				if tt.failure == "" {
					p.expect(acked)
				} else {
					p.expect(`{"type":"ack","ackId":1,"success":false,"error":{"name":` + tt.failure + `}}`)
				}
				p.quiet() // it stays connected, and gets no snapshot
			})
		})
	}
}

// TestGroupStateSnapshotIsLimited checks that a snapshot has the states of the first 200
// connections.
func TestGroupStateSnapshotIsLimited(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, emulator.Config{})
		for range 201 {
			p := r.json(r.clientURL("", stateRoles, "g"), plainJSON)
			p.send(`{"type":"setGroupState","group":"g","state":{"k":"v"},"ackId":1}`)
			p.expect(acked)
		}
		p := r.json(r.clientURL("", stateRoles, "g"), plainJSON)
		p.send(`{"type":"subscribeGroupState","group":"g","ackId":1}`)
		p.expect(acked)
		items, _ := p.next()["items"].([]any)
		require.Len(t, items, 200)
		last := ""
		for _, item := range items {
			m, _ := item.(map[string]any)
			assert.NotContains(t, m, "userId")
			id, _ := m["connectionId"].(string)
			assert.Less(t, last, id)
			last = id
		}
	})
}

// TestGroupStateOverProtobuf checks that clients of both formats share states.
func TestGroupStateOverProtobuf(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, emulator.Config{})
		ann := r.json(r.clientURL("ann", stateRoles, "g"), plainJSON)
		pat := r.protobuf(r.clientURL("", stateRoles, "g"), reliableProtobuf)
		item := func(p *peer, rest string, after int) string {
			return fmt.Sprintf(`items{connection_id:%q %s updated_at:%d}`, p.id(), rest, time.Now().UnixMilli()+int64(after))
		}
		ann.send(`{"type":"setGroupState","group":"g","state":{"k":"v"},"ackId":1}`)
		ann.expect(acked)
		pat.send(`subscribe_group_state_message{group:"g" ack_id:0}`, `set_group_state_message{group:"g" ack_id:1 state{}}`)
		pat.expect(`ack_message{success:true}`,
			`group_state_snapshot_message{group:"g" sequence_id:1 `+item(ann, `user_id:"ann" state{entries{key:"k" value:"v"}}`, 0)+`}`,
			`group_state_update_message{group:"g" sequence_id:2 `+item(pat.peer, `state{}`, 0)+`}`, `ack_message{ack_id:1 success:true}`)
		ann.send(`{"type":"subscribeGroupState","group":"g","ackId":2}`)
		ann.next()
		require.Len(t, ann.next()["items"], 2)
		pat.send(`set_group_state_message{group:"g"}`)
		pat.expect(`group_state_update_message{group:"g" sequence_id:3 ` + item(pat.peer, ``, 1) + `}`)
		ann.expect(stateUpdate(fmt.Sprintf(`{"connectionId":%q,"updatedAt":%d}`, pat.id(), time.Now().UnixMilli()+1)))
		pat.send(`unsubscribe_group_state_message{group:"g" ack_id:2}`)
		pat.expect(`ack_message{ack_id:2 success:true}`)
		ann.send(`{"type":"leaveGroup","group":"g"}`)
		pat.quiet()
	})
}
