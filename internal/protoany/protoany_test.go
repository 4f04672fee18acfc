package protoany_test

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/go-webpubsub/webpubsub/internal/protoany"
)

func TestAnyOfGoogle(t *testing.T) {
	t.Parallel()
	message, err := anypb.New(durationpb.New(90 * time.Second))
	require.NoError(t, err)
	want, err := proto.Marshal(message)
	require.NoError(t, err)
	assert.Equal(t, want, protoany.Append(nil, message.GetTypeUrl(), message.GetValue()))

	url, value, err := protoany.Parse(want)
	require.NoError(t, err)
	assert.Equal(t, "type.googleapis.com/google.protobuf.Duration", url)
	assert.Equal(t, message.GetValue(), value)
}

func TestParse(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, hex string
		url       string
		value     []byte
		err       string
	}{
		{"empty", "", "", nil, ""},
		{"both", "0a0175 12020001", "u", []byte{0, 1}, ""},
		{"in the other order", "12020001 0a0175", "u", []byte{0, 1}, ""},
		{"repeated: the last counts", "0a0175 0a0176 120101 120102", "v", []byte{2}, ""},
		{"unknown fields", "1a0178 2001 2901020304050607083501020304 0a0175", "u", nil, ""},
		{"known numbers of other types", "0801 1001 0a0175", "u", nil, ""},
		{"groups", "1b 23 0a0176 24 1c 0a0175", "u", nil, ""},
		{"length in ten bytes", "0a81808080808080808000 75", "u", nil, ""},
		{"cut", "0a0275", "", nil, "not a serialized google.protobuf.Any"},
		{"tag alone", "0a", "", nil, "not a serialized google.protobuf.Any"},
		{"varint cut", "2080", "", nil, "not a serialized google.protobuf.Any"},
		{"varint of eleven bytes", "20ffffffffffffffffffff01", "", nil, "not a serialized google.protobuf.Any"},
		{"field 0", "0200", "", nil, "not a serialized google.protobuf.Any"},
		{"field beyond the maximum", "8280808010 00", "", nil, "not a serialized google.protobuf.Any"},
		{"wire type 6", "0e", "", nil, "not a serialized google.protobuf.Any"},
		{"group without an end", "1b", "", nil, "not a serialized google.protobuf.Any"},
		{"end of another group", "1b 24", "", nil, "not a serialized google.protobuf.Any"},
		{"end without a start", "1c", "", nil, "not a serialized google.protobuf.Any"},
		{"fixed64 cut", "2901", "", nil, "not a serialized google.protobuf.Any"},
		{"type URL that is not UTF-8", "0a01ff", "", nil, "the type URL of google.protobuf.Any is not UTF-8"},
		{"deepest", strings.Repeat("1b", 10_001) + strings.Repeat("1c", 10_001), "", nil, ""},
		{"too deep", strings.Repeat("1b", 10_002) + strings.Repeat("1c", 10_002), "", nil, "not a serialized google.protobuf.Any"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b, err := hex.DecodeString(strings.ReplaceAll(tt.hex, " ", ""))
			require.NoError(t, err)
			url, value, err := protoany.Parse(b)
			assert.Equal(t, err == nil, proto.Unmarshal(b, new(anypb.Any)) == nil)
			if tt.err != "" {
				require.EqualError(t, err, tt.err)
				require.EqualError(t, protoany.Check(b), tt.err)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, tt.url, url)
			assert.Equal(t, tt.value, value)
		})
	}
}

// FuzzParse compares with Google's package anypb: what is valid, and the fields.
func FuzzParse(f *testing.F) {
	f.Add([]byte("\x0a\x01u\x12\x02\x00\x01"), "u", []byte{0})
	f.Add([]byte("\x1b\x23\x0a\x01v\x24\x1c\x0a\x01u\x20\x80\x01"), "\xff", []byte{})
	f.Add([]byte("\x0a\x01\xff"), "", []byte("x"))
	f.Fuzz(func(t *testing.T, b []byte, url string, value []byte) {
		var want anypb.Any
		wantErr := proto.Unmarshal(b, &want)
		gotURL, gotValue, err := protoany.Parse(b)
		require.Equal(t, wantErr == nil, err == nil, "%x: %v, %v", b, wantErr, err)
		if err == nil {
			require.Equal(t, want.GetTypeUrl(), gotURL)
			require.True(t, bytes.Equal(want.GetValue(), gotValue), "%x", b)
		}
		if !utf8.ValidString(url) {
			return
		}
		encoded, err := proto.Marshal(&anypb.Any{TypeUrl: url, Value: value})
		require.NoError(t, err)
		require.True(t, bytes.Equal(encoded, protoany.Append(nil, url, value)), "%x", encoded)
	})
}
