package emulator_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/emulator"
)

// anyXYZ is a google.protobuf.Any with type_url "example" and value "xyz".
const anyXYZ = "\x0a\x07example\x12\x03xyz"

// conversion is a payload in the form of each sender and receiver. The table in
// package hub (message.go) describes them.
type conversion struct {
	name string

	protobuf    string                // MessageData, in the text format of protobuf
	json        string                // members dataType and data
	raw         websocket.MessageType // of a frame with the body
	contentType string                // at the event handler
	body        string

	answer string // Content-Type of an event handler's answer; empty: an empty body is no message
	rest   string // Content-Type of a REST call; empty: none has it
	sent   bool   // clients without a subprotocol can send it
}

func conversions() []conversion {
	const binary, protobuf = "application/octet-stream", "application/x-protobuf"
	return []conversion{
		{"text", `text_data:"hä \"<"`, `"dataType":"text","data":"hä \"<"`, websocket.MessageText, "text/plain; charset=utf-8", `hä "<`, "text/plain", "text/plain", true},
		{"empty text", `text_data:""`, `"dataType":"text","data":""`, websocket.MessageText, "text/plain; charset=utf-8", "", "", "text/plain", true},
		{"text that is JSON", `text_data:"{}"`, `"dataType":"text","data":"{}"`, websocket.MessageText, "text/plain; charset=utf-8", `{}`, "text/plain", "text/plain", true},
		{"json object", `json_data:"{\"a\": [1.50,null]}"`, `"dataType":"json","data":{"a": [1.50,null]}`, websocket.MessageText, "application/json", `{"a": [1.50,null]}`, "application/json", "application/json", false},
		{"json string", `json_data:"\"s\""`, `"dataType":"json","data":"s"`, websocket.MessageText, "application/json", `"s"`, "application/json", "application/json", false},
		{"json number", `json_data:"12345678901234567890.0"`, `"dataType":"json","data":12345678901234567890.0`, websocket.MessageText, "application/json", `12345678901234567890.0`, "application/json", "application/json", false},
		{"binary", `binary_data:"\000\377"`, `"dataType":"binary","data":"AP8="`, websocket.MessageBinary, binary, "\x00\xff", binary, binary, true},
		{"empty binary", `binary_data:""`, `"dataType":"binary","data":""`, websocket.MessageBinary, binary, "", "", binary, true},
		{"protobuf", `protobuf_data{type_url:"example" value:"xyz"}`, `"dataType":"protobuf","data":"` + base64.StdEncoding.EncodeToString([]byte(anyXYZ)) + `"`, websocket.MessageBinary, protobuf, anyXYZ, protobuf, "", false},
		{"empty protobuf", `protobuf_data{}`, `"dataType":"protobuf","data":""`, websocket.MessageBinary, protobuf, "", "", "", false},
	}
}

// members are clients of each kind in group g.
type members struct {
	json, reliable             *peer
	raw                        *peer
	protobuf, reliableProtobuf *protobufPeer
	messages                   int // that the reliable ones have got
}

func newMembers(r *rig) *members {
	url := func(user string) string { return r.clientURL(user, allRoles, "g") }
	return &members{
		json: r.json(url("json"), plainJSON), reliable: r.json(url("json reliable"), reliableJSON), raw: r.raw(url("raw")),
		protobuf: r.protobuf(url("protobuf"), plainProtobuf), reliableProtobuf: r.protobuf(url("protobuf reliable"), reliableProtobuf),
	}
}

// expect asserts that each member gets a message of the group. from is JSON: the user id or
// null.
func (m *members) expect(c *conversion, from string) {
	m.messages++
	want := `"type":"message","from":"group","group":"g","fromUserId":` + from + `,` + c.json + `}`
	m.json.expect(`{` + want)
	m.reliable.expect(fmt.Sprintf(`{"sequenceId":%d,`, m.messages) + want)
	m.protobuf.expect(`data_message{from:"group" group:"g" data{` + c.protobuf + `}}`)
	m.reliableProtobuf.expect(fmt.Sprintf(`data_message{from:"group" group:"g" data{%s} sequence_id:%d}`, c.protobuf, m.messages))
	kind, data := m.raw.frame()
	require.Equal(m.raw.t, c.raw, kind)
	require.Equal(m.raw.t, c.body, data)
}

// TestConversions sends each kind of payload from each kind of sender to a group with each
// kind of receiver.
func TestConversions(t *testing.T) {
	t.Parallel()
	for _, c := range conversions() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, emulator.Config{})
				m := newMembers(r)
				for _, protocol := range []string{plainJSON, reliableJSON} {
					r.json(r.clientURL("ann", allRoles), protocol).send(`{"type":"sendToGroup","group":"g",` + c.json + `}`)
					m.expect(&c, `"ann"`)
				}
				for _, protocol := range []string{plainProtobuf, reliableProtobuf} {
					r.protobuf(r.clientURL("ann", allRoles), protocol).send(`send_to_group_message{group:"g" data{` + c.protobuf + `}}`)
					m.expect(&c, `"ann"`)
				}
				if c.sent {
					p := r.raw(r.clientURL("ann", allRoles) + "&webpubsub_mode=sendToGroup&group=g")
					require.NoError(t, p.conn.Write(t.Context(), c.raw, []byte(c.body)))
					m.expect(&c, `"ann"`)
				}
				const send = "/groups/g/:send?api-version=2024-12-01"
				if c.rest != "" {
					require.Equal(t, http.StatusAccepted, r.rest(http.MethodPost, send, c.rest, c.body))
					m.expect(&c, "null")
				}
				require.Equal(t, http.StatusUnsupportedMediaType, r.rest(http.MethodPost, send, "application/x-protobuf", c.body))
				m.json.quiet()
				m.protobuf.quiet()
			})
		})
	}
}

// TestEventConversions sends each kind of payload as a user event of each kind of client.
// The handler sends it back.
func TestEventConversions(t *testing.T) {
	t.Parallel()
	for _, c := range conversions() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				echo := answer(200, c.answer, c.body)
				h := &script{on: map[string]http.HandlerFunc{"e": echo, "message": echo}}
				r := newRig(t, chat(h))
				url := r.clientURL("ann", "")
				answered := c.answer != ""

				p := r.json(url, plainJSON)
				p.send(`{"type":"event","event":"e",` + c.json + `,"ackId":1}`)
				if answered {
					p.expect(`{"type":"message","from":"server",` + c.json + `}`)
				}
				p.expect(acked)

				for _, protocol := range []string{plainProtobuf, reliableProtobuf} {
					pb := r.protobuf(url, protocol)
					pb.send(`event_message{event:"e" data{` + c.protobuf + `} ack_id:1}`)
					sequence := ""
					if protocol == reliableProtobuf {
						sequence = "sequence_id:1"
					}
					if answered {
						pb.expect(`data_message{from:"server" data{` + c.protobuf + `} ` + sequence + `}`)
					}
					pb.expect(`ack_message{ack_id:1 success:true}`)
					pb.send(`invoke_event_message{event:"e" invocation_id:"1" data{` + c.protobuf + `}}`)
					if answered {
						pb.expect(`invoke_response_message{invocation_id:"1" success:true data{` + c.protobuf + `}}`)
					} else {
						pb.expect(`invoke_response_message{invocation_id:"1" success:true}`)
					}
				}
				sent := h.told("e")
				require.Len(t, sent, 5)
				if c.sent {
					raw := r.raw(url)
					require.NoError(t, raw.conn.Write(t.Context(), c.raw, []byte(c.body)))
					if answered {
						kind, data := raw.frame()
						require.Equal(t, c.raw, kind)
						require.Equal(t, c.body, data)
					}
					synctest.Wait()
					sent = append(sent, h.told("message")...)
					require.Len(t, sent, 6)
				}
				for _, ev := range sent {
					assert.Equal(t, c.contentType, ev.header.Get("Content-Type"))
					assert.Equal(t, c.body, ev.body)
				}
			})
		})
	}
}

// TestAnswerThatIsNoAny checks that an answer that a protobuf client could not read fails
// the event of every client.
func TestAnswerThatIsNoAny(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log := new(logBook)
		cfg := chat(userEvent("e", answer(200, "application/x-protobuf", "\xff")))
		cfg.Logger = log.logger()
		r := newRig(t, cfg)
		p, pb := r.member("ann"), r.protobuf(r.clientURL("bob", ""), plainProtobuf)
		p.send(`{"type":"event","event":"e","data":1,"ackId":1}`)
		p.expect(ackedErr)
		pb.send(`event_message{event:"e" data{text_data:"x"} ack_id:1}`)
		pb.expect(`ack_message{ack_id:1 error{name:"InternalServerError" message:"Internal server error"}}`)
		assert.Equal(t, 2, strings.Count(log.String(), `not a serialized google.protobuf.Any`), log.String())
	})
}

// TestMetadataOverProtobuf checks that metadata crosses formats, in both directions.
func TestMetadataOverProtobuf(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := userEvent("e", answer(204, "", "", "X-WebPubSub-Metadata-Key", "v"))
		r := newRig(t, chat(h))
		p, pb := r.member("ann", "g"), r.protobuf(r.clientURL("bob", allRoles, "g"), reliableProtobuf)
		p.send(`{"type":"sendToGroup","group":"g","metadata":{"b":"2","A":"1"}}`)
		pb.expect(`data_message{from:"group" group:"g" data{text_data:""} sequence_id:1 metadata{key:"A" value:"1"} metadata{key:"b" value:"2"}}`)
		require.Equal(t, "message", p.next()["type"])
		pb.send(`send_to_group_message{group:"g" no_echo:true metadata{key:"b" value:"2"} metadata{key:"A" value:"1"}}`)
		p.expect(`{"type":"message","from":"group","group":"g","fromUserId":"bob","dataType":"text","data":"","metadata":{"A":"1","b":"2"}}`)
		pb.send(`event_message{event:"e" metadata{key:"Kind" value:"w"} ack_id:1}`)
		pb.expect(`data_message{from:"server" data{text_data:""} sequence_id:2 metadata{key:"key" value:"v"}}`, `ack_message{ack_id:1 success:true}`)
		ev := h.one(t, "e")
		assert.Equal(t, "w", ev.header.Get("X-WebPubSub-Metadata-Kind"))
		assert.Empty(t, ev.body)
		assert.Equal(t, "text/plain; charset=utf-8", ev.header.Get("Content-Type"))
		assert.Equal(t, reliableProtobuf, ev.header.Get("Ce-Subprotocol"))
	})
}
