package emulator_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/emulator"
	"github.com/go-webpubsub/webpubsub/emulator/internal/trace"
	"github.com/go-webpubsub/webpubsub/internal/protoschema"
)

const invalidProtobuf = "The client message is not a valid protobuf.webpubsub.azure.v1 protocol message."

func TestProtobufNegotiation(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, emulator.Config{})
		for _, name := range []string{plainProtobuf, reliableProtobuf, "Protobuf.WebPubSub.Azure.V1", "PROTOBUF.reliable.webpubsub.azure.v1"} {
			p := r.protobuf(r.clientURL("ann", ""), name)
			assert.Equal(t, "ann", p.greeting["userId"])
			token := p.greeting["reconnectionToken"]
			assert.Equal(t, strings.EqualFold(name, reliableProtobuf), token != "", name)
			assert.Empty(t, r.protobuf(r.clientURL("", ""), name).greeting["userId"])
		}
		p, _ := r.try(r.clientURL("ann", ""), nil, "own", reliableProtobuf, plainJSON)
		assert.Equal(t, reliableProtobuf, p.conn.Subprotocol(), "the first that is known")
	})
}

// TestProtobufConnectHandlerChooses checks that a connect handler can choose protobuf.
func TestProtobufConnectHandlerChooses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := &script{on: map[string]http.HandlerFunc{"connect": answer(200, "application/json", `{"subprotocol":"`+plainProtobuf+`"}`)}}
		r := newRig(t, chat(h))
		p, _ := r.try(r.clientURL("ann", ""), nil, plainJSON, plainProtobuf)
		require.Equal(t, plainProtobuf, p.conn.Subprotocol())
		pb := &protobufPeer{p}
		pb.next()
		pb.quiet()
	})
}

// TestProtobufAcks has the ids of section "Acks" of Microsoft's emulator: 0 and the
// greatest are ids, and only a success uses up an id.
func TestProtobufAcks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, emulator.Config{})
		p := r.protobuf(r.clientURL("ann", "webpubsub.joinLeaveGroup"), plainProtobuf)
		for _, id := range []string{"0", "18446744073709551615"} {
			p.send(`send_to_group_message{group:"g" data{text_data:"x"} ack_id:` + id + `}`)
			p.expect(`ack_message{ack_id:` + id + ` error{name:"Forbidden" message:"The client does not have permission to send to group 'g'."}}`)
			p.send(`join_group_message{group:"g" ack_id:`+id+`}`, `leave_group_message{group:"g" ack_id:`+id+`}`)
			p.expect(`ack_message{ack_id:`+id+` success:true}`,
				`ack_message{ack_id:`+id+` error{name:"Duplicate" message:"Message with ack-id: `+id+` has been processed"}}`)
		}
		p.send(`leave_group_message{group:"g" ack_id:1}`, `leave_group_message{group:"h"}`, `sequence_ack_message{sequence_id:9}`)
		p.expect(`ack_message{ack_id:1 success:true}`)
		p.quiet()
	})
}

func TestProtobufBadInput(t *testing.T) {
	t.Parallel()
	join, err := protoschema.Encode(protoschema.Upstream(), `join_group_message{group:"group"}`)
	require.NoError(t, err)
	var entries strings.Builder
	for i := range 10_000 {
		fmt.Fprintf(&entries, ` metadata{key:"%d"}`, i)
	}
	huge, err := protoschema.Encode(protoschema.Upstream(), `event_message{event:"e"`+entries.String()+`}`)
	require.NoError(t, err)
	for name, tt := range map[string]struct {
		kind   websocket.MessageType
		frame  []byte
		code   websocket.StatusCode
		reason string
	}{
		"text frame":          {websocket.MessageText, join, websocket.StatusUnsupportedData, "The protobuf.webpubsub.azure.v1 subprotocol requires binary messages."},
		"JSON in text frame":  {websocket.MessageText, []byte(`{"type":"ping"}`), websocket.StatusUnsupportedData, "The protobuf.webpubsub.azure.v1 subprotocol requires binary messages."},
		"JSON":                {websocket.MessageBinary, []byte(`{"type":"ping"}`), websocket.StatusInvalidFramePayloadData, invalidProtobuf},
		"empty":               {websocket.MessageBinary, nil, websocket.StatusInvalidFramePayloadData, invalidProtobuf},
		"truncated":           {websocket.MessageBinary, join[:5], websocket.StatusInvalidFramePayloadData, invalidProtobuf},
		"unknown case":        {websocket.MessageBinary, []byte{0x12, 0x00}, websocket.StatusInvalidFramePayloadData, invalidProtobuf},
		"downstream message":  {websocket.MessageBinary, []byte{0x22, 0x00}, websocket.StatusInvalidFramePayloadData, invalidProtobuf},
		"no group":            {websocket.MessageBinary, []byte{0x32, 0x00}, websocket.StatusInvalidFramePayloadData, invalidProtobuf},
		"not UTF-8":           {websocket.MessageBinary, []byte{0x32, 0x03, 0x0a, 0x01, 0xff}, websocket.StatusInvalidFramePayloadData, invalidProtobuf},
		"groups in groups":    {websocket.MessageBinary, bytes.Repeat([]byte{0x7b}, 1<<20), websocket.StatusInvalidFramePayloadData, invalidProtobuf},
		"more than a MiB":     {websocket.MessageBinary, append(bytes.Repeat([]byte{0x78, 0x01}, 1<<19), join...), websocket.StatusMessageTooBig, "The client message is too large."},
		"huge map":            {websocket.MessageBinary, huge, websocket.StatusInvalidFramePayloadData, invalidProtobuf},
		"varint of ten bytes": {websocket.MessageBinary, append([]byte{0x40}, bytes.Repeat([]byte{0xff}, 10)...), websocket.StatusInvalidFramePayloadData, invalidProtobuf},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, emulator.Config{})
				bystander := r.protobuf(r.clientURL("bob", "", "g"), reliableProtobuf)
				p := r.protobuf(r.clientURL("ann", allRoles), plainProtobuf)
				p.send(`send_to_group_message{group:"g" data{text_data:"before"} ack_id:1}`)
				p.expect(`ack_message{ack_id:1 success:true}`)
				require.NoError(t, p.conn.Write(t.Context(), tt.kind, tt.frame))
				p.goodbye(tt.code, tt.reason)
				bystander.expect(`data_message{from:"group" group:"g" data{text_data:"before"} sequence_id:1}`)
				bystander.quiet()
			})
		})
	}
}

// TestProtobufRecovery has the rules of WebPubSubReliableProtobufTests of Microsoft's
// emulator: the same bytes again, no connected frame, cumulative acks, the first
// subprotocol.
func TestProtobufRecovery(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, emulator.Config{})
		p := r.protobuf(r.clientURL("ann", allRoles, "g"), reliableProtobuf)
		publisher := r.member("bob")
		var sent []string
		for i := range 5 {
			publisher.send(fmt.Sprintf(`{"type":"sendToGroup","group":"g","data":%d,"metadata":{"k":"v"}}`, i))
			_, frame := p.frame()
			sent = append(sent, frame)
		}
		p.send(`sequence_ack_message{sequence_id:2}`, `join_group_message{group:"h" ack_id:7}`)
		p.expect(`ack_message{ack_id:7 success:true}`)
		require.NoError(t, p.conn.CloseNow())
		pass(29 * time.Second)
		publisher.send(`{"type":"sendToGroup","group":"h","data":5}`)

		again := p.recover(r, reliableJSON) // the first subprotocol counts
		for _, want := range sent[2:] {
			kind, frame := again.frame()
			require.Equal(t, websocket.MessageBinary, kind)
			require.Equal(t, want, frame)
		}
		again.expect(`data_message{from:"group" group:"h" data{json_data:"5"} sequence_id:6}`)
		again.send(`join_group_message{group:"h" ack_id:7}`)
		again.expect(`ack_message{ack_id:7 error{name:"Duplicate" message:"Message with ack-id: 7 has been processed"}}`)
		again.quiet()

		require.NoError(t, again.conn.CloseNow())
		pass(30 * time.Second)
		refused := p.recover(r, reliableProtobuf)
		require.Equal(t, reliableProtobuf, refused.conn.Subprotocol())
		refused.closed(websocket.StatusPolicyViolation, noRecovery)
	})
}

// TestProtobufRecoveryRefused checks that a client of the plain subprotocol cannot recover.
func TestProtobufRecoveryRefused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, emulator.Config{})
		p := r.protobuf(r.clientURL("ann", ""), plainProtobuf)
		q := url.Values{"awps_connection_id": {p.id()}, "awps_reconnection_token": {"x"}}
		refused, _ := r.try(base+"/client/hubs/chat?"+q.Encode(), nil, plainProtobuf)
		require.Equal(t, plainProtobuf, refused.conn.Subprotocol())
		refused.closed(websocket.StatusPolicyViolation, noRecovery)
		p.quiet()
	})
}

// TestProtobufLosesNothing cuts a reliable client 20 times while it receives 10,000
// messages.
func TestProtobufLosesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const cuts, perCut = 20, 500
		r := newRig(t, emulator.Config{})
		p := r.protobuf(r.clientURL("ann", "", "g"), reliableProtobuf)
		publisher := r.protobuf(r.clientURL("bob", allRoles), plainProtobuf)
		received, acknowledged := 0, 0
		for cut := range cuts {
			for i := range perCut {
				publisher.send(fmt.Sprintf(`send_to_group_message{group:"g" data{text_data:"%d"}}`, cut*perCut+i))
			}
			publisher.quiet() // all have been sent
			for range perCut - 10 {
				received++
				p.expect(fmt.Sprintf(`data_message{from:"group" group:"g" data{text_data:"%d"} sequence_id:%d}`, received-1, received))
			}
			if cut%2 == 0 {
				p.send(fmt.Sprintf(`sequence_ack_message{sequence_id:%d}`, received-50))
				p.quietAfter(10)
				acknowledged = received - 50
			}
			require.NoError(t, p.conn.CloseNow())
			synctest.Wait()
			p = p.recover(r, reliableProtobuf)
			received = acknowledged // what has not been acknowledged comes again
			for range (cut+1)*perCut - acknowledged {
				received++
				p.expect(fmt.Sprintf(`data_message{from:"group" group:"g" data{text_data:"%d"} sequence_id:%d}`, received-1, received))
			}
			p.send(fmt.Sprintf(`sequence_ack_message{sequence_id:%d}`, received))
			acknowledged = received
			p.quiet()
		}
		assert.Equal(t, cuts*perCut, received)
	})
}

// A message that contains the bytes of a close frame closes nothing.
func TestProtobufRecoversAfterAnyData(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, emulator.Config{})
		p := r.protobuf(r.clientURL("ann", "", "g"), reliableProtobuf)
		publisher := r.protobuf(r.clientURL("bob", allRoles), plainProtobuf)
		for _, data := range []string{"", "x"} { // they begin at an even and at an odd byte
			publisher.send(`send_to_group_message{group:"g" data{binary_data:"` + data + strings.Repeat(`\210\000`, 20_000) + `"}}`)
			p.next()
		}
		require.NoError(t, p.conn.CloseNow())
		synctest.Wait()
		p.recover(r, reliableProtobuf).next()
	})
}

// quietAfter reads frames before the answer to a ping.
func (p *protobufPeer) quietAfter(frames int) {
	p.t.Helper()
	p.send(`ping_message{}`)
	for range frames {
		p.next()
	}
	p.expect(`pong_message{}`)
}

// TestProtobufOldClients checks that a client gets no case that it has not asked for:
// Microsoft's C# client (WebPubSubProtobufProtocol) throws on all but the first three.
func TestProtobufOldClients(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, emulator.Config{})
		old := r.protobuf(r.clientURL("old", allRoles, "g"), reliableProtobuf)
		p := r.protobuf(r.clientURL("ann", stateRoles, "g"), plainProtobuf)
		p.send(
			`send_to_group_message{group:"g" data{protobuf_data{}} metadata{key:"k" value:"v"}}`, `ping_message{}`,
			`send_to_group_message{group:"g" stream{stream_id:"s"}}`, `stream_data_message{stream_id:"s" stream_sequence_id:1 data{text_data:"x"}}`,
			`stream_data_message{stream_id:"s" stream_sequence_id:5 data{text_data:"x"}}`, `stream_end_message{stream_id:"s"}`,
			`invoke_event_message{event:"e" invocation_id:"1"}`, `subscribe_group_state_message{group:"g"}`, `set_group_state_message{group:"g" state{}}`,
		)
		require.Equal(t, http.StatusAccepted, r.rest(http.MethodPost, "/:send?api-version=2024-12-01", "application/json", "1"))
		old.send(`join_group_message{group:"h" ack_id:1}`, `event_message{event:"e" data{text_data:"x"} ack_id:2}`, `sequence_ack_message{sequence_id:1}`)
		synctest.Wait()
		r.rest(http.MethodDelete, "/connections/"+old.id()+"?api-version=2024-12-01", "", "")
		cases := make(map[int]int)
		for {
			_, frame, err := old.conn.Read(t.Context())
			if err != nil {
				break
			}
			m, err := protoschema.Decode(protoschema.Downstream(), frame)
			require.NoError(t, err)
			cases[int(m.WhichOneof(m.Descriptor().Oneofs().ByName("message")).Number())]++
		}
		assert.Equal(t, map[int]int{1: 2, 2: 4, 3: 1}, cases, "acks, messages of a group, a stream and REST, and disconnected")
	})
}

func TestProtobufStream(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, emulator.Config{})
		p := r.protobuf(r.clientURL("ann", allRoles, "g"), reliableProtobuf)
		member, other := r.member("bob", "g"), r.protobuf(r.clientURL("eve", "", "g"), plainProtobuf)
		p.send(`stream_data_message{stream_id:"s"}`)
		p.expect(`stream_closed_message{stream_id:"s" error{name:"StreamNotFound" message:"The stream 's' was not found."}}`)
		p.send(`send_to_group_message{group:"g" no_echo:true stream{stream_id:"s" idle_timeout_ms:1000}}`)
		p.expect(`stream_ack_message{stream_id:"s" expected_sequence_id:1}`)
		p.send(`stream_data_message{stream_id:"s" stream_sequence_id:1 data{text_data:"1"}}`, `stream_data_message{stream_id:"s" stream_sequence_id:3 data{text_data:"3"}}`)
		p.expect(`stream_ack_message{stream_id:"s" expected_sequence_id:2}`,
			`stream_nack_message{stream_id:"s" expected_sequence_id:2 name:"InvalidSequenceId" message:"The stream expects sequence id 2."}`)
		p.send(`stream_end_message{stream_id:"s" error{message:"m" user_error_code:"c"}}`)
		p.expect(`stream_closed_message{stream_id:"s"}`)
		member.expect(streamed(1), streamEnd(2, `,"error":{"name":"UserError","message":"m","userErrorCode":"c"}`))
		other.expect(`data_message{from:"group" group:"g" data{text_data:"1"} stream{stream_id:"s" stream_sequence_id:1}}`,
			`data_message{from:"group" group:"g" data{text_data:""} stream{stream_id:"s" stream_sequence_id:2 end_of_stream:true error{name:"UserError" message:"m" user_error_code:"c"}}}`)

		p.send(`send_to_group_message{group:"g" no_echo:true stream{stream_id:"t" idle_timeout_ms:1000}}`)
		p.expect(`stream_ack_message{stream_id:"t" expected_sequence_id:1}`, `stream_closed_message{stream_id:"t" error{name:"IdleTimeout" message:"The stream was idle for too long."}}`)
	})
}

func TestProtobufInvoke(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		held := make(chan struct{})
		h := &script{on: map[string]http.HandlerFunc{
			"e":    answer(200, "application/json", "1", "X-WebPubSub-Metadata-K", "v"),
			"fail": answer(400, "", ""),
			"held": func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done(); close(held) },
		}}
		r := newRig(t, chat(h))
		p := r.protobuf(r.clientURL("ann", ""), reliableProtobuf)
		p.send(`invoke_event_message{event:"held" invocation_id:"0"}`)
		synctest.Wait()
		p.send(`cancel_invocation_message{invocation_id:"0"}`)
		<-held
		p.send(`invoke_event_message{event:"e" invocation_id:"1" metadata{key:"Kind" value:"w"}}`, `invoke_event_message{event:"fail" invocation_id:"2"}`)
		p.expect(`invoke_response_message{invocation_id:"1" success:true data{json_data:"1"} metadata{key:"k" value:"v"}}`,
			`invoke_response_message{invocation_id:"2" error{name:"InternalServerError" message:"Internal server error"}}`)
		p.quiet()
		assert.Equal(t, "w", h.one(t, "e").header.Get("X-WebPubSub-Metadata-Kind"))
	})
}

// TestProtobufRecords checks that frames are recorded without the reconnection token.
func TestProtobufRecords(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := new(sink)
		r := newRig(t, emulator.Config{}, s)
		p := r.protobuf(r.clientURL("ann", ""), reliableProtobuf)
		p.send(`join_group_message{group:"g" ack_id:1}`)
		p.next()
		in, out := of[trace.FrameIn](s), of[trace.FrameOut](s)
		require.Len(t, in, 1)
		require.Len(t, out, 2)
		assert.True(t, in[0].Binary && out[0].Binary)
		assert.Equal(t, "JoinGroup", in[0].Request)
		assert.Contains(t, out[0].Data.String(), "(token)")
		token, _ := p.greeting["reconnectionToken"].(string)
		require.Len(t, token, 64)
		assert.NotContains(t, out[0].Data.String(), token[:16])
		require.Len(t, s.clients(trace.KindRequestRefused), 1)
	})
}

// TestProtobufGreeting compares the whole frame.
func TestProtobufGreeting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, emulator.Config{})
		p, _ := r.try(r.clientURL("", ""), nil, plainProtobuf)
		_, frame := p.frame()
		assert.Equal(t, "GiQKIgog", base64.StdEncoding.EncodeToString([]byte(frame))[:8], "connection id and nothing else")
		assert.Len(t, frame, 38)
	})
}
