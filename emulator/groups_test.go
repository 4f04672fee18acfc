package emulator_test

import (
	"net/http"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/emulator"
)

func TestPermissions(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name       string
		roles      string
		group      string
		join, send bool
	}{
		{"none", "", "g", false, false},
		{"all groups", allRoles, "g", true, true},
		{"one group", "webpubsub.joinLeaveGroup.a.b webpubsub.sendToGroup.a", "a.b", true, false},
		{"pattern", "webpubsub.joinLeaveGroups.room-* webpubsub.sendToGroups.**", "room-1", true, true},
		{"pattern does not match dots", "webpubsub.joinLeaveGroups.room-*", "room-1.x", false, false},
		{"unknown roles", "admin webpubsub.other", "g", false, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, emulator.Config{})
				p := r.json(r.clientURL("ann", tc.roles), plainJSON)
				for i, do := range []struct {
					frame, what string
					ok          bool
				}{{`"joinGroup"`, "join", tc.join}, {`"leaveGroup"`, "leave", tc.join}, {`"sendToGroup","data":1`, "send to", tc.send}} {
					id := strconv.Itoa(i)
					p.send(`{"type":` + do.frame + `,"group":"` + tc.group + `","ackId":` + id + `}`)
					if do.ok {
						p.expect(`{"type":"ack","ackId":` + id + `,"success":true}`)
					} else {
						p.expect(`{"type":"ack","ackId":` + id + `,"success":false,"error":{"name":"Forbidden","message":"The client does not have permission to ` + do.what + ` group '` + tc.group + `'."}}`)
					}
				}
			})
		})
	}
}

func TestGrantAndRevokeAtRuntime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, emulator.Config{})
		p := r.json(r.clientURL("ann", "", "g"), plainJSON)
		send := func(ok bool) {
			t.Helper()
			p.send(`{"type":"sendToGroup","group":"g","data":1,"noEcho":true,"ackId":1}`)
			require.Equal(t, ok, p.next()["success"])
		}
		send(false)
		path := "/permissions/sendToGroup/connections/" + p.id() + "?targetName=g"
		require.Equal(t, http.StatusOK, r.rest("PUT", path, "", ""))
		send(true)
		require.Equal(t, http.StatusNoContent, r.rest("DELETE", path, "", ""))
		p.send(`{"type":"sendToGroup","group":"g","data":1,"ackId":2}`)
		require.Equal(t, "Forbidden", p.next()["error"].(map[string]any)["name"])
	})
}

func TestGroupMessages(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, emulator.Config{})
		a1, a2, b := r.member("ann", "g"), r.member("ann", "g"), r.member("bob", "g", "h")
		raw := r.raw(r.clientURL("", "", "g"))
		a1.send(`{"type":"sendToGroup","group":"g","dataType":"text","data":"1","ackId":1}`)
		a1.expect(groupText(0, "g", "ann", "1"), acked) // the echo precedes the ack
		a2.expect(groupText(0, "g", "ann", "1"))
		b.expect(groupText(0, "g", "ann", "1"))
		raw.expect("1")
		a1.send(`{"type":"sendToGroup","group":"g","data":"2","noEcho":true,"metadata":{"k":"v"}}`)
		a1.quiet()
		a2.expect(`{"type":"message","from":"group","group":"g","fromUserId":"ann","dataType":"json","data":"2","metadata":{"k":"v"}}`)
		b.next()
		raw.expect(`"2"`)
		a1.send(`{"type":"sendToGroup","group":"g","dataType":"binary","data":"AP8=","noEcho":true}`)
		a2.expect(`{"type":"message","from":"group","group":"g","fromUserId":"ann","dataType":"binary","data":"AP8="}`)
		b.next()
		kind, data := raw.frame()
		assert.Equal(t, websocket.MessageBinary, kind)
		assert.Equal(t, "\x00\xff", data)
		a1.send(`{"type":"leaveGroup","group":"g"}`, `{"type":"leaveGroup","group":"g"}`, `{"type":"sendToGroup","group":"g","data":3,"ackId":3}`)
		a1.expect(`{"type":"ack","ackId":3,"success":true}`) // sends without being a member
		require.Equal(t, http.StatusAccepted, r.rest("POST", "/groups/h/:send", "application/json", `{"n":1}`))
		b.next()
		b.expect(`{"type":"message","from":"group","group":"h","fromUserId":null,"dataType":"json","data":{"n":1}}`)
		require.Equal(t, http.StatusAccepted, r.rest("POST", "/users/bob/:send", "text/plain", "x"))
		b.expect(`{"type":"message","from":"server","dataType":"text","data":"x"}`)
	})
}

func TestRawClientOfAGroup(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := &script{}
		r := newRig(t, chat(h))
		member := r.member("bob", "g")
		mode := "&webpubsub_mode=sendToGroup&group=g"
		loud := r.raw(r.clientURL("ann", allRoles, "g") + mode)
		loud.send("1")
		loud.expect("1")
		member.expect(groupText(0, "g", "ann", "1"))
		shy := r.raw(r.clientURL("ann", allRoles, "g") + mode + "&noEcho=True")
		require.NoError(t, shy.conn.Write(t.Context(), websocket.MessageBinary, []byte{1}))
		member.expect(`{"type":"message","from":"group","group":"g","fromUserId":"ann","dataType":"binary","data":"AQ=="}`)
		kind, _ := loud.frame()
		assert.Equal(t, websocket.MessageBinary, kind)
		denied := r.raw(r.clientURL("eve", "") + mode)
		denied.send("lost")
		loud.send("2")
		shy.expect("2") // neither its own message nor the denied one
		member.expect(groupText(0, "g", "ann", "2"))
		assert.Empty(t, h.told("message"), "a message to the group raises no event")
		denied.closed(websocket.StatusPolicyViolation, "The client does not have permission to send to its group.")
		assert.Equal(t, http.StatusNotFound, r.rest("HEAD", "/users/eve", "", ""))
		loud.expect("2")
		loud.send("\xff")
		loud.closed(websocket.StatusInvalidFramePayloadData, "The client message is not valid UTF-8.")
	})
}

func TestInvoke(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		free := make(chan struct{})
		h := userEvent("e", answers(answer(200, "application/json", `{"a":1}`), answer(204, "", ""), answer(400, "", "x"),
			func(w http.ResponseWriter, r *http.Request) { <-free; answer(200, "text/plain", "late")(w, r) }))
		r := newRig(t, chat(h))
		p := r.member("ann")
		invoke := func(id string) {
			p.send(`{"type":"invoke","invocationId":"` + id + `","target":"event","event":"e","dataType":"text","data":"in"}`)
		}
		invoke("1")
		p.expect(`{"type":"invokeResponse","invocationId":"1","success":true,"dataType":"json","data":{"a":1}}`)
		invoke("2")
		p.expect(`{"type":"invokeResponse","invocationId":"2","success":true}`)
		invoke("3")
		p.expect(`{"type":"invokeResponse","invocationId":"3","success":false,"error":{"name":"InternalServerError","message":"Internal server error"}}`)
		invoke("4")
		synctest.Wait() // until the handler has it
		p.send(`{"type":"cancelInvocation","invocationId":"4"}`)
		p.quiet()
		close(free)
		synctest.Wait()
		p.quiet() // no answer to the cancelled invocation
		assert.Len(t, h.told("e"), 4)
		assert.Equal(t, "in", h.told("e")[0].body)
	})
}

// What a client sends before it closes takes effect.
func TestRequestsBeforeClose(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := userEvent("message", func(http.ResponseWriter, *http.Request) { pass(time.Second) })
		r := newRig(t, chat(h))
		p := r.raw(r.clientURL("ann", ""))
		synctest.Wait() // until connected is delivered, whose order among messages is not defined
		p.send("1", "2", "3")
		require.NoError(t, p.conn.Close(websocket.StatusNormalClosure, "bye"))
		pass(time.Minute)
		assert.Equal(t, []string{"OPTIONS", "connect", "connected", "message", "message", "message", "disconnected"}, h.settled())
		gone := r.raw(r.clientURL("bob", "", "g"))
		gone.send("1")
		require.NoError(t, gone.conn.CloseNow())
		synctest.Wait()
		require.Equal(t, http.StatusAccepted, r.rest("POST", "/groups/g/:send", "text/plain", "x"))
		pass(time.Minute)
		assert.JSONEq(t, `{"reason":"The client's connection was lost."}`, h.told("disconnected")[1].body)
	})
}
