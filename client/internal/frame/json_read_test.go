package frame_test

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/client/internal/frame"
	"github.com/go-webpubsub/webpubsub/internal/jsonscan"
)

func text(s string) frame.Data { return frame.Data{Type: frame.Text, Text: s} }

func jsonOf(s string) frame.Data { return frame.Data{Type: frame.JSON, Text: s} }

// frames are frames of the service (CL 2.3) and what they decode to.
var frames = []struct {
	name, frame string
	want        frame.Frame
}{
	{"ack", `{"type":"ack","ackId":18446744073709551615,"success":true}`, frame.Frame{Kind: frame.Ack, AckID: math.MaxUint64, Success: true}},
	{"ack of nothing", `{"type":"ack","ackId":0,"success":false,"error":{"name":"Forbidden","message":"no","code":[]}}`, frame.Frame{Kind: frame.Ack, Failure: &frame.Failure{Name: "Forbidden", Message: "no"}}},
	{"type at the end", ` { "success" : true , "ackId" : 12 , "x" : [ { } ] , "type" : "ack" } `, frame.Frame{Kind: frame.Ack, AckID: 12, Success: true}},
	{"group", `{"sequenceId":3,"type":"message","from":"group","group":"g","fromUserId":"u","dataType":"text","data":"a\nb\u00e9\ud83d\ude00","metadata":{"k":"v","n":null}}`,
		frame.Frame{Kind: frame.GroupMessage, Sequence: 3, Group: "g", UserID: "u", Data: text("a\nbé😀"), Metadata: map[string]string{"k": "v", "n": ""}}},
	{"group by a server", `{"type":"message","from":"group","group":"g","fromUserId":null,"dataType":"json","data":{"a": [1, 2.50, null]},"metadata":null,"stream":null}`,
		frame.Frame{Kind: frame.GroupMessage, Group: "g", Data: jsonOf(`{"a": [1, 2.50, null]}`)}},
	{"data before its type", `{"data":"AP8=","dataType":"binary","from":"server","type":"message"}`, frame.Frame{Kind: frame.ServerMessage, Data: frame.Data{Type: frame.Binary, Bytes: []byte{0, 255}}}},
	{"protobuf", `{"type":"message","from":"server","dataType":"protobuf","data":"AQ\u003d="}`, frame.Frame{Kind: frame.ServerMessage, Data: frame.Data{Type: frame.Protobuf, Bytes: []byte{1}}}},
	{"empty", `{"type":"message","from":"server","dataType":"binary","data":""}`, frame.Frame{Kind: frame.ServerMessage, Data: frame.Data{Type: frame.Binary, Bytes: []byte{}}}},
	{"JSON string", `{"type":"message","from":"server","dataType":"json","data":"\u0041"}`, frame.Frame{Kind: frame.ServerMessage, Data: jsonOf(`"\u0041"`)}},
	{"stream", `{"type":"message","from":"group","group":"g","dataType":"text","data":"","stream":{"streamId":"s","streamSequenceId":9,"endOfStream":true,"error":{"name":"UserError","message":"m","userErrorCode":"c"},"x":1}}`,
		frame.Frame{Kind: frame.GroupMessage, Group: "g", Data: text(""), Stream: &frame.Stream{ID: "s", Sequence: 9, End: true, Failure: &frame.Failure{Name: "UserError", Message: "m", UserErrorCode: "c"}}}},
	{"stream piece", `{"type":"message","from":"group","group":"g","dataType":"text","data":"x","stream":{"streamId":"s","streamSequenceId":1,"endOfStream":null,"error":null}}`,
		frame.Frame{Kind: frame.GroupMessage, Group: "g", Data: text("x"), Stream: &frame.Stream{ID: "s", Sequence: 1}}},
	{"connected", `{"type":"system","event":"connected","userId":null,"connectionId":"c","reconnectionToken":"t"}`, frame.Frame{Kind: frame.Connected, ID: "c", Token: "t"}},
	{"connected user", `{"type":"system","event":"connected","userId":"u","connectionId":"c"}`, frame.Frame{Kind: frame.Connected, ID: "c", UserID: "u"}},
	{"disconnected", `{"type":"system","event":"disconnected","message":"why"}`, frame.Frame{Kind: frame.Disconnected, Message: "why"}},
	{"pong", `{"type":"pong"}`, frame.Frame{Kind: frame.Pong}},
	{"stream ack", `{"type":"streamAck","streamId":"s","expectedSequenceId":4}`, frame.Frame{Kind: frame.StreamAck, ID: "s", Expected: 4}},
	{"stream nack", `{"type":"streamNack","streamId":"s","expectedSequenceId":4,"name":"TransientError","message":"m"}`,
		frame.Frame{Kind: frame.StreamNack, ID: "s", Expected: 4, Message: "m", Failure: &frame.Failure{Name: "TransientError", Message: "m"}}},
	{"group state", `{"type":"groupStateSnapshot","group":"g","items":[{"connectionId":"c","userId":"u","state":{"typing":"yes","x":""},"updatedAt":1764213600000},{"connectionId":"d","userId":null,"state":{},"updatedAt":1},{"connectionId":"e","x":[],"state":null,"updatedAt":18446744073709551615}]}`,
		frame.Frame{Kind: frame.GroupStateSnapshot, Group: "g", States: []frame.State{
			{ConnectionID: "c", UserID: "u", Entries: map[string]string{"typing": "yes", "x": ""}, UpdatedAt: 1764213600000},
			{ConnectionID: "d", Entries: map[string]string{}, UpdatedAt: 1}, {ConnectionID: "e", UpdatedAt: math.MaxInt64},
		}}},
	{"empty group state", `{"type":"groupStateSnapshot","group":"g","items":[]}`, frame.Frame{Kind: frame.GroupStateSnapshot, Group: "g"}},
	{"update of group state", `{"sequenceId":3,"type":"groupStateUpdate","group":"g","items":[{"connectionId":"c","updatedAt":2}]}`,
		frame.Frame{Kind: frame.GroupStateUpdate, Sequence: 3, Group: "g", States: []frame.State{{ConnectionID: "c", UpdatedAt: 2}}}},
	{"stream closed", `{"type":"streamClosed","streamId":"s"}`, frame.Frame{Kind: frame.StreamClosed, ID: "s"}},
	{"stream closed for a reason", `{"type":"streamClosed","streamId":"s","error":{"name":"IdleTimeout","message":"m"}}`, frame.Frame{Kind: frame.StreamClosed, ID: "s", Failure: &frame.Failure{Name: "IdleTimeout", Message: "m"}}},
	{"answer", `{"type":"invokeResponse","invocationId":"1","success":true,"dataType":"text","data":"x"}`, frame.Frame{Kind: frame.InvokeResponse, ID: "1", Success: true, Data: text("x")}},
	{"answer of nothing", `{"type":"invokeResponse","invocationId":"1","success":true,"dataType":null,"data":null}`, frame.Frame{Kind: frame.InvokeResponse, ID: "1", Success: true}},
	{"answer refused", `{"type":"invokeResponse","invocationId":"1","success":false,"error":{"name":"N","message":"m"}}`, frame.Frame{Kind: frame.InvokeResponse, ID: "1", Failure: &frame.Failure{Name: "N", Message: "m"}}},
	{"later kind", `{"type":"groupStateLater","ackId":"not what it is elsewhere","data":null}`, frame.Frame{}},
	{"later event", `{"type":"system","event":"reloaded"}`, frame.Frame{}},
	{"later sender", `{"type":"message","from":"user","dataType":"later","data":null}`, frame.Frame{}},
}

func TestDecode(t *testing.T) {
	t.Parallel()
	for _, tt := range frames {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := frame.Frame{Group: "of the frame before"}
			require.NoError(t, frame.JSONCodec{}.Decode([]byte(tt.frame), &got))
			if tt.want.Kind == frame.Unknown { // its fields have no meaning
				got = frame.Frame{Kind: got.Kind}
			}
			assert.Equal(t, tt.want, got)
		})
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		``:                           "text ends at offset 0: want an object",
		`null`:                       "offset 0: want an object",
		`[]`:                         "offset 0: want an object",
		`{"type":"pong"`:             "text ends at offset 14: want a comma or the closing bracket",
		`{"type":"pong"}x`:           "offset 15: want nothing after the value",
		"{\"type\":\"\xff\"}":        "frame is not UTF-8",
		`{}`:                         "member type is missing",
		`{"type":null}`:              "offset 8: want a string",
		`{"type":"ack"}`:             "member ackId is missing",
		`{"type":"ack","ackId":"1"}`: "offset 22: want an integer from 0 to 18446744073709551615",
		`{"type":"ack","ackId":-1}`:  "offset 22: want an integer from 0 to 18446744073709551615",
		`{"type":"ack","ackId":1.5}`: "offset 22: want an integer from 0 to 18446744073709551615",
		`{"type":"ack","ackId":1e3}`: "offset 22: want an integer from 0 to 18446744073709551615",
		`{"type":"ack","ackId":01}`:  "offset 22: want an integer from 0 to 18446744073709551615",
		`{"type":"ack","ackId":18446744073709551616}`:                                                   "offset 22: want an integer from 0 to 18446744073709551615",
		`{"type":"ack","ackId":1,"success":"true"}`:                                                     "offset 34: want true or false",
		`{"type":"ack","ackId":1,"ackId":2}`:                                                            "offset 24: want each member once",
		`{"type":"ack","ackId":1,"error":"Forbidden"}`:                                                  "offset 32: want an object",
		`{"type":"message","from":"server","dataType":"text"}`:                                          "member data is missing or null",
		`{"type":"message","from":"server","dataType":"json","data":null}`:                              "member data is missing or null",
		`{"type":"message","from":"server","data":1}`:                                                   "member dataType is missing or unknown",
		`{"type":"message","from":"server","dataType":"yaml","data":1}`:                                 "member dataType is missing or unknown",
		`{"type":"message","from":"server","dataType":"text","data":1}`:                                 "member data is not a string",
		`{"type":"message","from":"server","dataType":"binary","data":"*"}`:                             "member data is not base64",
		`{"type":"message","from":"server","dataType":"text","data":"","metadata":{"a":"","a":""}}`:     "offset 81: want each member once",
		`{"type":"message","from":"server","dataType":"text","data":"","metadata":{"a":1}}`:             "offset 78: want a string",
		`{"type":"message","from":"group","dataType":"text","data":"","stream":{"streamSequenceId":1}}`: "the id of a stream is missing, or its sequence id is 0",
		`{"type":"message","from":"group","dataType":"text","data":"","stream":{"streamId":"s"}}`:       "the id of a stream is missing, or its sequence id is 0",
		`{"type":"system","event":"connected"}`:                                                         "the id of the connection, stream or invocation is missing",
		`{"type":"streamAck","expectedSequenceId":1}`:                                                   "the id of the connection, stream or invocation is missing",
		`{"type":"invokeResponse","success":true}`:                                                      "the id of the connection, stream or invocation is missing",
		`{"type":"groupStateUpdate","items":[]}`:                                                        "the group of a group state is missing",
		`{"type":"groupStateUpdate","group":"g","items":[{"state":{}}]}`:                                "the connection of a group state is missing",
		`{"type":"groupStateUpdate","group":"g","items":{}}`:                                            "offset 47: want an array",
		`{"type":"groupStateUpdate","group":"g","items":[{"state":{"a":1}}]}`:                           "offset 62: want a string",
		`{"x":` + strings.Repeat("[", 2000):                                                             "offset 1005: want at most 1000 levels of nesting",
	} {
		var f frame.Frame
		assert.EqualError(t, frame.JSONCodec{}.Decode([]byte(in), &f), want, "%.80s", in)
	}
}

// TestDecodeManyMetadata checks the limit of metadata, whose map needs more memory
// than its JSON.
func TestDecodeManyMetadata(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{8192: "", 8193: "want at most 8192 names in metadata"} {
		var b strings.Builder
		b.WriteString(`{"type":"message","from":"server","dataType":"text","data":"","metadata":{"0":"v"`)
		for i := 1; i < n; i++ {
			b.WriteString(`,"` + strconv.Itoa(i) + `":"v"`)
		}
		b.WriteString("}}")
		var f frame.Frame
		err := frame.JSONCodec{}.Decode([]byte(b.String()), &f)
		if want == "" {
			require.NoError(t, err)
			assert.Len(t, f.Metadata, n)
			continue
		}
		require.ErrorContains(t, err, want)
	}
}

// TestAllocations checks that a frame is copied once, and that requests are written
// into the given buffer. It cannot run in parallel with other tests, whose allocations it would
// count.
func TestAllocations(t *testing.T) { //nolint:paralleltest // see above
	in := []byte(`{"sequenceId":3,"type":"message","from":"group","group":"g","fromUserId":"u","dataType":"json","data":{"text":"hello"}}`)
	var f frame.Frame
	assert.InDelta(t, 1, testing.AllocsPerRun(100, func() {
		if err := (frame.JSONCodec{}).Decode(in, &f); err != nil || f.Data.Text != `{"text":"hello"}` {
			t.Fatal(err, f)
		}
	}), 0)
	buf := make([]byte, 0, 256)
	r := frame.Request{Kind: frame.SendToGroup, Name: "g", AckID: 7, WantsAck: true, Data: text("hello")}
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		if len(frame.JSONCodec{}.Append(buf, &r)) == 0 {
			t.Fatal("nothing written")
		}
	}))
}

// FuzzDecode compares Decode with encoding/json: which texts are valid, and what
// their values are.
func FuzzDecode(f *testing.F) {
	for _, tt := range frames {
		f.Add(tt.frame)
	}
	f.Add(`{"type":"message","from":"group","group":"\ud800","dataType":"text","data":"\u0000","data":1}`)
	f.Add(`{"type":"message","from":"server","dataType":"json","data":` + strings.Repeat("[", 50) + strings.Repeat("]", 50) + `}`)
	f.Add(`{"type":"message","from":"server","dataType":"json","data":1E700,"more":1E700}`)
	f.Add(`{"type":"message","from":"server","dataType":"binary","data":"oooQ03d="}`)
	f.Add(`{"sequenceId":1,"type":"message","from":"server","dataType":"json","data":` + deep(jsonscan.MaxDepth) + `}`)
	f.Add(`{"sequenceId":1,"type":"message","from":"server","dataType":"json","data":` + deep(jsonscan.MaxDepth+1) + `}`)
	f.Fuzz(func(t *testing.T, in string) {
		checkReadable(t, in)
		var got frame.Frame
		if err := (frame.JSONCodec{}).Decode([]byte(in), &got); err != nil {
			checkNumber(t, in, got.Sequence)
			return
		}
		want := decode[map[string]any](t, in)
		if got.Kind == frame.Unknown {
			return
		}
		text := func(name string) string { s, _ := want[name].(string); return s }
		switch got.Kind {
		case frame.Ack:
			require.Equal(t, "ack", want["type"])
		case frame.GroupMessage, frame.ServerMessage:
			require.Equal(t, "message", want["type"])
			require.NotNil(t, want["data"])
			checkData(t, got.Data, text("dataType"), want["data"])
			require.Equal(t, text("group"), got.Group)
			require.Equal(t, text("fromUserId"), got.UserID)
		case frame.Connected:
			require.Equal(t, text("connectionId"), got.ID)
			require.Equal(t, text("userId"), got.UserID)
			require.Equal(t, text("reconnectionToken"), got.Token)
		case frame.StreamAck, frame.StreamNack, frame.StreamClosed:
			require.Equal(t, text("streamId"), got.ID)
		case frame.InvokeResponse:
			require.Equal(t, text("invocationId"), got.ID)
		case frame.Disconnected:
			require.Equal(t, text("message"), got.Message)
		case frame.GroupStateUpdate, frame.GroupStateSnapshot:
			require.Equal(t, text("group"), got.Group)
			items, _ := want["items"].([]any)
			require.Len(t, got.States, len(items))
		case frame.Pong, frame.Unknown:
		}
	})
}

// checkReadable checks that Decode reads all JSON that the emulator accepts.
func checkReadable(t *testing.T, data string) {
	t.Helper()
	if data = strings.TrimSpace(data); jsonscan.Check(data) != nil || data == "null" || !utf8.ValidString(data) {
		return
	}
	var got frame.Frame
	require.NoError(t, frame.JSONCodec{}.Decode([]byte(`{"type":"message","from":"server","dataType":"json","data":`+data+`}`), &got))
	require.Equal(t, data, got.Data.Text)
}

// checkNumber compares the sequence id of an invalid frame with the one in its
// text.
func checkNumber(t *testing.T, in string, got uint64) {
	t.Helper()
	var want map[string]json.RawMessage
	if json.Unmarshal([]byte(in), &want) != nil || strings.Count(in, `equenceId`) != 1 || want["sequenceId"] == nil {
		return
	}
	if n, err := strconv.ParseUint(string(want["sequenceId"]), 10, 64); err == nil {
		require.Equal(t, n, got)
	}
}

// decode keeps numbers as text, because a float cannot represent all of them.
func decode[T any](t *testing.T, text string) (v T) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	require.NoError(t, d.Decode(&v))
	return v
}

func checkData(t *testing.T, got frame.Data, dataType string, want any) {
	t.Helper()
	switch got.Type {
	case frame.Text:
		require.Equal(t, "text", dataType)
		require.Equal(t, want, got.Text)
	case frame.JSON:
		require.Equal(t, "json", dataType)
		require.Equal(t, want, decode[any](t, got.Text))
	case frame.Binary, frame.Protobuf:
		// Several texts decode to the same bytes, so that the bytes are compared.
		encoded, _ := json.Marshal(want)
		require.Equal(t, decode[[]byte](t, string(encoded)), got.Bytes)
	case frame.None:
		require.Fail(t, "a message without data")
	}
}
