package client_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/client"
)

func TestData(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		data  client.Data
		typ   client.DataType
		text  string
		bytes string
	}{
		{"none", client.Data{}, client.DataNone, "", ""},
		{"text", client.Text(`"é"`), client.DataText, `"é"`, `"é"`},
		{"JSON", client.JSON([]any{1, "<&>"}), client.DataJSON, `[1,"<&>"]`, `[1,"<&>"]`},
		{"raw JSON", client.RawJSON([]byte(" {\"a\": 1}\n")), client.DataJSON, `{"a": 1}`, `{"a": 1}`},
		{"binary", client.Binary([]byte{0, 255}), client.DataBinary, "AP8=", "\x00\xff"},
		{"protobuf", client.Protobuf([]byte{8, 1}), client.DataProtobuf, "CAE=", "\x08\x01"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, tt.typ, tt.data.Type())
			assert.Equal(t, tt.text, tt.data.String())
			assert.Equal(t, []byte(tt.bytes), tt.data.Bytes())
		})
	}
	assert.Equal(t, "none text json binary protobuf DataType(9)", client.DataNone.String()+" "+client.DataText.String()+" "+client.DataJSON.String()+" "+client.DataBinary.String()+" "+client.DataProtobuf.String()+" "+client.DataType(9).String())
}

func TestDataBytesIsACopy(t *testing.T) {
	t.Parallel()
	d := client.Binary([]byte("ab"))
	d.Bytes()[0] = 'x'
	assert.Equal(t, []byte("ab"), d.Bytes())
}

func TestDataDecode(t *testing.T) {
	t.Parallel()
	var v struct{ N int }
	require.NoError(t, client.JSON(map[string]int{"n": 3}).Decode(&v))
	assert.Equal(t, 3, v.N)
	require.NoError(t, client.Text(`{"n":4}`).Decode(&v), "many senders send JSON as text")
	assert.Equal(t, 4, v.N)
	for text, d := range map[string]client.Data{
		"payload is binary, want json or text":                    client.Binary([]byte(`{"n":1}`)),
		"payload is none, want json or text":                      {},
		"JSON string does not fit int in member \"N\" at byte 13": client.RawJSON([]byte(`{"n":"secret"}`)),
		"text is not UTF-8; use Binary for other bytes":           client.Text("\xff"),
	} {
		assert.EqualError(t, d.Decode(&v), text)
	}
}
