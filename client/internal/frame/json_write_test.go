package frame_test

import (
	"encoding/json"
	"math"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/client/internal/frame"
)

func TestCodecNames(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "json.webpubsub.azure.v1", frame.JSONCodec{}.Name())
	assert.Equal(t, "json.reliable.webpubsub.azure.v1", frame.JSONCodec{IsReliable: true}.Name())
	assert.False(t, frame.JSONCodec{}.Reliable())
	assert.True(t, frame.JSONCodec{IsReliable: true}.Reliable())
	assert.False(t, frame.JSONCodec{}.Binary())
}

// TestAppend compares requests with those of the official JavaScript client (CL
// 2.2).
func TestAppend(t *testing.T) {
	t.Parallel()
	for want, r := range map[string]frame.Request{
		`{"type":"joinGroup","group":"g","ackId":1}`:                                    {Kind: frame.JoinGroup, Name: "g", AckID: 1, WantsAck: true},
		`{"type":"leaveGroup","group":"g"}`:                                             {Kind: frame.LeaveGroup, Name: "g", AckID: 1},
		`{"type":"sendToGroup","group":"g","noEcho":true,"dataType":"json","data":[1]}`: {Kind: frame.SendToGroup, Name: "g", NoEcho: true, Data: jsonOf("[1]")},
		`{"type":"event","event":"e","ackId":0,"dataType":"text","data":"x"}`:           {Kind: frame.SendEvent, Name: "e", WantsAck: true, Data: text("x")},
		`{"type":"sequenceAck","sequenceId":18446744073709551615}`:                      {Kind: frame.SequenceAck, Sequence: math.MaxUint64},
		`{"type":"ping"}`: {Kind: frame.Ping},
		`{"type":"sendToGroup","group":"g","noEcho":false,"stream":{"streamId":"s"}}`:                           {Kind: frame.StreamStart, Name: "g", ID: "s"},
		`{"type":"sendToGroup","group":"g","noEcho":true,"stream":{"streamId":"s","idleTimeoutMs":4294967295}}`: {Kind: frame.StreamStart, Name: "g", ID: "s", NoEcho: true, Idle: math.MaxUint32},
		`{"type":"streamData","streamId":"s","streamSequenceId":2,"dataType":"text","data":""}`:                 {Kind: frame.StreamData, ID: "s", Sequence: 2, Data: text("")},
		`{"type":"streamData","streamId":"s"}`:                                                                  {Kind: frame.StreamData, ID: "s"},
		`{"type":"streamEnd","streamId":"s"}`:                                                                   {Kind: frame.StreamEnd, ID: "s"},
		`{"type":"streamEnd","streamId":"s","error":{"message":"m","userErrorCode":"c"}}`:                       {Kind: frame.StreamEnd, ID: "s", Failure: &frame.Failure{Message: "m", UserErrorCode: "c"}},
		`{"type":"invoke","invocationId":"1","target":"event","event":"e","dataType":"text","data":"x"}`:        {Kind: frame.Invoke, ID: "1", Name: "e", Data: text("x")},
		`{"type":"setGroupState","group":"g","ackId":1,"state":{"a":"1","b\"":""}}`:                             {Kind: frame.SetGroupState, Name: "g", AckID: 1, WantsAck: true, State: map[string]string{"b\"": "", "a": "1"}},
		`{"type":"setGroupState","group":"g","ackId":1,"state":{}}`:                                             {Kind: frame.SetGroupState, Name: "g", AckID: 1, WantsAck: true, State: map[string]string{}},
		`{"type":"setGroupState","group":"g"}`:                                                                  {Kind: frame.SetGroupState, Name: "g"},
		`{"type":"subscribeGroupState","group":"g","ackId":1}`:                                                  {Kind: frame.SubscribeGroupState, Name: "g", AckID: 1, WantsAck: true},
		`{"type":"unsubscribeGroupState","group":"g","ackId":1}`:                                                {Kind: frame.UnsubscribeGroupState, Name: "g", AckID: 1, WantsAck: true},
		`{"type":"cancelInvocation","invocationId":"1"}`:                                                        {Kind: frame.CancelInvocation, ID: "1"},
	} {
		assert.Equal(t, "before"+want, string(frame.JSONCodec{}.Append([]byte("before"), &r)))
	}
}

// FuzzAppend checks that encoding/json decodes each request to the same values.
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

// replaced replaces each byte that is not UTF-8 by U+FFFD.
func replaced(s string) string { return string([]rune(s)) }
