package emulator_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/emulator"
)

// TestCL01 to TestCL12 test what the official clients depend on.

func TestCL01SubprotocolTokenAndAudience(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, emulator.Config{TrustHosts: []string{"other.test"}})
		token := sign(t, "chat", nil)
		p, _ := r.try(base+"/client/hubs/chat?access_token="+token, nil, "JSON.webpubsub.azure.v1")
		require.NotNil(t, p)
		assert.Equal(t, "JSON.webpubsub.azure.v1", p.conn.Subprotocol(), "as the client spells it")
		p, _ = r.try(base+"/client/hubs/chat", http.Header{"Authorization": {"bearer  " + token}}, plainJSON)
		require.NotNil(t, p, "token in the header")
		p, _ = r.try(base+"/client/hubs/CHAT?ACCESS_TOKEN="+token, nil)
		require.NotNil(t, p, "names ignore case")
		p, _ = r.try(base+"/client/?hub=chat&access_token="+token, nil)
		require.NotNil(t, p, "hub in the query")
		_, resp := r.try("http://other.test/client/hubs/chat?access_token="+token, nil)
		assert.Equal(t, http.StatusUnauthorized, resp.StatusCode, "the host is not the one the token was made for")
	})
}

func TestCL02GreetingComesFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, emulator.Config{})
		p := r.json(r.clientURL("", "", "g"), plainJSON)
		assert.Equal(t, map[string]any{"type": "system", "event": "connected", "userId": nil, "connectionId": p.id()}, p.greeting)
		assert.Regexp(t, "^[0-9a-f]{32}$", p.id())
		p = r.json(r.clientURL("ann", ""), reliableJSON)
		assert.Equal(t, "ann", p.greeting["userId"])
		assert.NotEmpty(t, p.greeting["reconnectionToken"])
	})
}

func TestCL03MessagesAlwaysHaveDataTypeAndData(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, emulator.Config{})
		p := r.member("ann", "g")
		p.send(`{"type":"sendToGroup","group":"g","data":0}`)
		p.expect(`{"type":"message","from":"group","group":"g","fromUserId":"ann","dataType":"json","data":0}`)
		p.send(`{"type":"sendToGroup","group":"g","metadata":{"k":"v"}}`)
		p.expect(`{"type":"message","from":"group","group":"g","fromUserId":"ann","dataType":"text","data":"","metadata":{"k":"v"}}`)
		p.send(`{"type":"sendToGroup","group":"g","stream":{"streamId":"s"}}`, `{"type":"streamEnd","streamId":"s"}`)
		p.expect(`{"type":"streamAck","streamId":"s","expectedSequenceId":1}`)
		p.expect(`{"type":"message","from":"group","group":"g","fromUserId":"ann","dataType":"text","data":"","stream":{"streamId":"s","streamSequenceId":1,"endOfStream":true}}`)
		p.expect(`{"type":"streamClosed","streamId":"s"}`)
		p.send(`{"type":"sendToGroup","group":"g","dataType":"json","data":null}`)
		p.goodbye(websocket.StatusInvalidFramePayloadData, invalidJSON)
	})
}

func TestCL04Recovery(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, emulator.Config{})
		p := r.json(r.clientURL("ann", allRoles, "g"), reliableJSON)
		other := r.member("bob")
		say := func(text string) {
			other.send(fmt.Sprintf(`{"type":"sendToGroup","group":"g","dataType":"text","data":%q,"ackId":%s}`, text, text))
			require.Equal(t, true, other.next()["success"])
		}
		say("1")
		say("2")
		p.expect(groupText(1, "g", "bob", "1"), groupText(2, "g", "bob", "2"))
		p.send(`{"type":"sequenceAck","sequenceId":1}`)
		p.quiet()
		require.NoError(t, p.conn.CloseNow())
		synctest.Wait()
		say("3")

		wrong := r.resume(p.id(), "wrong")
		wrong.closed(websocket.StatusPolicyViolation, noRecovery)
		again := r.recover(p)
		assert.Equal(t, p.greeting, again.next(), "a connected frame, with any access token")
		again.expect(groupText(2, "g", "bob", "2"), groupText(3, "g", "bob", "3"))
		say("4")
		again.expect(groupText(4, "g", "bob", "4"))
	})
}

const (
	invalidJSON = "The client message is not a valid JSON protocol message."
	noRecovery  = "The connection could not be recovered."
	byServer    = "Application server closed the connection."
)

func groupText(seq int, group, user, text string) string {
	id := ""
	if seq > 0 {
		id = fmt.Sprintf(`"sequenceId":%d,`, seq)
	}
	return fmt.Sprintf(`{%s"type":"message","from":"group","group":%q,"fromUserId":%q,"dataType":"text","data":%q}`, id, group, user, text)
}

func TestCL05Ping(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		free := make(chan struct{})
		h := &script{on: map[string]http.HandlerFunc{"slow": func(http.ResponseWriter, *http.Request) { <-free }}}
		r := newRig(t, chat(h))
		p := r.member("ann")
		p.quiet()
		p.send(`{"type":"event","event":"slow","data":1,"ackId":1}`)
		p.quiet() // while the handler has the event
		close(free)
		p.expect(`{"type":"ack","ackId":1,"success":true}`)
	})
}

func TestCL06Acks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, emulator.Config{})
		p := r.json(r.clientURL("ann", "webpubsub.joinLeaveGroup"), plainJSON)
		ok := func(id string) string { return `{"type":"ack","ackId":` + id + `,"success":true}` }
		twice := func(id string) string {
			return `{"type":"ack","ackId":` + id + `,"success":false,"error":{"name":"Duplicate","message":"Message with ack-id: ` + id + ` has been processed"}}`
		}
		for _, id := range []string{"0", "18446744073709551615"} {
			p.send(`{"type":"joinGroup","group":"g","ackId":` + id + `}`)
			p.expect(ok(id))
			p.send(`{"type":"leaveGroup","group":"g","ackId":` + id + `}`)
			p.expect(twice(id))
		}
		denied := `{"type":"ack","ackId":7,"success":false,"error":{"name":"Forbidden","message":"The client does not have permission to send to group 'g'."}}`
		for range 2 {
			p.send(`{"type":"sendToGroup","group":"g","data":1,"ackId":7}`)
			p.expect(denied) // failures are not remembered
		}
		for id := 100; id < 1100; id++ {
			p.send(fmt.Sprintf(`{"type":"joinGroup","group":"g","ackId":%d}`, id))
			p.expect(ok(fmt.Sprint(id)))
		}
		p.send(`{"type":"joinGroup","group":"g","ackId":100}`)
		p.expect(twice("100"))
		p.send(`{"type":"joinGroup","group":"g","ackId":0}`)
		p.expect(ok("0")) // only 1000 are remembered
	})
}

func TestCL07ReliableBuffer(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name     string
		size     int
		messages int
	}{{"1000 messages", 1, 1000}, {"16 MiB", 900_000, 18}} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, emulator.Config{})
				p := r.json(r.clientURL("ann", "", "g"), reliableJSON)
				require.NoError(t, p.conn.CloseNow())
				synctest.Wait()
				body := strings.Repeat("x", tc.size)
				for range tc.messages {
					require.Equal(t, http.StatusAccepted, r.rest("POST", "/groups/g/:send", "text/plain", body))
				}
				require.Equal(t, http.StatusOK, r.rest("HEAD", "/connections/"+p.id(), "", ""), "full, not exceeded")
				require.Equal(t, http.StatusAccepted, r.rest("POST", "/groups/g/:send", "text/plain", body))
				require.Equal(t, http.StatusNotFound, r.rest("HEAD", "/connections/"+p.id(), "", ""))
				r.recover(p).closed(websocket.StatusPolicyViolation, noRecovery)
			})
		})
	}
}

func TestCL08CloseByREST(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := &script{}
		r := newRig(t, chat(h))
		p := r.json(r.clientURL("ann", ""), reliableJSON)
		require.Equal(t, http.StatusNoContent, r.rest("DELETE", "/connections/"+p.id()+"?reason=enough", "", ""))
		p.expect(`{"type":"system","event":"disconnected","message":"` + byServer + ` Reason: enough"}`)
		p.closed(websocket.StatusNormalClosure, "")
		r.recover(p).closed(websocket.StatusPolicyViolation, noRecovery)
		assert.JSONEq(t, `{"reason":"`+byServer+` Reason: enough"}`, h.one(t, "disconnected").body)

		away := r.json(r.clientURL("ann", ""), reliableJSON)
		require.NoError(t, away.conn.CloseNow())
		synctest.Wait()
		require.Equal(t, http.StatusNoContent, r.rest("DELETE", "/connections/"+away.id(), "", ""))
		r.recover(away).closed(websocket.StatusPolicyViolation, noRecovery)
		raw := r.raw(r.clientURL("raw", ""))
		require.Equal(t, http.StatusNoContent, r.rest("POST", "/users/raw/:closeConnections", "", ""))
		raw.closed(websocket.StatusNormalClosure, "")
	})
}

func TestCL09ErrorAcksKeepTheConnection(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, emulator.Config{})
		p := r.json(r.clientURL("ann", ""), plainJSON)
		p.send(`{"type":"joinGroup","group":"g","ackId":1}`)
		p.expect(`{"type":"ack","ackId":1,"success":false,"error":{"name":"Forbidden","message":"The client does not have permission to join group 'g'."}}`)
		p.send(`{"type":"joinGroup","group":"g"}`, `{"type":"event","event":"e","data":1}`)
		p.send(`{"type":"event","event":"e","data":1,"ackId":2}`)
		p.expect(`{"type":"ack","ackId":2,"success":false,"error":{"name":"InternalServerError","message":"Internal server error"}}`)
		p.quiet()
		p.send(`{"type":"nonsense"}`)
		p.goodbye(websocket.StatusInvalidFramePayloadData, invalidJSON)
	})
}

func TestCL10OneClientsFramesInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := &script{on: map[string]http.HandlerFunc{"say": func(w http.ResponseWriter, _ *http.Request) {
			pass(time.Minute) // otherwise the next frame would overtake
			answer(http.StatusOK, "text/plain", "reply")(w, nil)
		}}}
		r := newRig(t, chat(h))
		p, other := r.member("ann"), r.member("bob", "g")
		p.send(`{"type":"event","event":"say","data":1,"ackId":1}`, `{"type":"sendToGroup","group":"g","dataType":"text","data":"x","ackId":2}`)
		synctest.Wait()
		other.quiet() // other clients are not blocked; nothing was published yet
		p.expect(`{"type":"message","from":"server","dataType":"text","data":"reply"}`,
			`{"type":"ack","ackId":1,"success":true}`, `{"type":"ack","ackId":2,"success":true}`)
		other.expect(groupText(0, "g", "ann", "x"))
	})
}

func TestCL11RefusedConnect(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := &script{on: map[string]http.HandlerFunc{"connect": answer(http.StatusForbidden, "text/plain", "secret reason")}}
		r := newRig(t, chat(h))
		_, resp := r.try(r.clientURL("ann", ""), nil, plainJSON)
		assert.Equal(t, http.StatusForbidden, resp.StatusCode)
		assert.Equal(t, []string{"OPTIONS", "connect"}, h.settled())
	})
}

func TestCL12GroupsRespectCaseHubsIgnoreIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, emulator.Config{})
		lower, upper := r.member("a", "room"), r.member("b", "ROOM")
		p, resp := r.try(base+"/client/hubs/Chat?access_token="+sign(t, "CHAT", map[string]any{"role": "webpubsub.sendToGroup"}), nil, plainJSON)
		require.NotNil(t, p, "status %d", resp.StatusCode)
		p.next()
		p.send(`{"type":"sendToGroup","group":"room","dataType":"text","data":"x","ackId":1}`)
		p.expect(`{"type":"ack","ackId":1,"success":true}`)
		assert.Equal(t, "x", lower.next()["data"])
		upper.quiet()
	})
}
