package subprotocol_test

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/go-webpubsub/webpubsub/emulator/internal/hub"
	"github.com/go-webpubsub/webpubsub/emulator/internal/subprotocol"
	"github.com/go-webpubsub/webpubsub/internal/protoschema"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

var protobuf = subprotocol.Choose(wire.SubprotocolProtobuf, subprotocol.Raw{})

// upstream encodes an UpstreamMessage with Google's encoder.
func upstream(tb testing.TB, text string) []byte {
	tb.Helper()
	frame, err := protoschema.Encode(protoschema.Upstream(), text)
	require.NoError(tb, err, text)
	return frame
}

func decodeBase64(tb testing.TB, s string) []byte {
	tb.Helper()
	b, err := base64.StdEncoding.DecodeString(s)
	require.NoError(tb, err)
	return b
}

func data(t wire.DataType, s string) *hub.Message { return &hub.Message{Type: t, Data: []byte(s)} }

// anyXYZ is a google.protobuf.Any with type_url "example" and value "xyz".
const anyXYZ = "\x0a\x07example\x12\x03xyz"

func in(group string, m *hub.Message) *hub.Message { m.Group = group; return m }

// goldenRequests are frames in the tests of Microsoft's clients: without a prefix, of the
// C# client (WebPubSubProtobufProtocolTests) and of the JavaScript client alike; with
// "js", of the JavaScript client (web-pubsub-client-protobuf, client.spec.ts) alone.
var goldenRequests = []struct {
	name  string
	frame string
	want  hub.Request
}{
	{"JoinGroup1", "MgcKBWdyb3Vw", hub.JoinGroup{Group: "group"}},
	{"JoinGroup2", "MgsKBWdyb3VwEOXYAg==", hub.JoinGroup{Group: "group", AckID: id(44133)}},
	{"emulator: joinGroup with ack 0", "MggKBHJvb20QAA==", hub.JoinGroup{Group: "room", AckID: id(0)}},
	{"leaveGroup1", "OgcKBWdyb3Vw", hub.LeaveGroup{Group: "group"}},
	{"leaveGroup2", "OgoKBWdyb3VwELlg", hub.LeaveGroup{Group: "group", AckID: id(12345)}},
	{"C# sendToGroup", "ChAKBWdyb3VwGgUKA3h6eSAA", hub.SendToGroup{Message: in("group", data(hub.Text, "xzy"))}},
	{"js sendToGroup1", "Cg4KBWdyb3VwGgUKA3h6eQ==", hub.SendToGroup{Message: in("group", data(hub.Text, "xzy"))}},
	{"js sendToGroup2", "Ch8KBWdyb3VwELlgGhEiD3sidmFsdWUiOiJ4enkifSAB", hub.SendToGroup{Message: in("group", data(hub.JSON, `{"value":"xzy"}`)), AckID: id(12345), NoEcho: true}},
	{"js sendToGroup3", "ChMKBWdyb3VwELlgGgUSA3h5eiAB", hub.SendToGroup{Message: in("group", data(hub.Binary, "xyz")), AckID: id(12345), NoEcho: true}},
	{"js sendToGroup4", "Ch4KBWdyb3VwELlgGhAaDgoHZXhhbXBsZRIDeHl6IAE=", hub.SendToGroup{Message: in("group", data(hub.Protobuf, anyXYZ)), AckID: id(12345), NoEcho: true}},
	{"sendEvent1", "Kg4KBWV2ZW50EgUKA3h6eQ==", hub.SendEvent{Event: "event", Message: data(hub.Text, "xzy")}},
	{"js sendEvent2", "Kh0KBWV2ZW50EhEiD3sidmFsdWUiOiJ4enkifRi5YA==", hub.SendEvent{Event: "event", Message: data(hub.JSON, `{"value":"xzy"}`), AckID: id(12345)}},
	{"js sendEvent3", "KhEKBWV2ZW50EgUSA3h5ehi5YA==", hub.SendEvent{Event: "event", Message: data(hub.Binary, "xyz"), AckID: id(12345)}},
	{"js sendEvent4", "KhwKBWV2ZW50EhAaDgoHZXhhbXBsZRIDeHl6GLlg", hub.SendEvent{Event: "event", Message: data(hub.Protobuf, anyXYZ), AckID: id(12345)}},
	{"seqAck1", "QgQIwMQH", hub.SequenceAck{ID: 123456}},
	{"js setGroupState with state", "eiMKCWNoYXQtcm9vbRABGhQKEgoIYWN0aXZpdHkSBnR5cGluZw==", hub.SetGroupState{Group: "chat-room", AckID: id(1), State: map[string]string{"activity": "typing"}}},
	{"js setGroupState clear (no state)", "eg0KCWNoYXQtcm9vbRAC", hub.SetGroupState{Group: "chat-room", AckID: id(2)}},
	{"js subscribeGroupState", "ggENCgljaGF0LXJvb20QAw==", hub.SubscribeGroupState{Group: "chat-room", AckID: id(3)}},
	{"js unsubscribeGroupState", "igENCgljaGF0LXJvb20QBA==", hub.UnsubscribeGroupState{Group: "chat-room", AckID: id(4)}},
}

func TestReadProtobufGolden(t *testing.T) {
	t.Parallel()
	for _, tt := range goldenRequests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			req, violation := protobuf.Read(true, decodeBase64(t, tt.frame))
			require.Nil(t, violation)
			assert.Equal(t, tt.want, req)
		})
	}
}

var protobufFrames = []struct {
	text string
	want hub.Request
}{
	{`join_group_message{group:"g" ack_id:18446744073709551615}`, hub.JoinGroup{Group: "g", AckID: id(1<<64 - 1)}},
	{`send_to_group_message{group:"g" data{text_data:""}}`, hub.SendToGroup{Message: in("g", data(hub.Text, ""))}},
	{`send_to_group_message{group:"g" data{binary_data:""} no_echo:true ttl_seconds:300 ack_id:1}`, hub.SendToGroup{Message: in("g", data(hub.Binary, "")), NoEcho: true, TTL: 5 * time.Minute, AckID: id(1)}},
	{`send_to_group_message{group:"g" data{protobuf_data{}}}`, hub.SendToGroup{Message: in("g", data(hub.Protobuf, ""))}},
	{`send_to_group_message{group:"g" data{json_data:"[1]"} metadata{key:"a" value:"2"} metadata{key:"A" value:"1"}}`, hub.SendToGroup{Message: in("g", &hub.Message{Type: hub.JSON, Data: []byte("[1]"), Metadata: map[string]string{"A": "1", "a": "2"}})}},
	{`send_to_group_message{group:"g" stream{stream_id:"s"}}`, hub.StartStream{ID: "s", Group: "g"}},
	{`send_to_group_message{group:"g" no_echo:true stream{stream_id:"s" idle_timeout_ms:4294967295}}`, hub.StartStream{ID: "s", Group: "g", NoEcho: true, Idle: (1<<32 - 1) * time.Millisecond}},
	{`event_message{event:"connected" data{binary_data:"\001"} ack_id:0}`, hub.SendEvent{Event: "connected", Message: data(hub.Binary, "\x01"), AckID: id(0)}},
	{`event_message{event:"e" metadata{key:"k" value:""}}`, hub.SendEvent{Event: "e", Message: &hub.Message{Type: hub.Text, Data: []byte{}, Metadata: map[string]string{"k": ""}}}},
	{`invoke_event_message{event:"e" invocation_id:"1"}`, hub.Invoke{ID: "1", Event: "e", Message: &hub.Message{Type: hub.Text}}},
	{`invoke_event_message{event:"e" invocation_id:"1" data{json_data:"1"} metadata{key:"k" value:"v"}}`, hub.Invoke{ID: "1", Event: "e", Message: &hub.Message{Type: hub.JSON, Data: []byte("1"), Metadata: map[string]string{"k": "v"}}}},
	{`cancel_invocation_message{invocation_id:"1"}`, hub.CancelInvocation{ID: "1"}},
	{`sequence_ack_message{}`, hub.SequenceAck{}},
	{`ping_message{}`, hub.Ping{}},
	{`stream_data_message{stream_id:"s"}`, hub.StreamData{ID: "s"}},
	{`stream_data_message{stream_id:"s" stream_sequence_id:1 data{text_data:"x"}}`, hub.StreamData{ID: "s", Sequence: 1, Message: data(hub.Text, "x")}},
	{`set_group_state_message{group:"g" state{}}`, hub.SetGroupState{Group: "g", State: map[string]string{}}},
	{`set_group_state_message{group:"g" ack_id:0 state{entries{key:"" value:"ü"}}}`, hub.SetGroupState{Group: "g", AckID: id(0), State: map[string]string{"": "ü"}}},
	{`stream_end_message{stream_id:"s"}`, hub.StreamEnd{ID: "s"}},
	{`stream_end_message{stream_id:"s" error{}}`, hub.StreamEnd{ID: "s", Error: &hub.RequestError{Name: "UserError"}}},
	{`stream_end_message{stream_id:"s" error{message:"m" user_error_code:"c"}}`, hub.StreamEnd{ID: "s", Error: &hub.RequestError{Name: "UserError", Message: "m", UserErrorCode: "c"}}},
}

func TestReadProtobuf(t *testing.T) {
	t.Parallel()
	for _, tt := range protobufFrames {
		t.Run(tt.text, func(t *testing.T) {
			t.Parallel()
			req, violation := protobuf.Read(true, upstream(t, tt.text))
			require.Nil(t, violation)
			assert.Equal(t, tt.want, req)
		})
	}
}

// invalidTexts are well-formed messages that are no valid request.
func invalidTexts() []string {
	long := strings.Repeat("x", 1025)
	return []string{
		``, `join_group_message{}`, `join_group_message{group:" \t"}`, `join_group_message{group:"` + long + `"}`, `leave_group_message{ack_id:1}`,
		`send_to_group_message{group:"g"}`, `send_to_group_message{group:"g" data{}}`, `send_to_group_message{group:"g" data{} metadata{key:"k" value:"v"}}`,
		`send_to_group_message{data{text_data:"x"}}`, `send_to_group_message{group:"g" data{text_data:"x"} ttl_seconds:301}`,
		`send_to_group_message{group:"g" data{json_data:""}}`, `send_to_group_message{group:"g" data{json_data:"{"}}`, `send_to_group_message{group:"g" data{json_data:" null "}}`,
		`send_to_group_message{group:"g" data{json_data:"1,\"from\":\"server\""}}`, `send_to_group_message{group:"g" data{json_data:"` + deep(1001) + `"}}`,
		`send_to_group_message{group:"g" data{text_data:"x"} metadata{key:"" value:"v"}}`, `send_to_group_message{group:"g" data{text_data:"x"} metadata{key:"a b" value:"v"}}`,
		`send_to_group_message{group:"g" data{text_data:"x"} metadata{key:"k" value:"ü"}}`, `send_to_group_message{group:"g" data{text_data:"x"} metadata{key:"k" value:"` + long + `"}}`,
		`send_to_group_message{group:"g" stream{}}`, `send_to_group_message{group:"g" stream{stream_id:"s" idle_timeout_ms:0}}`, `send_to_group_message{stream{stream_id:"s"}}`,
		`send_to_group_message{group:"g" stream{stream_id:"s"} data{text_data:"x"}}`, `send_to_group_message{group:"g" stream{stream_id:"s"} ack_id:1}`,
		`event_message{event:"e"}`, `event_message{event:"1e" data{text_data:"x"}}`, `event_message{data{text_data:"x"}}`, `event_message{event:"e" data{text_data:"x"} stream{stream_id:"s"}}`,
		`invoke_event_message{event:"e"}`, `invoke_event_message{invocation_id:"1"}`, `invoke_event_message{event:"e" invocation_id:"1" stream{stream_id:"s"}}`, `invoke_event_message{event:"e" invocation_id:"1" data{}}`,
		`cancel_invocation_message{}`, `cancel_invocation_message{invocation_id:"` + long + `"}`, `stream_data_message{}`, `stream_data_message{stream_id:"s" data{text_data:"x"}}`,
		`stream_data_message{stream_id:"s" stream_sequence_id:0 data{text_data:"x"}}`, `stream_data_message{stream_id:"s" stream_sequence_id:1}`, `stream_end_message{}`,
		`set_group_state_message{}`, `subscribe_group_state_message{}`, `unsubscribe_group_state_message{ack_id:1}`,
	}
}

// malformed are frames that are not protobuf.
func malformed(tb testing.TB) map[string][]byte {
	tb.Helper()
	join := upstream(tb, `join_group_message{group:"group" ack_id:1}`)
	return map[string][]byte{
		"truncated":                        join[:len(join)-2],
		"length beyond the frame":          {0x32, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x0a},
		"length of more than 63 bits":      {0x32, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01},
		"varint of eleven bytes":           append([]byte{0x32, 0x0f, 0x0a, 0x01, 'g', 0x10}, bytes.Repeat([]byte{0xff}, 11)...),
		"ack id of more than 64 bits":      append(append([]byte{0x32, 0x0e, 0x0a, 0x01, 'g', 0x10}, bytes.Repeat([]byte{0xff}, 9)...), 0x02),
		"field number zero":                {0x02, 0x00},
		"field number beyond the maximum":  {0xfa, 0xff, 0xff, 0xff, 0x7f, 0x00},
		"group that is not closed":         {0x33, 0x0a, 0x01, 'g'},
		"group closed by another number":   {0x33, 0x3c},
		"end of a group that is not open":  {0x34},
		"wire type 6":                      {0x36},
		"groups nested too deep":           bytes.Repeat([]byte{0x33}, 20_000),
		"group name that is not UTF-8":     {0x32, 0x03, 0x0a, 0x01, 0xff},
		"text_data that is not UTF-8":      {0x0a, 0x08, 0x0a, 0x01, 'g', 0x1a, 0x03, 0x0a, 0x01, 0xff},
		"type_url that is not UTF-8":       {0x0a, 0x0a, 0x0a, 0x01, 'g', 0x1a, 0x05, 0x1a, 0x03, 0x0a, 0x01, 0xff},
		"Any that is no message":           {0x0a, 0x08, 0x0a, 0x01, 'g', 0x1a, 0x03, 0x1a, 0x01, 0xff},
		"metadata key that is not UTF-8":   {0x0a, 0x0d, 0x0a, 0x01, 'g', 0x1a, 0x03, 0x0a, 0x01, 'x', 0x32, 0x03, 0x0a, 0x01, 0xff},
		"case that is replaced is invalid": append([]byte{0x32, 0x03, 0x0a, 0x01, 0xff}, join...),
	}
}

func TestReadProtobufRefuses(t *testing.T) {
	t.Parallel()
	refused := malformed(t)
	for _, text := range invalidTexts() {
		refused[text] = upstream(t, text)
	}
	for name, frame := range refused {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			req, violation := protobuf.Read(true, frame)
			require.NotNil(t, violation)
			assert.Nil(t, req)
			assert.Equal(t, hub.CloseInvalid, violation.Code)
			assert.Equal(t, "The client message is not a valid protobuf.webpubsub.azure.v1 protocol message.", violation.Reason)
			assert.NotEmpty(t, violation.Detail)
			assert.LessOrEqual(t, len(violation.Detail), 300)
		})
	}
}

func TestReadProtobufRefusesTextFrames(t *testing.T) {
	t.Parallel()
	for _, name := range []string{wire.SubprotocolProtobuf, wire.SubprotocolProtobufReliable} {
		req, violation := subprotocol.Choose(name, subprotocol.Raw{}).Read(false, upstream(t, `ping_message{}`))
		assert.Nil(t, req)
		assert.Equal(t, &subprotocol.Violation{Code: hub.CloseUnsupported, Reason: "The " + name + " subprotocol requires binary messages.", Detail: "text frame"}, violation)
	}
}

// TestReadProtobufMerges has frames that an encoder does not write: repeated fields,
// unknown fields and wrong wire types.
func TestReadProtobufMerges(t *testing.T) {
	t.Parallel()
	concat := func(texts ...string) []byte {
		var out []byte
		for _, text := range texts {
			out = append(out, upstream(t, text)...)
		}
		return out
	}
	unknown := protowire.AppendTag(nil, 2, protowire.StartGroupType)
	unknown = protowire.AppendVarint(protowire.AppendTag(unknown, 1, protowire.VarintType), 1)
	unknown = protowire.AppendTag(unknown, 2, protowire.EndGroupType)
	for name, tt := range map[string]struct {
		frame []byte
		want  hub.Request
	}{
		"the last case counts":                    {concat(`ping_message{}`, `join_group_message{group:"a"}`), hub.JoinGroup{Group: "a"}},
		"a case that returns starts anew":         {concat(`join_group_message{group:"a" ack_id:1}`, `ping_message{}`, `join_group_message{group:"b"}`), hub.JoinGroup{Group: "b"}},
		"messages of one case are merged":         {concat(`join_group_message{group:"a" ack_id:1}`, `join_group_message{group:"b"}`), hub.JoinGroup{Group: "b", AckID: id(1)}},
		"data is merged":                          {concat(`event_message{event:"e" data{text_data:"a"}}`, `event_message{data{}}`), hub.SendEvent{Event: "e", Message: data(hub.Text, "a")}},
		"the last case of data counts":            {concat(`event_message{event:"e" data{text_data:"a"}}`, `event_message{data{json_data:"1"}}`), hub.SendEvent{Event: "e", Message: data(hub.JSON, "1")}},
		"Any is merged":                           {concat(`event_message{event:"e" data{protobuf_data{type_url:"example"}}}`, `event_message{data{protobuf_data{value:"xyz"}}}`), hub.SendEvent{Event: "e", Message: data(hub.Protobuf, anyXYZ)}},
		"metadata is merged, the last one counts": {concat(`event_message{event:"e" metadata{key:"a" value:"1"}}`, `event_message{metadata{key:"b" value:"2"} metadata{key:"a" value:"3"}}`), hub.SendEvent{Event: "e", Message: &hub.Message{Type: hub.Text, Data: []byte{}, Metadata: map[string]string{"a": "3", "b": "2"}}}},
		"unknown fields and groups are skipped":   {append(append([]byte{0x78, 0x01}, unknown...), concat(`ping_message{}`)...), hub.Ping{}},
		"a key of a wrong wire type is unknown":   {[]byte{0x2a, 0x0a, 0x0a, 0x01, 'e', 0x22, 0x05, 0x0a, 0x01, 'k', 0x08, 0x01}, hub.SendEvent{Event: "e", Message: &hub.Message{Type: hub.Text, Data: []byte{}, Metadata: map[string]string{"k": ""}}}},
		"a wrong wire type is unknown":            {append(concat(`ping_message{}`), 0x30, 0x01), hub.Ping{}},
		"a wrong wire type inside a message":      {[]byte{0x32, 0x05, 0x0a, 0x01, 'g', 0x08, 0x01}, hub.JoinGroup{Group: "g"}},
		"ttl_seconds has 32 bits":                 {[]byte{0x0a, 0x0d, 0x0a, 0x01, 'g', 0x1a, 0x02, 0x0a, 0x00, 0x28, 0x85, 0x80, 0x80, 0x80, 0x10}, hub.SendToGroup{Message: in("g", data(hub.Text, "")), TTL: 5 * time.Second}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			req, violation := protobuf.Read(true, tt.frame)
			require.Nil(t, violation, "%v", violation)
			assert.Equal(t, tt.want, req)
		})
	}
}
