package protoschema_test

import (
	"encoding/base64"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/go-webpubsub/webpubsub/internal/protoschema"
)

// TestSchema pins the numbers, types and presence of all fields, as the test
// WebPubSubProtobufSchemaTests of Microsoft's C# client does. It also fails if
// webpubsub.binpb is older than webpubsub.proto.
func TestSchema(t *testing.T) {
	t.Parallel()
	var got []string
	var list func(protoreflect.MessageDescriptors)
	list = func(messages protoreflect.MessageDescriptors) {
		for i := range messages.Len() {
			m := messages.Get(i)
			if m.IsMapEntry() {
				continue
			}
			for j := range m.Fields().Len() {
				got = append(got, describe(m.Fields().Get(j)))
			}
			list(m.Messages())
		}
	}
	list(protoschema.Upstream().ParentFile().Messages())
	assert.Equal(t, fields, got)
}

func describe(f protoreflect.FieldDescriptor) string {
	name := string(f.FullName())[len("azure.webpubsub."):]
	kind := f.Kind().String()
	if f.Message() != nil {
		kind = string(f.Message().Name())
	}
	switch {
	case f.IsMap():
		kind = "map"
	case f.IsList():
		kind = "repeated " + kind
	case f.HasOptionalKeyword():
		kind = "optional " + kind
	case f.ContainingOneof() != nil:
		kind = "oneof " + kind
	}
	return fmt.Sprintf("%s %d %s", name, f.Number(), kind)
}

// golden are the frames in the tests of Microsoft's C# client
// (WebPubSubProtobufProtocolTests, WebPubSubProtobufProtocolHelperTests) and emulator.
var golden = []struct {
	name  string
	of    func() protoreflect.MessageDescriptor
	frame string
	text  string
}{
	{"joinGroup", protoschema.Upstream, "MgcKBWdyb3Vw", `join_group_message{group:"group"}`},
	{"joinGroup with ack", protoschema.Upstream, "MgsKBWdyb3VwEOXYAg==", `join_group_message{group:"group" ack_id:44133}`},
	{"joinGroup with ack 0", protoschema.Upstream, "MggKBHJvb20QAA==", `join_group_message{group:"room" ack_id:0}`},
	{"leaveGroup", protoschema.Upstream, "OgcKBWdyb3Vw", `leave_group_message{group:"group"}`},
	{"leaveGroup with ack", protoschema.Upstream, "OgoKBWdyb3VwELlg", `leave_group_message{group:"group" ack_id:12345}`},
	{"sendToGroup", protoschema.Upstream, "ChAKBWdyb3VwGgUKA3h6eSAA", `send_to_group_message{group:"group" data{text_data:"xzy"} no_echo:false}`},
	{"sequenceAck", protoschema.Upstream, "QgQIwMQH", `sequence_ack_message{sequence_id:123456}`},
	{"event", protoschema.Upstream, "Kg4KBWV2ZW50EgUKA3h6eQ==", `event_message{event:"event" data{text_data:"xzy"}}`},
	{"ack", protoschema.Downstream, "CgQIexAB", `ack_message{ack_id:123 success:true}`},
	{"group message", protoschema.Downstream, "EhwKBWdyb3VwEglncm91cE5hbWUaBQoDeHl6ILlg", `data_message{from:"group" group:"groupName" data{text_data:"xyz"} sequence_id:12345}`},
	{"server message", protoschema.Downstream, "EhIKBnNlcnZlchoFCgN4eXoguWA=", `data_message{from:"server" data{text_data:"xyz"} sequence_id:12345}`},
	{"connected", protoschema.Downstream, "GhQKEgoKY29ubmVjdGlvbhIEdXNlcg==", `system_message{connected_message{connection_id:"connection" user_id:"user"}}`},
	{"connected, reliable", protoschema.Downstream, "GhkKFwoKY29ubmVjdGlvbhIEdXNlchoDcmVj", `system_message{connected_message{connection_id:"connection" user_id:"user" reconnection_token:"rec"}}`},
	{"disconnected", protoschema.Downstream, "GgcSBRIDbXNn", `system_message{disconnected_message{reason:"msg"}}`},
}

func TestGolden(t *testing.T) {
	t.Parallel()
	for _, tt := range golden {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			want, err := base64.StdEncoding.DecodeString(tt.frame)
			require.NoError(t, err)
			frame, err := protoschema.Encode(tt.of(), tt.text)
			require.NoError(t, err)
			assert.Equal(t, want, frame)

			decoded, err := protoschema.Decode(tt.of(), want)
			require.NoError(t, err)
			text := dynamicpb.NewMessage(tt.of())
			require.NoError(t, prototext.Unmarshal([]byte(tt.text), text))
			assert.True(t, proto.Equal(text, decoded), "%v", decoded)
		})
	}
}

// TestGoldenFailedAck decodes the one frame that Google's encoder does not return: the
// service writes a success that is false.
func TestGoldenFailedAck(t *testing.T) {
	t.Parallel()
	frame, err := base64.StdEncoding.DecodeString("ChoIexAAGhQKCUZvcmJpZGRlbhIHbWVzc2FnZQ==")
	require.NoError(t, err)
	decoded, err := protoschema.Decode(protoschema.Downstream(), frame)
	require.NoError(t, err)
	want := dynamicpb.NewMessage(protoschema.Downstream())
	require.NoError(t, prototext.Unmarshal([]byte(`ack_message{ack_id:123 success:false error{name:"Forbidden" message:"message"}}`), want))
	assert.True(t, proto.Equal(want, decoded), "%v", decoded)
}

func TestErrors(t *testing.T) {
	t.Parallel()
	entry := []byte{0x32, 0x05, 0x0A, 0x01, 'k', 0x08, 0x01} // metadata{key:"k" key:1}
	_, err := protoschema.Decode(protoschema.Upstream(), append([]byte{0x0A, byte(len(entry))}, entry...))
	require.ErrorIs(t, err, protoschema.ErrUndecided, "else ErrUndecided can go")
	_, err = protoschema.Decode(protoschema.Upstream(), []byte{0x32, 0x07, 0x0A})
	require.Error(t, err, "truncated frame")
	_, err = protoschema.Encode(protoschema.Upstream(), `join_group_message{name:"group"}`)
	require.Error(t, err, "unknown field")
}
