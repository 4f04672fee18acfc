package emulator_test

import (
	"net/url"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/go-webpubsub/webpubsub/internal/protoschema"
)

const (
	plainProtobuf    = "protobuf.webpubsub.azure.v1"
	reliableProtobuf = "protobuf.reliable.webpubsub.azure.v1"
)

// protobufPeer is a client of a protobuf subprotocol. Its frames are written in the text
// format of protobuf, and encoded and decoded by Google's library.
type protobufPeer struct{ *peer }

// protobuf connects a client and reads the connected frame.
func (r *rig) protobuf(target, subprotocol string) *protobufPeer {
	r.t.Helper()
	p, resp := r.try(target, nil, subprotocol)
	require.NotNil(r.t, p, "status %d", resp.StatusCode)
	require.Equal(r.t, subprotocol, p.conn.Subprotocol())
	out := &protobufPeer{p}
	connected := out.next().Get(protoschema.Downstream().Fields().ByName("system_message")).Message()
	connected = connected.Get(connected.Descriptor().Fields().ByName("connected_message")).Message()
	p.greeting = make(map[string]any)
	for field, name := range map[string]string{"connection_id": "connectionId", "user_id": "userId", "reconnection_token": "reconnectionToken"} {
		p.greeting[name] = connected.Get(connected.Descriptor().Fields().ByName(protoreflect.Name(field))).String()
	}
	return out
}

func (p *protobufPeer) send(texts ...string) {
	p.t.Helper()
	for _, text := range texts {
		frame, err := protoschema.Encode(protoschema.Upstream(), text)
		require.NoError(p.t, err, text)
		p.write(frame)
	}
}

func (p *protobufPeer) write(frame []byte) {
	p.t.Helper()
	require.NoError(p.t, p.conn.Write(p.t.Context(), websocket.MessageBinary, frame))
}

// next returns the next frame.
func (p *protobufPeer) next() *dynamicpb.Message {
	p.t.Helper()
	kind, frame := p.frame()
	require.Equal(p.t, websocket.MessageBinary, kind)
	m, err := protoschema.Decode(protoschema.Downstream(), []byte(frame))
	require.NoError(p.t, err, "%q", frame)
	return m
}

func (p *protobufPeer) expect(texts ...string) {
	p.t.Helper()
	for _, text := range texts {
		want := dynamicpb.NewMessage(protoschema.Downstream())
		require.NoError(p.t, prototext.Unmarshal([]byte(text), want), text)
		got := p.next()
		require.True(p.t, proto.Equal(want, got), "want %s, got %v", text, got)
	}
}

// quiet asserts that no frame precedes the answer to a ping.
func (p *protobufPeer) quiet() {
	p.t.Helper()
	p.send(`ping_message{}`)
	p.expect(`pong_message{}`)
}

func (p *protobufPeer) goodbye(code websocket.StatusCode, reason string) {
	p.t.Helper()
	p.expect(`system_message{disconnected_message{reason:"` + reason + `"}}`)
	p.closed(code, reason)
}

// recover recovers the connection of a peer. Nothing is read.
func (p *protobufPeer) recover(r *rig, offered string) *protobufPeer {
	p.t.Helper()
	id, _ := p.greeting["connectionId"].(string)
	secret, _ := p.greeting["reconnectionToken"].(string)
	q := url.Values{"awps_connection_id": {id}, "awps_reconnection_token": {secret}}
	again, resp := r.try(base+"/client/hubs/chat?"+q.Encode(), nil, offered)
	require.NotNil(p.t, again, "status %d", resp.StatusCode)
	again.greeting = p.greeting
	return &protobufPeer{again}
}
