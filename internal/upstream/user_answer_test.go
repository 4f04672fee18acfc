package upstream_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/internal/upstream"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

func TestUE76UserAnswer(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		contentType, body string
		want              wire.DataType
		message, ok       bool
	}{
		"text":                   {"text/plain", "hi", wire.DataText, true, true},
		"text with charset":      {"Text/Plain; charset=utf-8", "hi", wire.DataText, true, true},
		"json":                   {"application/json", `{"answer":42}`, wire.DataJSON, true, true},
		"json of 1000 levels":    {"application/json", strings.Repeat("[", 1000) + strings.Repeat("]", 1000), wire.DataJSON, true, true},
		"json of 1001 levels":    {"application/json", strings.Repeat("[", 1001) + strings.Repeat("]", 1001), 0, false, false},
		"invalid json":           {"application/json", `{bad`, 0, false, false},
		"binary":                 {"application/octet-stream", "\x00\xff", wire.DataBinary, true, true},
		"no type":                {"", "hi", wire.DataBinary, true, true},
		"unsupported":            {"unsupported/type", "hi", 0, false, false},
		"html":                   {"text/html; charset=utf-8", "<b>", 0, false, false},
		"protobuf":               {"application/x-protobuf", "\x0a\x01u", wire.DataProtobuf, true, true},
		"invalid protobuf":       {"application/x-protobuf", "\x00", 0, false, false},
		"empty":                  {"", "", wire.DataText, false, true},
		"empty and typed":        {"application/json", "", wire.DataText, false, true},
		"empty with unsupported": {"unsupported/type", "", wire.DataText, false, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answer := &upstream.Answer{Status: 200, Header: http.Header{}, Body: []byte(test.body)}
			if test.contentType != "" {
				answer.Header.Set("Content-Type", test.contentType)
			}
			got, err := upstream.DecodeUser(answer)
			if !test.ok {
				var invalid *upstream.InvalidAnswerError
				require.ErrorAs(t, err, &invalid)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, test.message, got.Message)
			assert.Equal(t, test.want, got.DataType)
			assert.Equal(t, test.body, string(got.Data))
		})
	}
}

func TestUE85Metadata(t *testing.T) {
	t.Parallel()
	const prefix = "X-Webpubsub-Metadata-"
	tests := map[string]struct {
		header http.Header
		want   map[string]string
		ok     bool
	}{
		"none":            {http.Header{"X-Other": {"1"}}, nil, true},
		"lower case":      {http.Header{prefix + "Trace-Id": {"a b"}}, map[string]string{"trace-id": "a b"}, true},
		"last of a list":  {http.Header{prefix + "A": {"0", "1, 2 ,3 "}}, map[string]string{"a": "3"}, true},
		"last line":       {http.Header{prefix + "A": {"1", "2"}}, map[string]string{"a": "2"}, true},
		"empty name":      {http.Header{prefix: {"1"}}, nil, true},
		"longest value":   {http.Header{prefix + "A": {strings.Repeat("v", 1024)}}, map[string]string{"a": strings.Repeat("v", 1024)}, true},
		"value too long":  {http.Header{prefix + "A": {strings.Repeat("v", 1025)}}, nil, false},
		"value not ASCII": {http.Header{prefix + "A": {"é"}}, nil, false},
		"name too long":   {http.Header{prefix + strings.Repeat("n", 257): {"1"}}, nil, false},
		"too much": {http.Header{
			prefix + "A": {strings.Repeat("v", 1024)}, prefix + "B": {strings.Repeat("v", 1024)}, prefix + "C": {strings.Repeat("v", 1024)},
			prefix + "D": {strings.Repeat("v", 1024)}, prefix + "E": {strings.Repeat("v", 1024)}, prefix + "F": {strings.Repeat("v", 1024)},
			prefix + "G": {strings.Repeat("v", 1024)}, prefix + "H": {strings.Repeat("v", 1024)},
		}, nil, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := upstream.DecodeUser(&upstream.Answer{Status: 204, Header: test.header})
			if !test.ok {
				var invalid *upstream.InvalidAnswerError
				require.ErrorAs(t, err, &invalid)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, test.want, got.Metadata)
			assert.Equal(t, len(test.want) > 0, got.Message)
		})
	}
}

func TestAnswerState(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		lines []string
		state string
		ok    bool
	}{
		"absent":    {nil, "", false},
		"empty":     {[]string{""}, "", true},
		"one":       {[]string{"a"}, "a", true},
		"last line": {[]string{"a", "b"}, "b", true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answer := &upstream.Answer{Header: http.Header{"Ce-Connectionstate": test.lines}}
			state, ok := answer.State()
			assert.Equal(t, test.state, state)
			assert.Equal(t, test.ok, ok)
		})
	}
}
