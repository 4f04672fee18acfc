package subprotocol_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/go-webpubsub/webpubsub/emulator/internal/hub"
	"github.com/go-webpubsub/webpubsub/internal/protoschema"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

var protobufOutput = protobuf.Output()

func sequenced(m *hub.Message, sequenceID uint64) []byte {
	codec := protobufOutput.Codec
	data := codec.Message(m).Data
	if sequenceID == 0 {
		return data
	}
	return codec.AppendSequenced(nil, data, sequenceID)
}

// checkMessage compares the frame of a message with Google's decoder and encoder.
func checkMessage(t *testing.T, m *hub.Message, sequenceID uint64) {
	t.Helper()
	frame := sequenced(m, sequenceID)
	decoded, err := protoschema.Decode(protoschema.Downstream(), frame)
	require.NoError(t, err, "%q", frame)
	got := message{decoded}.message("data_message")
	if m.Group == "" {
		assert.Equal(t, "server", got.text("from"))
		assert.False(t, got.has("group"))
	} else {
		assert.Equal(t, "group", got.text("from"))
		assert.Equal(t, m.Group, got.text("group"))
	}
	assert.Equal(t, sequenceID > 0, got.has("sequence_id"))
	assert.Equal(t, sequenceID, got.get("sequence_id").Uint())
	if len(m.Metadata) > 0 || got.has("metadata") {
		assert.Equal(t, m.Metadata, got.pairs("metadata"))
	}
	data := got.message("data")
	switch m.Type {
	case hub.Text:
		require.True(t, data.has("text_data"))
		assert.Equal(t, string(m.Data), data.text("text_data"))
	case hub.JSON:
		require.True(t, data.has("json_data"))
		assert.Equal(t, string(m.Data), data.text("json_data"))
	case hub.Binary:
		require.True(t, data.has("binary_data"))
		assert.Equal(t, string(m.Data), string(data.get("binary_data").Bytes()))
	case hub.Protobuf, wire.DataNone:
		require.True(t, data.has("protobuf_data"))
		return // as the client has encoded it
	}
	again, err := proto.MarshalOptions{Deterministic: true}.Marshal(decoded)
	require.NoError(t, err)
	assert.Equal(t, again, frame)
}

// goldenFrames are frames in the tests of Microsoft's clients: of the C# client
// (WebPubSubProtobufProtocolHelperTests) and of the JavaScript client alike, or, with "js",
// of the JavaScript client (web-pubsub-client-protobuf, client.spec.ts) alone.
var goldenFrames = []struct {
	name  string
	frame string
	write func(hub.Answerer) []byte
}{
	{"ack1", "CgQIexAB", func(a hub.Answerer) []byte { return a.Ack(123, nil).Data }},
	{"ack2", "ChoIexAAGhQKCUZvcmJpZGRlbhIHbWVzc2FnZQ==", func(a hub.Answerer) []byte {
		return a.Ack(123, &hub.RequestError{Name: "Forbidden", Message: "message"}).Data
	}},
	{"group1", "EhwKBWdyb3VwEglncm91cE5hbWUaBQoDeHl6ILlg", goldenMessage("groupName", hub.Text, "xyz", 12345)},
	{"js group2", "EiUKBWdyb3VwEglncm91cE5hbWUaESIPeyJ2YWx1ZSI6Inh5eiJ9", goldenMessage("groupName", hub.JSON, `{"value":"xyz"}`, 0)},
	{"js group3", "EhkKBWdyb3VwEglncm91cE5hbWUaBRIDeHl6", goldenMessage("groupName", hub.Binary, "xyz", 0)},
	{"js group4", "EiQKBWdyb3VwEglncm91cE5hbWUaEBoOCgdleGFtcGxlEgN4eXo=", goldenMessage("groupName", hub.Protobuf, anyXYZ, 0)},
	{"event1", "EhIKBnNlcnZlchoFCgN4eXoguWA=", goldenMessage("", hub.Text, "xyz", 12345)},
	{"js event2", "EhsKBnNlcnZlchoRIg97InZhbHVlIjoieHl6In0=", goldenMessage("", hub.JSON, `{"value":"xyz"}`, 0)},
	{"js event3", "Eg8KBnNlcnZlchoFEgN4eXo=", goldenMessage("", hub.Binary, "xyz", 0)},
	{"js event4", "EhoKBnNlcnZlchoQGg4KB2V4YW1wbGUSA3h5eg==", goldenMessage("", hub.Protobuf, anyXYZ, 0)},
	{"js groupStateSnapshot", "UmMKCWNoYXQtcm9vbRItCgdjb25uLWExEgVhbGljZRoUChIKCGFjdGl2aXR5EgZ0eXBpbmcggK/KlNgyEicKB2Nvbm4tYjESA2JvYhoQCg4KBGhhbmQSBnJhaXNlZCDgksmU2DI=", goldenStates("chat-room", true,
		hub.GroupState{ConnectionID: "conn-a1", UserID: name("alice"), Entries: map[string]string{"activity": "typing"}, UpdatedAt: 1741652400000},
		hub.GroupState{ConnectionID: "conn-b1", UserID: name("bob"), Entries: map[string]string{"hand": "raised"}, UpdatedAt: 1741652380000})},
	{"js groupStateSnapshot with empty items", "UgwKCmVtcHR5LXJvb20=", goldenStates("empty-room", true)},
	{"js groupStateUpdate with state set", "SjoKCWNoYXQtcm9vbRItCgdjb25uLWExEgVhbGljZRoUChIKCGFjdGl2aXR5EgZ0eXBpbmcggK/KlNgy", goldenStates("chat-room", false,
		hub.GroupState{ConnectionID: "conn-a1", UserID: name("alice"), Entries: map[string]string{"activity": "typing"}, UpdatedAt: 1741652400000})},
	{"js groupStateUpdate with state cleared", "SiQKCWNoYXQtcm9vbRIXCgdjb25uLWExEgVhbGljZSCI1sqU2DI=", goldenStates("chat-room", false,
		hub.GroupState{ConnectionID: "conn-a1", UserID: name("alice"), UpdatedAt: 1741652405000})},
	{"system1", "GhQKEgoKY29ubmVjdGlvbhIEdXNlcg==", func(a hub.Answerer) []byte {
		return a.Connected(&hub.Connection{ID: "connection", UserID: name("user")}).Data
	}},
	{"system2", "GhkKFwoKY29ubmVjdGlvbhIEdXNlchoDcmVj", func(a hub.Answerer) []byte {
		return a.Connected(&hub.Connection{ID: "connection", UserID: name("user"), ReconnectionToken: "rec"}).Data
	}},
	{"system3", "GgcSBRIDbXNn", func(a hub.Answerer) []byte { return a.Disconnected("msg").Data }},
}

func name(s string) *string { return &s }

func goldenMessage(group string, kind wire.DataType, text string, sequenceID uint64) func(hub.Answerer) []byte {
	return func(hub.Answerer) []byte {
		return sequenced(&hub.Message{Group: group, Type: kind, Data: []byte(text)}, sequenceID)
	}
}

func goldenStates(group string, snapshot bool, items ...hub.GroupState) func(hub.Answerer) []byte {
	return func(hub.Answerer) []byte {
		return sequenced(&hub.Message{Group: group, States: &hub.GroupStates{Snapshot: snapshot, Items: items}}, 0)
	}
}

func TestWriteProtobufGolden(t *testing.T) {
	t.Parallel()
	for _, tt := range goldenFrames {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, tt.frame, base64.StdEncoding.EncodeToString(tt.write(protobufOutput.Answers)))
		})
	}
}

func TestWriteProtobuf(t *testing.T) {
	t.Parallel()
	failure := &hub.RequestError{Name: "N", Message: "m"}
	a := protobufOutput.Answers
	stream := &hub.StreamInfo{ID: "s", Sequence: 5, End: true, Error: &hub.RequestError{Name: "UserError", Message: "m", UserErrorCode: "c"}}
	long := strings.Repeat("x", 300)
	for _, tt := range []struct {
		frame hub.Frame
		want  string
	}{
		{a.Pong(), `pong_message{}`},
		{a.Ack(0, nil), `ack_message{success:true}`},
		{a.Ack(1<<64-1, failure), `ack_message{ack_id:18446744073709551615 error{name:"N" message:"m"}}`},
		{a.Connected(&hub.Connection{ID: "c"}), `system_message{connected_message{connection_id:"c"}}`},
		{a.Disconnected(""), `system_message{disconnected_message{}}`},
		{a.Disconnected("a\xffb"), `system_message{disconnected_message{reason:"a\357\277\275b"}}`},
		{a.Disconnected(long), `system_message{disconnected_message{reason:"` + long + `"}}`},
		{a.InvokeResponse("1", nil, nil), `invoke_response_message{invocation_id:"1" success:true}`},
		{a.InvokeResponse("1", nil, failure), `invoke_response_message{invocation_id:"1" error{name:"N" message:"m"}}`},
		{a.InvokeResponse("1", &hub.Message{Type: hub.JSON, Data: []byte("1"), Metadata: map[string]string{"k": "v"}}, nil), `invoke_response_message{invocation_id:"1" success:true data{json_data:"1"} metadata{key:"k" value:"v"}}`},
		{a.StreamAck("s", 1), `stream_ack_message{stream_id:"s" expected_sequence_id:1}`},
		{a.StreamNack("s", 3, *failure), `stream_nack_message{stream_id:"s" name:"N" message:"m" expected_sequence_id:3}`},
		{a.StreamClosed("s", nil), `stream_closed_message{stream_id:"s"}`},
		{a.StreamClosed("s", failure), `stream_closed_message{stream_id:"s" error{name:"N" message:"m"}}`},
		{hub.Frame{Kind: hub.FrameBinary, Data: sequenced(&hub.Message{Group: "g", Type: hub.Text, Data: []byte{}, Stream: stream, Metadata: map[string]string{"b": "", "a": "1"}}, 300)},
			`data_message{from:"group" group:"g" data{text_data:""} sequence_id:300 metadata{key:"a" value:"1"} metadata{key:"b" value:""} stream{stream_id:"s" stream_sequence_id:5 end_of_stream:true error{name:"UserError" message:"m" user_error_code:"c"}}}`},
		{hub.Frame{Kind: hub.FrameBinary, Data: sequenced(&hub.Message{Group: "g", States: &hub.GroupStates{Items: []hub.GroupState{{ConnectionID: "c", UserID: name(""), Entries: map[string]string{}, UpdatedAt: 1}}}}, 1<<63-1)},
			`group_state_update_message{group:"g" items{connection_id:"c" user_id:"" state{} updated_at:1} sequence_id:9223372036854775807}`},
		{hub.Frame{Kind: hub.FrameBinary, Data: sequenced(&hub.Message{Type: hub.Text, Data: []byte("a\xff")}, 0)}, `data_message{from:"server" data{text_data:"a\357\277\275"}}`},
	} {
		assert.Equal(t, hub.FrameBinary, tt.frame.Kind)
		want := dynamicpb.NewMessage(protoschema.Downstream())
		require.NoError(t, prototext.Unmarshal([]byte(tt.want), want), tt.want)
		got, err := protoschema.Decode(protoschema.Downstream(), tt.frame.Data)
		require.NoError(t, err, tt.want)
		assert.True(t, proto.Equal(want, got), "want %s, got %v", tt.want, got)
	}
}

// TestProtobufEncodesOnce checks that all receivers of a message share its data, and that a
// sequence id costs no allocation.
func TestProtobufEncodesOnce(t *testing.T) { //nolint:paralleltest // counts allocations
	m := &hub.Message{Group: "g", Type: hub.Binary, Data: make([]byte, 1000)}
	codec := protobufOutput.Codec
	data := m.Encode(codec).Data
	assert.Same(t, &data[0], &m.Encode(codec).Data[0])
	buffer := make([]byte, 0, 2000)
	assert.Zero(t, testing.AllocsPerRun(100, func() { codec.AppendSequenced(buffer, data, 1<<40) }))
}
