package frame_test

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/go-webpubsub/webpubsub/client/internal/frame"
	"github.com/go-webpubsub/webpubsub/internal/protoschema"
)

// protobufFrames are frames of the service, in the text format of protobuf, and what
// they decode to.
var protobufFrames = []struct {
	name, text string
	want       frame.Frame
}{
	{"ack", `ack_message{ack_id:18446744073709551615 success:true}`, frame.Frame{Kind: frame.Ack, AckID: math.MaxUint64, Success: true}},
	{"ack 0 of an error", `ack_message{error{name:"Forbidden" message:"no"}}`, frame.Frame{Kind: frame.Ack, Failure: &frame.Failure{Name: "Forbidden", Message: "no"}}},
	{"group", `data_message{from:"group" group:"g" data{text_data:"aé😀"} sequence_id:3 metadata{key:"k" value:"v"} metadata{key:"n"}}`,
		frame.Frame{Kind: frame.GroupMessage, Sequence: 3, Group: "g", Data: text("aé😀"), Metadata: map[string]string{"k": "v", "n": ""}}},
	{"JSON", `data_message{from:"server" data{json_data:"{\"a\": 1}"}}`, frame.Frame{Kind: frame.ServerMessage, Data: jsonOf(`{"a": 1}`)}},
	{"binary", `data_message{from:"server" data{binary_data:"\x00\xff"}}`, frame.Frame{Kind: frame.ServerMessage, Data: frame.Data{Type: frame.Binary, Bytes: []byte{0, 255}}}},
	{"empty text", `data_message{from:"server" data{text_data:""}}`, frame.Frame{Kind: frame.ServerMessage, Data: text("")}},
	{"empty binary", `data_message{from:"server" data{binary_data:""}}`, frame.Frame{Kind: frame.ServerMessage, Data: frame.Data{Type: frame.Binary, Bytes: []byte{}}}},
	{"protobuf", `data_message{from:"server" data{protobuf_data{type_url:"u" value:"\x01"}}}`, frame.Frame{Kind: frame.ServerMessage, Data: frame.Data{Type: frame.Protobuf, Bytes: []byte("\x0a\x01u\x12\x01\x01")}}},
	{"stream", `data_message{from:"group" group:"g" data{text_data:""} stream{stream_id:"s" stream_sequence_id:9 end_of_stream:true error{name:"UserError" message:"m" user_error_code:"c"}}}`,
		frame.Frame{Kind: frame.GroupMessage, Group: "g", Data: text(""), Stream: &frame.Stream{ID: "s", Sequence: 9, End: true, Failure: &frame.Failure{Name: "UserError", Message: "m", UserErrorCode: "c"}}}},
	{"end of a stream without data", `data_message{from:"group" group:"g" stream{stream_id:"s" stream_sequence_id:9 end_of_stream:true}}`,
		frame.Frame{Kind: frame.GroupMessage, Group: "g", Data: text(""), Stream: &frame.Stream{ID: "s", Sequence: 9, End: true}}},
	{"connected", `system_message{connected_message{connection_id:"c" user_id:"u" reconnection_token:"t"}}`, frame.Frame{Kind: frame.Connected, ID: "c", UserID: "u", Token: "t"}},
	{"disconnected", `system_message{disconnected_message{reason:"why"}}`, frame.Frame{Kind: frame.Disconnected, Message: "why"}},
	{"pong", `pong_message{}`, frame.Frame{Kind: frame.Pong}},
	{"answer", `invoke_response_message{invocation_id:"1" success:true data{text_data:"x"} metadata{key:"k" value:"v"}}`, frame.Frame{Kind: frame.InvokeResponse, ID: "1", Success: true, Data: text("x"), Metadata: map[string]string{"k": "v"}}},
	{"answer of nothing", `invoke_response_message{invocation_id:"1" success:true}`, frame.Frame{Kind: frame.InvokeResponse, ID: "1", Success: true}},
	{"answer refused", `invoke_response_message{invocation_id:"1" data{text_data:"x"} error{name:"N" message:"m"}}`, frame.Frame{Kind: frame.InvokeResponse, ID: "1", Failure: &frame.Failure{Name: "N", Message: "m"}}},
	{"stream ack", `stream_ack_message{stream_id:"s" expected_sequence_id:4}`, frame.Frame{Kind: frame.StreamAck, ID: "s", Expected: 4}},
	{"stream nack", `stream_nack_message{stream_id:"s" name:"TransientError" message:"m" expected_sequence_id:4}`,
		frame.Frame{Kind: frame.StreamNack, ID: "s", Expected: 4, Message: "m", Failure: &frame.Failure{Name: "TransientError", Message: "m"}}},
	{"stream closed", `stream_closed_message{stream_id:"s"}`, frame.Frame{Kind: frame.StreamClosed, ID: "s"}},
	{"stream closed for a reason", `stream_closed_message{stream_id:"s" error{name:"IdleTimeout" message:"m"}}`, frame.Frame{Kind: frame.StreamClosed, ID: "s", Failure: &frame.Failure{Name: "IdleTimeout", Message: "m"}}},
	{"group state", `group_state_snapshot_message{group:"g" items{connection_id:"c" user_id:"u" state{entries{key:"typing" value:"yes"}} updated_at:1764213600000} items{connection_id:"d" state{} updated_at:1} items{connection_id:"e"}}`,
		frame.Frame{Kind: frame.GroupStateSnapshot, Group: "g", States: []frame.State{
			{ConnectionID: "c", UserID: "u", Entries: map[string]string{"typing": "yes"}, UpdatedAt: 1764213600000},
			{ConnectionID: "d", Entries: map[string]string{}, UpdatedAt: 1}, {ConnectionID: "e"},
		}}},
	{"update of group state", `group_state_update_message{group:"g" items{connection_id:"c" updated_at:2} sequence_id:3}`,
		frame.Frame{Kind: frame.GroupStateUpdate, Sequence: 3, Group: "g", States: []frame.State{{ConnectionID: "c", UpdatedAt: 2}}}},
	{"no case", ``, frame.Frame{}},
	{"system message without a case", `system_message{}`, frame.Frame{}},
}

func downstream(tb testing.TB, text string) []byte {
	tb.Helper()
	b, err := protoschema.Encode(protoschema.Downstream(), text)
	require.NoError(tb, err, text)
	return b
}

func TestProtobufDecode(t *testing.T) {
	t.Parallel()
	for _, tt := range protobufFrames {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := downstream(t, tt.text)
			got := frame.Frame{Group: "of the frame before"}
			require.NoError(t, frame.ProtobufCodec{}.Decode(b, &got))
			clear(b) // f has no parts of it
			assert.Equal(t, tt.want, got)
		})
	}
}

// TestProtobufDecodeGolden decodes the frames in the tests of Microsoft's C# client
// (WebPubSubProtobufProtocolTests).
func TestProtobufDecodeGolden(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]frame.Frame{
		"CgQIexAB": {Kind: frame.Ack, AckID: 123, Success: true},
		"ChoIexAAGhQKCUZvcmJpZGRlbhIHbWVzc2FnZQ==": {Kind: frame.Ack, AckID: 123, Failure: &frame.Failure{Name: "Forbidden", Message: "message"}},
		"EhwKBWdyb3VwEglncm91cE5hbWUaBQoDeHl6ILlg": {Kind: frame.GroupMessage, Group: "groupName", Data: text("xyz"), Sequence: 12345},
		"EhIKBnNlcnZlchoFCgN4eXoguWA=":             {Kind: frame.ServerMessage, Data: text("xyz"), Sequence: 12345},
		"GhQKEgoKY29ubmVjdGlvbhIEdXNlcg==":         {Kind: frame.Connected, ID: "connection", UserID: "user"},
		"GhkKFwoKY29ubmVjdGlvbhIEdXNlchoDcmVj":     {Kind: frame.Connected, ID: "connection", UserID: "user", Token: "rec"},
		"GgcSBRIDbXNn":                             {Kind: frame.Disconnected, Message: "msg"},
	} {
		b, err := base64.StdEncoding.DecodeString(in)
		require.NoError(t, err)
		var got frame.Frame
		require.NoError(t, frame.ProtobufCodec{}.Decode(b, &got))
		assert.Equal(t, want, got, in)
	}
}

// TestProtobufMerge checks the rules for repeated fields and oneofs.
func TestProtobufMerge(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, frame string
		want        frame.Frame
	}{
		{"the last case counts", `0a{0801} 22{}`, frame.Frame{Kind: frame.Pong}},
		{"a case after another one is new", `0a{0801} 22{} 0a{1001}`, frame.Frame{Kind: frame.Ack, Success: true}},
		{"a repeated case is merged", `0a{0801} 0a{1001}`, frame.Frame{Kind: frame.Ack, AckID: 1, Success: true}},
		{"a repeated message is merged", `0a{0801 1a{0a"N"}} 0a{1a{12"m"}}`, frame.Frame{Kind: frame.Ack, AckID: 1, Failure: &frame.Failure{Name: "N", Message: "m"}}},
		{"the last value counts", `0a{0801 0802}`, frame.Frame{Kind: frame.Ack, AckID: 2}},
		{"the last payload counts", `12{0a"server" 1a{0a"a" 12"b"}}`, frame.Frame{Kind: frame.ServerMessage, Data: frame.Data{Type: frame.Binary, Bytes: []byte("b")}}},
		{"protobuf is merged", `12{0a"server" 1a{1a{0a"u"}} 1a{1a{12"v"}}}`, frame.Frame{Kind: frame.ServerMessage, Data: frame.Data{Type: frame.Protobuf, Bytes: []byte("\x0a\x01u\x12\x01v")}}},
		{"the last entry of a key counts", `12{0a"server" 1a{0a""} 2a{0a"k" 12"v"} 2a{0a"k"}}`, frame.Frame{Kind: frame.ServerMessage, Data: text(""), Metadata: map[string]string{"k": ""}}},
		{"the key of an entry of another wire type", `12{0a"server" 1a{0a""} 2a{0a"k" 0801 12"v"}}`, frame.Frame{Kind: frame.ServerMessage, Data: text(""), Metadata: map[string]string{"k": "v"}}},
		{"system message of two", `1a{12{12"m"}} 1a{0a{0a"c"}}`, frame.Frame{Kind: frame.Connected, ID: "c"}},
		{"system message in two", `1a{0a{0a"c"}} 1a{0a{12"u"}}`, frame.Frame{Kind: frame.Connected, ID: "c", UserID: "u"}},
		{"case of another wire type", `08ff01 22{} 0d01020304`, frame.Frame{Kind: frame.Pong}},
		{"unknown case and group", `22{} 5a{0801} db01 0801 dc01`, frame.Frame{Kind: frame.Pong}},
		{"ack id of another wire type", `0a{0a"x" 0801}`, frame.Frame{Kind: frame.Ack, AckID: 1}},
		{"number in ten bytes", `0a{08 81808080808080808000}`, frame.Frame{Kind: frame.Ack, AckID: 1}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := wireOf(t, tt.frame)
			if _, err := protoschema.Decode(protoschema.Downstream(), b); !errors.Is(err, protoschema.ErrUndecided) {
				require.NoError(t, err)
			}
			var got frame.Frame
			require.NoError(t, frame.ProtobufCodec{}.Decode(b, &got))
			assert.Equal(t, tt.want, got)
		})
	}
}

func TestProtobufDecodeRefuses(t *testing.T) {
	t.Parallel()
	const wire, utf8 = "frame is not a protobuf message, or is cut", "frame is not UTF-8"
	const noStream = "the id of a stream is missing, or its sequence id is 0"
	const noID = "the id of the connection, stream or invocation is missing"
	for _, tt := range []struct{ name, frame, want string }{
		{"text", hex.EncodeToString([]byte(`{"type":"pong"}`)), wire},
		{"cut", `0a05 0801`, wire},
		{"cut inside", `0a{08}`, wire},
		{"tag alone", `0a`, wire},
		{"number of eleven bytes", `0a{08 ffffffffffffffffffff01}`, wire},
		{"number too large", `0a{08 ffffffffffffffffff02}`, wire},
		{"field 0", `02{}`, wire},
		{"field beyond the maximum", `8280808010{}`, wire},
		{"wire type 7", `0f`, wire},
		{"end of no group", `5c`, wire},
		{"group without an end", `5b`, wire},
		{"end of another group", `5b 64`, wire},
		{"deep groups", strings.Repeat(`5b`, 10_002) + strings.Repeat(`5c`, 10_002), wire},
		{"group that is not UTF-8", `12{0a"group" 12{ff}}`, utf8},
		{"sender that is not UTF-8", `12{0a{ff}}`, utf8},
		{"text that is not UTF-8", `12{0a"server" 1a{0a{c0}}}`, utf8},
		{"metadata that is not UTF-8", `12{0a"server" 1a{0a""} 2a{0a{ff}}}`, utf8},
		{"surrogate in the text", `12{0a"server" 1a{0a{eda080}}}`, utf8},
		{"Any that is cut", `12{0a"server" 1a{1a{0a}}}`, "field protobuf_data is not a google.protobuf.Any"},
		{"no data", `12{0a"server"}`, "field data is missing or has no payload"},
		{"data without a case", `12{0a"server" 1a{}}`, "field data is missing or has no payload"},
		{"stream without an id", `12{0a"group" 1a{0a""} 32{1001}}`, noStream},
		{"stream without a number", `12{0a"group" 1a{0a""} 32{0a"s"}}`, noStream},
		{"connected without an id", `1a{0a{}}`, noID},
		{"stream ack without an id", `32{1001}`, noID},
		{"answer without an id", `2a{1001}`, noID},
		{"group state without a group", `4a{}`, "the group of a group state is missing"},
		{"group state without a connection", `4a{0a"g" 12{}}`, "the connection of a group state is missing"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := frame.Frame{Kind: frame.Pong}
			require.EqualError(t, frame.ProtobufCodec{}.Decode(wireOf(t, tt.frame), &f), tt.want)
			assert.Equal(t, frame.Frame{}, f)
		})
	}
}

// TestProtobufSequence checks that the sequence id of an invalid frame is found, which
// has to be acknowledged.
func TestProtobufSequence(t *testing.T) {
	t.Parallel()
	for _, in := range []string{
		`12{0a"server" 2007}`,          // no data
		`12{0a"server" 2007 1a{0a09}}`, // payload cut
		`12{2007 0a{ff}}`,              // not UTF-8
		`12{2006} 12{0a"server" 2007}`, // merged
		`12{0a"server" 2007 00}`,       // field 0 after it
		`12{0a"server" 2007} 0a`,       // the end is cut
		`4a{12{} 1807}`,                // states without a group
		`52{1807 0a{ff}}`,
	} {
		var f frame.Frame
		require.Error(t, frame.ProtobufCodec{}.Decode(wireOf(t, in), &f), in)
		assert.Equal(t, frame.Frame{Sequence: 7}, f, in)
	}
}

// TestProtobufAllocations counts the bytes that one frame of the maximum size makes
// the decoder allocate: at most 12 times its own. It cannot run in parallel with other
// tests, whose allocations it would count.
func TestProtobufAllocations(t *testing.T) { //nolint:paralleltest // see above
	repeat := func(head, part string) []byte {
		size := frame.MaxFrame - 32
		b := []byte(head + strings.Repeat(part, size/len(part)))
		return b
	}
	nested := func(tag byte, content []byte) []byte {
		return protowire.AppendBytes([]byte{tag}, content)
	}
	keys := func() []byte { // distinct keys
		var b []byte
		for i := 0; len(b) < frame.MaxFrame-64; i++ {
			key := fmt.Sprintf("%x", i)
			b = append(b, 0x2a, byte(len(key)+2), 0x0a, byte(len(key)))
			b = append(b, key...)
		}
		return b
	}
	states := func() []byte { // 40 entries each, up to the limit
		var b []byte
		for range 6553 {
			item := []byte("\x0a\x01c\x1a")
			var entries []byte
			for i := range 40 {
				entries = append(entries, 0x0a, 3, 0x0a, 1, byte('0'+i))
			}
			b = append(b, nested(0x12, append(item, protowire.AppendBytes(nil, entries)...))...)
		}
		return append([]byte("\x0a\x01g"), b...)
	}
	for _, tt := range []struct {
		name  string
		frame []byte
		err   bool
	}{
		{"metadata", nested(0x12, append([]byte("\x0a\x06server\x1a\x02\x0a\x00"), keys()...)), true},
		{"empty entries", nested(0x12, repeat("\x0a\x06server\x1a\x02\x0a\x00", "\x2a\x00")), false},
		{"payloads", nested(0x12, repeat("\x0a\x06server", "\x1a\x03\x0a\x01x")), false},
		{"payloads of bytes", nested(0x12, repeat("\x0a\x06server", "\x1a\x03\x12\x01x")), false},
		{"protobuf", nested(0x12, repeat("\x0a\x06server", "\x1a\x05\x1a\x03\x0a\x01u")), false},
		{"groups", nested(0x12, repeat("\x0a\x01g", "\x12\x01g")), false},
		{"empty states", nested(0x52, repeat("\x0a\x01g", "\x12\x00")), true},
		{"states", nested(0x52, repeat("\x0a\x01g", "\x12\x03\x0a\x01c")), true},
		{"entries", nested(0x52, states()), false},
		{"cases", repeat("", "\x0a\x00\x22\x00"), false},
		{"errors", repeat("", "\x0a\x02\x1a\x00\x22\x00"), false},
		{"unknown groups", repeat("", "\x5b\x5c"), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			require.LessOrEqual(t, len(tt.frame), frame.MaxFrame)
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			var f frame.Frame
			err := frame.ProtobufCodec{}.Decode(tt.frame, &f)
			runtime.ReadMemStats(&after)
			assert.Equal(t, tt.err, err != nil, "%v", err)
			allocated := after.TotalAlloc - before.TotalAlloc
			t.Logf("%d bytes for a frame of %d", allocated, len(tt.frame))
			assert.LessOrEqual(t, allocated, uint64(12*frame.MaxFrame))
		})
	}
}

// TestProtobufMessageAllocations checks that an ordinary message costs two
// allocations, those of its group and payload, and a request none.
func TestProtobufMessageAllocations(t *testing.T) { //nolint:paralleltest // it counts
	in := downstream(t, `data_message{from:"group" group:"g1" data{json_data:"{\"text\":\"hello\"}"} sequence_id:3}`)
	var f frame.Frame
	assert.InDelta(t, 2, testing.AllocsPerRun(100, func() {
		if err := (frame.ProtobufCodec{}).Decode(in, &f); err != nil || f.Data.Text != `{"text":"hello"}` {
			t.Fatal(err, f)
		}
	}), 0)
	buf := make([]byte, 0, 256)
	r := frame.Request{Kind: frame.SendToGroup, Name: "g", AckID: 7, WantsAck: true, Data: text("hello")}
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		if len(frame.ProtobufCodec{}.Append(buf, &r)) == 0 {
			t.Fatal("nothing written")
		}
	}))
}

// wireOf returns the bytes of a notation: hexadecimal bytes, and after the tag of a
// field its content, as {a message} or "text".
func wireOf(t *testing.T, notation string) []byte {
	t.Helper()
	b, rest := wirePart(t, notation)
	require.Empty(t, rest)
	return b
}

func wirePart(t *testing.T, notation string) (b []byte, rest string) {
	t.Helper()
	for rest = strings.TrimSpace(notation); rest != "" && rest[0] != '}'; rest = strings.TrimSpace(rest) {
		switch rest[0] {
		case '{':
			var content []byte
			content, rest = wirePart(t, rest[1:])
			require.True(t, strings.HasPrefix(rest, "}"), notation)
			b, rest = protowire.AppendBytes(b, content), rest[1:]
		case '"':
			text, after, closed := strings.Cut(rest[1:], `"`)
			require.True(t, closed, notation)
			b, rest = protowire.AppendString(b, text), after
		default:
			one, err := hex.DecodeString(rest[:2])
			require.NoError(t, err, notation)
			b, rest = append(b, one...), rest[2:]
		}
	}
	return b, rest
}
