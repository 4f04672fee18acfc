package frame_test

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/client/internal/frame"
	"github.com/go-webpubsub/webpubsub/internal/jsonscan"
)

// FuzzDecode feeds the reader what a service might send: it agrees with
// encoding/json about what is JSON and about every value that it gives out.
func FuzzDecode(f *testing.F) {
	for _, tt := range frames {
		f.Add(tt.frame)
	}
	f.Add(`{"type":"message","from":"group","group":"\ud800","dataType":"text","data":"\u0000","data":1}`)
	f.Add(`{"type":"message","from":"server","dataType":"json","data":` + strings.Repeat("[", 50) + strings.Repeat("]", 50) + `}`)
	f.Add(`{"type":"message","from":"server","dataType":"json","data":1E700,"more":1E700}`)
	f.Add(`{"sequenceId":1,"type":"message","from":"server","dataType":"json","data":` + deep(jsonscan.MaxDepth) + `}`)
	f.Add(`{"sequenceId":1,"type":"message","from":"server","dataType":"json","data":` + deep(jsonscan.MaxDepth+1) + `}`)
	f.Fuzz(func(t *testing.T, in string) {
		checkReadable(t, in)
		var got frame.Frame
		if err := (frame.JSONCodec{}).Decode(in, &got); err != nil {
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
		case frame.Pong, frame.Unknown:
		}
	})
}

// checkReadable: JSON that the emulator takes for a message, by the same check, is
// read when it comes out of it.
func checkReadable(t *testing.T, data string) {
	t.Helper()
	if data = strings.TrimSpace(data); jsonscan.Check(data) != nil || data == "null" || !utf8.ValidString(data) {
		return
	}
	var got frame.Frame
	require.NoError(t, frame.JSONCodec{}.Decode(`{"type":"message","from":"server","dataType":"json","data":`+data+`}`, &got))
	require.Equal(t, data, got.Data.Text)
}

// checkNumber compares the number of a refused frame with the number in its text.
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

// decode reads numbers as they stand: there are some that no float holds.
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
		encoded, _ := json.Marshal(got.Bytes)
		var v string
		require.NoError(t, json.Unmarshal(encoded, &v))
		require.Equal(t, strings.NewReplacer("\r", "", "\n", "").Replace(want.(string)), v)
	case frame.None:
		require.Fail(t, "a message without data")
	}
}

// FuzzAppend: whatever a request says, its frame is JSON that says the same.
func FuzzAppend(f *testing.F) {
	f.Add("g", "text", []byte("bytes"))
	f.Add("\"\\\n\x00\u2028é", "\xff\xed\xa0\x80", []byte{0, 255})
	f.Fuzz(func(t *testing.T, name, data string, bytes []byte) {
		for _, r := range []frame.Request{
			{Kind: frame.SendToGroup, Name: name, Data: frame.Data{Type: frame.Text, Text: data}, Metadata: map[string]string{"k": data}},
			{Kind: frame.SendEvent, Name: name, Data: frame.Data{Type: frame.Binary, Bytes: bytes}},
			{Kind: frame.StreamEnd, ID: name, Failure: &frame.Failure{Message: data}},
		} {
			out := frame.JSONCodec{}.Append(nil, &r)
			require.True(t, utf8.Valid(out))
			var v struct {
				Group, Event, StreamID string
				Data                   json.RawMessage
				Metadata               map[string]string
				Error                  struct{ Message string }
			}
			require.NoError(t, json.Unmarshal(out, &v), "%q", out)
			switch r.Kind {
			case frame.SendToGroup:
				var text string
				require.NoError(t, json.Unmarshal(v.Data, &text))
				require.Equal(t, replaced(data), text)
				require.Equal(t, replaced(name), v.Group)
				require.Equal(t, replaced(data), v.Metadata["k"])
			case frame.SendEvent:
				var b []byte
				require.NoError(t, json.Unmarshal(v.Data, &b))
				require.Equal(t, string(bytes), string(b))
			default:
				require.Equal(t, replaced(name), v.StreamID)
				require.Equal(t, replaced(data), v.Error.Message)
			}
		}
	})
}

// replaced has U+FFFD for each byte that is not UTF-8.
func replaced(s string) string { return string([]rune(s)) }
