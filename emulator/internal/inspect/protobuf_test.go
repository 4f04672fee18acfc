package inspect_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/go-webpubsub/webpubsub/emulator/internal/inspect"
	"github.com/go-webpubsub/webpubsub/emulator/internal/trace"
)

// decoded returns the JSON of a frame from a client.
func decoded(t *testing.T, frame []byte) string {
	t.Helper()
	l := inspect.NewList(10, 4<<20)
	emit(t, l, trace.FrameIn{Subprotocol: "protobuf.webpubsub.azure.v1", Binary: true, Data: trace.Data(frame)})
	r, ok := l.Get(1)
	require.True(t, ok)
	return r.Frame.Data.Decoded
}

func bytesField(b []byte, number protowire.Number, value string) []byte {
	return protowire.AppendString(protowire.AppendTag(b, number, protowire.BytesType), value)
}

func TestProtobufIsDecoded(t *testing.T) {
	t.Parallel()
	pair := func(k, v string) string { return string(bytesField(bytesField(nil, 1, k), 2, v)) }
	data := string(bytesField(nil, 2, "\x00\xff binary"))
	event := bytesField(nil, 1, "say")
	event = bytesField(event, 2, data)
	event = protowire.AppendVarint(protowire.AppendTag(event, 3, protowire.VarintType), 7)
	event = bytesField(bytesField(event, 4, pair("a", "1")), 4, pair("b", "2"))
	event = protowire.AppendFixed32(protowire.AppendTag(event, 99, protowire.Fixed32Type), 1)
	assert.JSONEq(t, `{"eventMessage":{"event":"say","data":{"binaryData":"\\x00\\xff binary"},"ackId":7,
		"metadata":[{"key":"a","value":"1"},{"key":"b","value":"2"}],"field 99":"\\x01\\x00\\x00\\x00"}}`, decoded(t, bytesField(nil, 5, string(event))))
	assert.Equal(t, []string{"{", `  "pingMessage": {}`, "}"}, strings.Split(decoded(t, bytesField(nil, 9, "")), "\n"))
	assert.Equal(t, "{}", decoded(t, nil))
	assert.Contains(t, decoded(t, bytesField(nil, 6, string(bytesField(bytesField(nil, 1, "first"), 1, "last")))), `"group": "last"`, "the last one counts")
	for _, broken := range []string{"\xff", "\x32\x05a", "\x32\x02\xff\xff"} {
		assert.Empty(t, decoded(t, []byte(broken)))
	}
}

// A secret within bytes that are no text would be hidden by base64.
func TestProtobufHidesSecrets(t *testing.T) {
	t.Parallel()
	for _, secret := range []string{key, "eyJhbGciOiJIUzI1NiJ9.e30.c2ln", strings.Repeat("0123456789abcdef", 4)} {
		frame := bytesField(nil, 5, string(bytesField(nil, 2, string(bytesField(nil, 2, "\x00\xff"+secret+"\xff")))))
		out := decoded(t, frame)
		assert.NotContains(t, out, secret)
		assert.Regexp(t, `\((key|token)\)`, out)
	}
}

// What strangers send does not break the display.
func FuzzDecode(f *testing.F) {
	f.Add([]byte{6<<3 | 2, 5, 1<<3 | 2, 1, 'g', 2 << 3, 9})
	f.Add([]byte{0xff, 0xff})
	f.Fuzz(func(t *testing.T, frame []byte) {
		out := decoded(t, frame)
		if out != "" && !strings.HasPrefix(out, "{") {
			t.Errorf("%q", out)
		}
	})
}
