package frame_test

import (
	"encoding/base64"
	"encoding/hex"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/go-webpubsub/webpubsub/client/internal/frame"
	"github.com/go-webpubsub/webpubsub/internal/protoschema"
)

func TestProtobufCodecNames(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "protobuf.webpubsub.azure.v1", frame.ProtobufCodec{}.Name())
	assert.Equal(t, "protobuf.reliable.webpubsub.azure.v1", frame.ProtobufCodec{IsReliable: true}.Name())
	assert.False(t, frame.ProtobufCodec{}.Reliable())
	assert.True(t, frame.ProtobufCodec{IsReliable: true}.Reliable())
	assert.True(t, frame.ProtobufCodec{}.Binary())
}

// TestProtobufGolden compares requests with those in the tests of Microsoft's C#
// client (WebPubSubProtobufProtocolTests) and emulator, to the byte.
func TestProtobufGolden(t *testing.T) {
	t.Parallel()
	for want, r := range map[string]frame.Request{
		"MgcKBWdyb3Vw":             {Kind: frame.JoinGroup, Name: "group"},
		"MgsKBWdyb3VwEOXYAg==":     {Kind: frame.JoinGroup, Name: "group", AckID: 44133, WantsAck: true},
		"MggKBHJvb20QAA==":         {Kind: frame.JoinGroup, Name: "room", AckID: 0, WantsAck: true},
		"OgcKBWdyb3Vw":             {Kind: frame.LeaveGroup, Name: "group"},
		"OgoKBWdyb3VwELlg":         {Kind: frame.LeaveGroup, Name: "group", AckID: 12345, WantsAck: true},
		"ChAKBWdyb3VwGgUKA3h6eSAA": {Kind: frame.SendToGroup, Name: "group", Data: text("xzy")},
		"QgQIwMQH":                 {Kind: frame.SequenceAck, Sequence: 123456},
		"Kg4KBWV2ZW50EgUKA3h6eQ==": {Kind: frame.SendEvent, Name: "event", Data: text("xzy")},
	} {
		b, err := base64.StdEncoding.DecodeString(want)
		require.NoError(t, err)
		assert.Equal(t, "before"+string(b), string(frame.ProtobufCodec{}.Append([]byte("before"), &r)), "%+v", r)
	}
}

// TestProtobufAppend compares requests with those that Google's encoder writes, to the
// byte.
func TestProtobufAppend(t *testing.T) {
	t.Parallel()
	duration := []byte("\x0a\x2ctype.googleapis.com/google.protobuf.Duration\x12\x02\x08\x5a")
	for want, r := range map[string]frame.Request{
		`send_to_group_message{group:"g" ack_id:7 data{json_data:"[1]"} no_echo:true ttl_seconds:300 metadata{key:"a" value:"1"} metadata{key:"b" value:""}}`: {Kind: frame.SendToGroup, Name: "g", AckID: 7, WantsAck: true, Data: jsonOf("[1]"), NoEcho: true, TTL: 300, Metadata: map[string]string{"b": "", "a": "1"}},
		`send_to_group_message{group:"g" data{text_data:""} no_echo:false}`:                                                                                   {Kind: frame.SendToGroup, Name: "g", Data: text("")},
		`send_to_group_message{group:"g" data{binary_data:""} no_echo:false}`:                                                                                 {Kind: frame.SendToGroup, Name: "g", Data: frame.Data{Type: frame.Binary}},
		`send_to_group_message{group:"g" data{protobuf_data{type_url:"type.googleapis.com/google.protobuf.Duration" value:"\x08\x5a"}} no_echo:false}`:        {Kind: frame.SendToGroup, Name: "g", Data: frame.Data{Type: frame.Protobuf, Bytes: duration}},
		`event_message{event:"e" data{binary_data:"\x00\xff"} ack_id:0 metadata{key:"k" value:"v"}}`:                                                          {Kind: frame.SendEvent, Name: "e", WantsAck: true, Data: frame.Data{Type: frame.Binary, Bytes: []byte{0, 255}}, Metadata: map[string]string{"k": "v"}},
		`sequence_ack_message{sequence_id:18446744073709551615}`:                                                                                              {Kind: frame.SequenceAck, Sequence: math.MaxUint64},
		`ping_message{}`: {Kind: frame.Ping},
		`send_to_group_message{group:"g" no_echo:true stream{stream_id:"s" idle_timeout_ms:4294967295}}`:           {Kind: frame.StreamStart, Name: "g", ID: "s", NoEcho: true, Idle: math.MaxUint32},
		`send_to_group_message{group:"g" no_echo:false stream{stream_id:"s"}}`:                                     {Kind: frame.StreamStart, Name: "g", ID: "s"},
		`stream_data_message{stream_id:"s" stream_sequence_id:2 data{text_data:""}}`:                               {Kind: frame.StreamData, ID: "s", Sequence: 2, Data: text("")},
		`stream_data_message{stream_id:"s"}`:                                                                       {Kind: frame.StreamData, ID: "s"},
		`stream_end_message{stream_id:"s"}`:                                                                        {Kind: frame.StreamEnd, ID: "s"},
		`stream_end_message{stream_id:"s" error{message:"m" user_error_code:""}}`:                                  {Kind: frame.StreamEnd, ID: "s", Failure: &frame.Failure{Message: "m"}},
		`invoke_event_message{event:"e" invocation_id:"1" data{text_data:"x"}}`:                                    {Kind: frame.Invoke, ID: "1", Name: "e", Data: text("x")},
		`invoke_event_message{event:"e" invocation_id:"1"}`:                                                        {Kind: frame.Invoke, ID: "1", Name: "e"},
		`cancel_invocation_message{invocation_id:"1"}`:                                                             {Kind: frame.CancelInvocation, ID: "1"},
		`set_group_state_message{group:"g" ack_id:1 state{entries{key:"a" value:"1"} entries{key:"b"  value:""}}}`: {Kind: frame.SetGroupState, Name: "g", AckID: 1, WantsAck: true, State: map[string]string{"b": "", "a": "1"}},
		`set_group_state_message{group:"g" ack_id:1 state{}}`:                                                      {Kind: frame.SetGroupState, Name: "g", AckID: 1, WantsAck: true, State: map[string]string{}},
		`set_group_state_message{group:"g" ack_id:1}`:                                                              {Kind: frame.SetGroupState, Name: "g", AckID: 1, WantsAck: true},
		`subscribe_group_state_message{group:"g" ack_id:1}`:                                                        {Kind: frame.SubscribeGroupState, Name: "g", AckID: 1, WantsAck: true},
		`unsubscribe_group_state_message{group:"g" ack_id:1}`:                                                      {Kind: frame.UnsubscribeGroupState, Name: "g", AckID: 1, WantsAck: true},
	} {
		b, err := protoschema.Encode(protoschema.Upstream(), want)
		require.NoError(t, err, want)
		assert.Equal(t, hex.EncodeToString(b), hex.EncodeToString(frame.ProtobufCodec{}.Append(nil, &r)), want)
	}
}

// TestProtobufAppendLengths checks the lengths of messages that need more than one
// byte.
func TestProtobufAppendLengths(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 110, 118, 119, 120, 121, 122, 123, 124, 125, 126, 127, 128, 129, 16_360, 16_375, 16_380, 16_384, 2_097_100, 2_097_152} {
		payload := make([]byte, n)
		r := frame.Request{Kind: frame.SendToGroup, Name: "g", Data: frame.Data{Type: frame.Binary, Bytes: payload}}
		m, err := protoschema.Decode(protoschema.Upstream(), frame.ProtobufCodec{}.Append(nil, &r))
		require.NoError(t, err, n)
		want, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
		require.NoError(t, err)
		require.Equal(t, want, frame.ProtobufCodec{}.Append(nil, &r), n)
	}
}

// FuzzProtobufAppend compares each kind of request with the message that Google's
// encoder writes, to the byte.
func FuzzProtobufAppend(f *testing.F) {
	for kind := frame.JoinGroup; kind <= frame.UnsubscribeGroupState; kind++ {
		f.Add(uint8(kind), "g", "id", uint64(1), uint64(2), true, uint32(3), "text", []byte{0, 255}, uint8(0))
		f.Add(uint8(kind), "\xff", "é\x80", uint64(0), uint64(math.MaxUint64), false, uint32(math.MaxUint32), "\xed\xa0\x80", []byte{}, uint8(1))
	}
	f.Fuzz(func(t *testing.T, kind uint8, name, id string, ack, sequence uint64, flag bool, number uint32, s string, b []byte, dataType uint8) {
		key := strings.ToValidUTF8(s, "") // two invalid keys may become the same
		r := frame.Request{
			Kind: frame.RequestKind(kind % uint8(frame.UnsubscribeGroupState+1)), Name: name, ID: id, Sequence: max(sequence, 1), AckID: ack, WantsAck: flag, NoEcho: !flag,
			TTL: number, Idle: number, Metadata: map[string]string{key: name, key + "2": id},
			Data: [...]frame.Data{text(key), jsonOf(key), {Type: frame.Binary, Bytes: b}}[dataType%3],
		}
		if flag {
			r.State, r.Failure = map[string]string{key: id}, &frame.Failure{Message: s, UserErrorCode: id}
		}
		want, err := proto.MarshalOptions{Deterministic: true}.Marshal(upstreamOf(&r))
		require.NoError(t, err)
		require.Equal(t, hex.EncodeToString(want), hex.EncodeToString(frame.ProtobufCodec{}.Append(nil, &r)))
	})
}

// upstreamOf returns the UpstreamMessage of a request, for Google's encoder.
func upstreamOf(r *frame.Request) *dynamicpb.Message {
	top := dynamicpb.NewMessage(protoschema.Upstream())
	in := func(field string) message {
		return message{top.Mutable(top.Descriptor().Fields().ByName(protoreflect.Name(field))).Message()}
	}
	ack := func(m message) {
		if r.WantsAck {
			m.set("ack_id", r.AckID)
		}
	}
	switch r.Kind {
	case frame.JoinGroup, frame.LeaveGroup, frame.SubscribeGroupState, frame.UnsubscribeGroupState:
		m := in(map[frame.RequestKind]string{
			frame.JoinGroup: "join_group_message", frame.LeaveGroup: "leave_group_message",
			frame.SubscribeGroupState: "subscribe_group_state_message", frame.UnsubscribeGroupState: "unsubscribe_group_state_message",
		}[r.Kind])
		m.set("group", r.Name)
		ack(m)
	case frame.SetGroupState:
		m := in("set_group_state_message")
		m.set("group", r.Name)
		ack(m)
		if r.State != nil {
			m.in("state").setMap("entries", r.State)
		}
	case frame.SendToGroup:
		m := in("send_to_group_message")
		m.set("group", r.Name)
		ack(m)
		m.in("data").setData(r.Data)
		m.set("no_echo", r.NoEcho)
		if r.TTL > 0 {
			m.set("ttl_seconds", r.TTL)
		}
		m.setMap("metadata", r.Metadata)
	case frame.StreamStart:
		m := in("send_to_group_message")
		m.set("group", r.Name)
		m.set("no_echo", r.NoEcho)
		m.in("stream").set("stream_id", r.ID)
		if r.Idle > 0 {
			m.in("stream").set("idle_timeout_ms", r.Idle)
		}
	case frame.SendEvent:
		m := in("event_message")
		m.set("event", r.Name)
		ack(m)
		m.in("data").setData(r.Data)
		m.setMap("metadata", r.Metadata)
	case frame.SequenceAck:
		in("sequence_ack_message").set("sequence_id", r.Sequence)
	case frame.Ping:
		in("ping_message")
	case frame.StreamData:
		m := in("stream_data_message")
		m.set("stream_id", r.ID)
		m.set("stream_sequence_id", r.Sequence)
		m.in("data").setData(r.Data)
	case frame.StreamEnd:
		m := in("stream_end_message")
		m.set("stream_id", r.ID)
		if r.Failure != nil {
			m.in("error").set("message", r.Failure.Message)
			m.in("error").set("user_error_code", r.Failure.UserErrorCode)
		}
	case frame.Invoke:
		m := in("invoke_event_message")
		m.set("invocation_id", r.ID)
		m.set("event", r.Name)
		m.in("data").setData(r.Data)
	case frame.CancelInvocation:
		in("cancel_invocation_message").set("invocation_id", r.ID)
	}
	return top
}

// message is a message of Google's library whose fields have names.
type message struct{ m protoreflect.Message }

func (m message) field(name string) protoreflect.FieldDescriptor {
	return m.m.Descriptor().Fields().ByName(protoreflect.Name(name))
}

func (m message) in(name string) message { return message{m.m.Mutable(m.field(name)).Message()} }

func (m message) set(name string, v any) {
	if s, ok := v.(string); ok {
		v = strings.ToValidUTF8(s, "\uFFFD")
	}
	m.m.Set(m.field(name), protoreflect.ValueOf(v))
}

func (m message) setMap(name string, entries map[string]string) {
	clean := func(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }
	for _, key := range slices.Sorted(maps.Keys(entries)) {
		m.m.Mutable(m.field(name)).Map().Set(protoreflect.ValueOf(clean(key)).MapKey(), protoreflect.ValueOf(clean(entries[key])))
	}
}

func (m message) setData(d frame.Data) {
	switch d.Type {
	case frame.Text:
		m.set("text_data", d.Text)
	case frame.JSON:
		m.set("json_data", d.Text)
	case frame.Binary:
		m.set("binary_data", d.Bytes)
	case frame.Protobuf, frame.None:
	}
}
