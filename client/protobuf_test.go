package client_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/client"
	"github.com/go-webpubsub/webpubsub/emulator"
	"github.com/go-webpubsub/webpubsub/internal/protoschema"
)

func TestProtobufMessage(t *testing.T) {
	t.Parallel()
	d := client.ProtobufMessage("example.com/chat.Said", []byte{8, 1})
	assert.Equal(t, client.DataProtobuf, d.Type())
	assert.Equal(t, "\x0a\x15example.com/chat.Said\x12\x02\x08\x01", string(d.Bytes()))
	assert.Equal(t, d.Bytes(), client.Protobuf(d.Bytes()).Bytes())
	url, value, err := d.ProtobufMessage()
	require.NoError(t, err)
	assert.Equal(t, "example.com/chat.Said", url)
	assert.Equal(t, []byte{8, 1}, value)
	value[0] = 0
	_, value, _ = d.ProtobufMessage()
	assert.Equal(t, []byte{8, 1}, value, "a copy")

	_, value, err = client.ProtobufMessage("example.com/chat.Said", nil).ProtobufMessage()
	require.NoError(t, err)
	assert.Empty(t, value)
}

func TestProtobufMessageInvalid(t *testing.T) {
	t.Parallel()
	for want, d := range map[string]client.Data{
		"type URL of the protobuf message is empty":                          client.ProtobufMessage("", []byte{8, 1}),
		"type URL of the protobuf message is not UTF-8":                      client.ProtobufMessage("\xff", nil),
		"protobuf payload: not a serialized google.protobuf.Any":             client.Protobuf([]byte("{}")),
		"protobuf payload: the type URL of google.protobuf.Any is not UTF-8": client.Protobuf([]byte("\x0a\x01\xff")),
		"payload is text, want protobuf":                                     client.Text(""),
	} {
		_, _, err := d.ProtobufMessage()
		require.EqualError(t, err, want)
	}
	f := newFake(t)
	c, err := client.New(client.StaticURL(fakeAddress), &client.Options{HTTPClient: f.network.client()})
	require.NoError(t, err)
	_, err = c.SendToGroup(t.Context(), "g", client.Protobuf([]byte("{}")), nil)
	require.ErrorIs(t, err, client.ErrInvalid)
	require.EqualError(t, err, "client: SendToGroup: protobuf payload: not a serialized google.protobuf.Any")
}

// TestSubprotocolsInOneGroup checks that clients of all subprotocols receive every kind
// of payload from each other as it was sent.
func TestSubprotocolsInOneGroup(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		r := newRig(t, emulator.Config{})
		var clients []*client.Client
		got := make([][]string, len(protocols))
		for i, p := range protocols {
			c := r.member("user", &client.Options{Protocol: p})
			c.OnGroupMessage(func(_ context.Context, m *client.GroupMessage) {
				got[i] = append(got[i], fmt.Sprintf("%v %s %v", m.Data.Type(), m.Data, m.Metadata))
			})
			clients = append(clients, c)
		}
		var want []string
		for _, c := range clients {
			for _, d := range []client.Data{
				client.Text(""), client.Text("\"é\"\x00"), client.JSON(map[string]any{"a": []any{1.5, nil}}), client.RawJSON([]byte(`"text"`)),
				client.Binary(nil), client.Binary([]byte{0, 255}), client.ProtobufMessage("example.com/chat.Said", []byte{8, 1}),
			} {
				_, err := c.SendToGroup(t.Context(), "g", d, &client.SendOptions{Metadata: map[string]string{"k": "v"}})
				require.NoError(t, err)
				want = append(want, fmt.Sprintf("%v %s map[k:v]", d.Type(), d))
			}
		}
		synctest.Wait()
		for i, p := range protocols {
			assert.Equal(t, want, got[i], p.String())
		}
	})
}

// TestProtobufUndecodable checks that invalid frames are reported and acknowledged, and
// that no other message is lost.
func TestProtobufUndecodable(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		reported := new(recorder)
		c := f.client(&client.Options{
			Protocol: client.ProtocolProtobufReliable,
			OnError:  func(_ context.Context, err error) { reported.note(err.Error()) },
		})
		seen := record(c)
		started := make(chan error)
		go func() { started <- c.Start(t.Context()) }()
		p := <-f.peers
		assert.Equal(t, "protobuf.reliable.webpubsub.azure.v1", p.header.Get("Sec-Websocket-Protocol"))
		send := func(text string) []byte {
			frame, err := protoschema.Encode(protoschema.Downstream(), text)
			require.NoError(t, err)
			require.NoError(t, p.conn.Write(t.Context(), websocket.MessageBinary, frame))
			return frame
		}
		send(`system_message{connected_message{connection_id:"id-1" user_id:"ann" reconnection_token:"token"}}`)
		require.NoError(t, <-started)
		assert.Equal(t, []string{"id-1", "ann"}, []string{c.ConnectionID(), c.UserID()})

		whole := send(`data_message{from:"group" group:"g" data{text_data:"one"} sequence_id:1}`)
		require.NoError(t, p.conn.Write(t.Context(), websocket.MessageText, []byte(`{"type":"pong"}`)))
		require.NoError(t, p.conn.Write(t.Context(), websocket.MessageBinary, whole[:len(whole)-1]))
		send(`data_message{from:"group" group:"g" data{} sequence_id:2}`)
		send(`data_message{from:"group" group:"g" data{} sequence_id:2}`) // repeated, reported once
		send(`data_message{from:"later" sequence_id:3}`)
		send(``)
		send(`data_message{from:"server" data{text_data:"four"} sequence_id:4}`)
		assert.Equal(t, []string{
			"client: Receive: frame has the wrong WebSocket type",
			"client: Receive: frame is not a protobuf message, or is cut",
			"client: Receive: field data is missing or has no payload",
		}, reported.settled())
		assert.Equal(t, []string{"connected ann", "g/: one", "server: four"}, seen.settled())
		pass(time.Second)
		kind, ack, err := p.conn.Read(t.Context())
		require.NoError(t, err)
		assert.Equal(t, websocket.MessageBinary, kind)
		assert.Equal(t, []byte("\x42\x02\x08\x04"), ack, "sequence ack 4")
	})
}
