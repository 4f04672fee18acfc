package subprotocol_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/emulator/internal/hub"
	"github.com/go-webpubsub/webpubsub/emulator/internal/subprotocol"
	"github.com/go-webpubsub/webpubsub/internal/jsonscan"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

func id(n uint64) *uint64 { return &n }

func text(s string) *hub.Message { return &hub.Message{Type: hub.Text, Data: []byte(s)} }

func inGroup(m *hub.Message) *hub.Message { m.Group = "g"; return m }

var frames = []struct {
	frame string
	want  hub.Request
}{
	{`{"type":"joinGroup","group":"g","ackId":18446744073709551615}`, hub.JoinGroup{Group: "g", AckID: id(1<<64 - 1)}},
	{`{"TYPE":1,"type":"JOINGROUP","group":"g","ackId":null,"Group":"x"}`, hub.JoinGroup{Group: "g"}},
	{`{"type":"leaveGroup","group":"g","ackId":0}`, hub.LeaveGroup{Group: "g", AckID: id(0)}},
	{`{"type":"sendToGroup","group":"g","data":[1]}`, hub.SendToGroup{Message: inGroup(&hub.Message{Type: hub.JSON, Data: []byte("[1]")})}},
	{`{"type":"sendToGroup","group":"g","dataType":"TEXT","data":"","noEcho":true,"ttlSeconds":300,"ackId":1}`, hub.SendToGroup{Message: inGroup(text("")), NoEcho: true, TTL: 5 * time.Minute, AckID: id(1)}},
	{`{"type":"sendToGroup","group":"g","dataType":"protobuf","data":"CgdleGFtcGxlEgN4eXo="}`, hub.SendToGroup{Message: inGroup(&hub.Message{Type: hub.Protobuf, Data: []byte(anyXYZ)})}},
	{`{"type":"sendToGroup","group":"g","noEcho":null,"stream":{"streamId":"s"}}`, hub.StartStream{ID: "s", Group: "g"}},
	{`{"type":"sendToGroup","group":"g","noEcho":true,"stream":{"streamId":"s","idleTimeoutMs":4294967295}}`, hub.StartStream{ID: "s", Group: "g", NoEcho: true, Idle: (1<<32 - 1) * time.Millisecond}},
	{`{"type":"event","event":"connected","dataType":"binary","data":"AQ==","ackId":1}`, hub.SendEvent{Event: "connected", Message: &hub.Message{Type: hub.Binary, Data: []byte{1}}, AckID: id(1)}},
	{`{"type":"event","event":"e","metadata":{"A":"1","a":"2"}}`, hub.SendEvent{Event: "e", Message: &hub.Message{Type: hub.Text, Data: []byte{}, Metadata: map[string]string{"A": "1", "a": "2"}}}},
	{`{"type":"invoke","invocationId":"1","target":"event","event":"e","metadata":{"k":"v"}}`, hub.Invoke{ID: "1", Event: "e", Message: &hub.Message{Type: hub.Text, Data: []byte{}, Metadata: map[string]string{"k": "v"}}}},
	{`{"type":"invoke","invocationId":"1","target":"event","event":"e"}`, hub.Invoke{ID: "1", Event: "e", Message: &hub.Message{Type: hub.Text}}},
	{`{"type":"cancelInvocation","invocationId":"1"}`, hub.CancelInvocation{ID: "1"}},
	{`{"type":"sequenceAck","sequenceId":5}`, hub.SequenceAck{ID: 5}},
	{`{"type":"sequenceAck","sequenceId":"5"}`, hub.SequenceAck{ID: 5}},
	{`{"type":"ping","more":[]}`, hub.Ping{}},
	{`{"type":"streamData","streamId":"s"}`, hub.StreamData{ID: "s"}},
	{`{"type":"streamData","streamId":"s","streamSequenceId":1,"dataType":"text","data":"x"}`, hub.StreamData{ID: "s", Sequence: 1, Message: text("x")}},
	{`{"type":"setGroupState","group":"g","ackId":0,"state":{"":"","k":"ü"}}`, hub.SetGroupState{Group: "g", AckID: id(0), State: map[string]string{"": "", "k": "ü"}}},
	{`{"type":"setGroupState","group":"g","state":{}}`, hub.SetGroupState{Group: "g", State: map[string]string{}}},
	{`{"type":"setGroupState","group":"g","state":null}`, hub.SetGroupState{Group: "g"}},
	{`{"type":"subscribeGroupState","group":"g","ackId":1}`, hub.SubscribeGroupState{Group: "g", AckID: id(1)}},
	{`{"type":"unsubscribeGroupState","group":"g","ackId":1}`, hub.UnsubscribeGroupState{Group: "g", AckID: id(1)}},
	{`{"type":"streamEnd","streamId":"s"}`, hub.StreamEnd{ID: "s"}},
	{`{"type":"streamEnd","streamId":"s","error":{"message":"m","userErrorCode":"c","name":"n"}}`, hub.StreamEnd{ID: "s", Error: &hub.RequestError{Name: "UserError", Message: "m", UserErrorCode: "c"}}},
}

// deep returns JSON with a number of levels.
func deep(levels int) string { return strings.Repeat("[", levels) + strings.Repeat("]", levels) }

func validFrames() []string {
	out := []string{`{"type":"event","event":"e","data":` + deep(jsonscan.MaxDepth) + `}`}
	for _, f := range frames {
		out = append(out, f.frame)
	}
	return out
}

func invalidFrames() []string {
	long := strings.Repeat("x", 1025)
	return []string{
		``, `null`, `[]`, `"x"`, `{}`, `{"type":1}`, `{"type":null}`, `{"type":"x"}`, `{"type":"ping"} x`, "{\"type\":\"ping\xff\"}",
		`{"Type":"ping"}`,
		`{"type":"joinGroup"}`, `{"type":"joinGroup","group":""}`, `{"type":"joinGroup","group":" \t"}`, `{"type":"joinGroup","group":1}`,
		`{"type":"joinGroup","group":"` + long + `"}`,
		`{"type":"joinGroup","group":"g","ackId":"1"}`, `{"type":"joinGroup","group":"g","ackId":-1}`, `{"type":"joinGroup","group":"g","ackId":1.5}`,
		`{"type":"joinGroup","group":"g","ackId":1e3}`, `{"type":"joinGroup","group":"g","ackId":18446744073709551616}`,
		`{"type":"sendToGroup","group":"g"}`, `{"type":"sendToGroup","group":"g","data":null}`, `{"type":"sendToGroup","group":"g","data":1,"noEcho":"true"}`,
		`{"type":"sendToGroup","group":"g","data":1,"ttlSeconds":301}`, `{"type":"sendToGroup","group":"g","data":1,"ttlSeconds":-1}`,
		`{"type":"sendToGroup","group":"g","dataType":"xml","data":"1"}`, `{"type":"sendToGroup","group":"g","dataType":1,"data":"1"}`,
		`{"type":"sendToGroup","group":"g","dataType":"text","data":1}`, `{"type":"sendToGroup","group":"g","dataType":"text","data":null}`,
		`{"type":"sendToGroup","group":"g","dataType":"binary","data":"?"}`, `{"type":"sendToGroup","group":"g","dataType":"binary","data":"AQ"}`,
		`{"type":"sendToGroup","group":"g","dataType":"protobuf","data":"AQ=="}`,
		`{"type":"sendToGroup","group":"g","data":1,"metadata":1}`, `{"type":"sendToGroup","group":"g","data":1,"metadata":{"k":1}}`,
		`{"type":"sendToGroup","group":"g","data":1,"metadata":{"k":"1","k":"2"}}`, `{"type":"sendToGroup","group":"g","data":1,"metadata":{"":"1"}}`,
		`{"type":"sendToGroup","group":"g","data":1,"metadata":{"a b":"1"}}`, `{"type":"sendToGroup","group":"g","data":1,"metadata":{"k":"ü"}}`,
		`{"type":"sendToGroup","group":"g","data":1,"metadata":{"k":"` + long + `"}}`, `{"type":"sendToGroup","group":"g","data":1,"metadata":{"` + long[:257] + `":""}}`,
		`{"type":"sendToGroup","group":"g","data":1,"metadata":{` + manyKeys(9) + `}}`,
		`{"type":"sendToGroup","group":"g","stream":{"streamId":"s"},"data":1}`, `{"type":"sendToGroup","group":"g","stream":{"streamId":"s"},"ackId":1}`,
		`{"type":"sendToGroup","group":"g","stream":{}}`, `{"type":"sendToGroup","group":"g","stream":1}`, `{"type":"sendToGroup","group":"g","stream":{"streamId":"s","idleTimeoutMs":0}}`,
		`{"type":"event","event":"1event","data":1}`, `{"type":"event","event":"bad/event","data":1}`, `{"type":"event","event":"bad event","data":1}`,
		`{"type":"event","event":"","data":1}`, `{"type":"event","event":"` + long[:129] + `","data":1}`, `{"type":"event","data":1}`,
		`{"type":"invoke","event":"e","target":"event"}`, `{"type":"invoke","invocationId":"1","event":"e"}`, `{"type":"invoke","invocationId":"1","event":"e","target":"upstream"}`,
		`{"type":"cancelInvocation"}`, `{"type":"sequenceAck"}`, `{"type":"sequenceAck","sequenceId":null}`, `{"type":"sequenceAck","sequenceId":-1}`,
		`{"type":"streamData"}`, `{"type":"streamData","streamId":"s","streamSequenceId":1}`, `{"type":"streamData","streamId":"s","streamSequenceId":0,"dataType":"text","data":"x"}`,
		`{"type":"streamData","streamId":"s","dataType":"text","data":"x"}`, `{"type":"streamEnd","streamId":"s","error":1}`, `{"type":"streamEnd","streamId":"s","error":{"message":1}}`,
		`{"type":"event","event":"e","data":` + deep(jsonscan.MaxDepth+1) + `}`, `{"type":"event","event":"e","data":` + deep(20_000) + `}`,
		`{"type":"sendToGroup","group":"g","stream":{"streamId":"` + long + `"}}`, `{"type":"streamData","streamId":"` + long + `"}`, `{"type":"streamEnd","streamId":"` + long + `"}`,
		`{"type":"invoke","invocationId":"` + long + `","event":"e","target":"event"}`, `{"type":"cancelInvocation","invocationId":"` + long + `"}`,
		`{"type":"setGroupState"}`, `{"type":"setGroupState","group":"g","state":1}`, `{"type":"setGroupState","group":"g","state":{"k":null}}`,
		`{"type":"setGroupState","group":"g","state":{"k":"1","k":"2"}}`, `{"type":"subscribeGroupState"}`, `{"type":"unsubscribeGroupState"}`, `{"type":"` + long + `"}`, `{"type":"event","event":"` + long + `","data":1}`,
		`{"type":"event","event":"e","dataType":"` + long + `","data":1}`, `{"type":"event","event":"e","metadata":{"` + long + `":""}}`,
	}
}

func manyKeys(n int) string {
	var all []string
	for i := range n {
		all = append(all, `"k`+string(rune('0'+i))+`":"`+strings.Repeat("v", 1024)+`"`)
	}
	return strings.Join(all, ",")
}

func TestReadJSON(t *testing.T) {
	t.Parallel()
	p := subprotocol.Choose(wire.SubprotocolJSON, subprotocol.Raw{})
	for _, tc := range frames {
		req, violation := p.Read(false, []byte(tc.frame))
		require.Nil(t, violation, "%s", tc.frame)
		assert.Equal(t, tc.want, req, "%s", tc.frame)
	}
	for _, frame := range invalidFrames() {
		req, violation := p.Read(false, []byte(frame))
		if assert.NotNil(t, violation, "%.200s", frame) {
			assert.Nil(t, req)
			assert.Equal(t, hub.CloseInvalid, violation.Code)
			assert.NotEmpty(t, violation.Detail)
			assert.LessOrEqual(t, len(violation.Detail), 300, "%.200s", frame)
		}
	}
}

func TestReadJSONAcceptsLongestNames(t *testing.T) {
	t.Parallel()
	p := subprotocol.Choose(wire.SubprotocolJSON, subprotocol.Raw{})
	for _, frame := range []string{
		`{"type":"joinGroup","group":"` + strings.Repeat("ü", 1024) + `"}`,
		`{"type":"event","event":"` + strings.Repeat("x", 128) + `","data":1}`,
		`{"type":"event","event":"e","metadata":{"` + strings.Repeat("k", 256) + `":"` + strings.Repeat("v", 1024) + `"}}`,
	} {
		_, violation := p.Read(false, []byte(frame))
		assert.Nil(t, violation, "%.60s", frame)
	}
}
