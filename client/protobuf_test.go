package client_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/client"
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
