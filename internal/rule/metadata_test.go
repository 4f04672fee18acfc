package rule_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/internal/rule"
)

func long(n int) string { return strings.Repeat("x", n) }

// full returns metadata of as many bytes in all.
func full(total int) map[string]string {
	metadata := make(map[string]string)
	for i := byte('a'); total > 0; i++ {
		n := min(total, 1025)
		metadata[string(i)] = long(n - 1)
		total -= n
	}
	return metadata
}

func TestMetadata(t *testing.T) {
	t.Parallel()
	const (
		name  = ": want an HTTP token of 1 to 256 bytes"
		value = `metadata value of "k": want printable ASCII of at most 1024 bytes`
		lost  = `metadata value of "k": want no comma, of whose parts only the last arrives, and no space around it`
	)
	for _, tc := range []struct {
		name     string
		metadata map[string]string
		frame    string // the error of metadata in a frame, empty if there is none
		header   string // the error of metadata in headers
	}{
		{"none", nil, "", ""},
		{"usual", map[string]string{"trace": "1", "X-Id": "a b"}, "", ""},
		{"empty value", map[string]string{"k": ""}, "", ""},
		{"tab inside", map[string]string{"k": "a\tb"}, "", ""},
		{"longest", map[string]string{long(256): long(1024)}, "", ""},
		{"full", full(8192), "", ""},
		{"no name", map[string]string{"": "v"}, `metadata name ""` + name, `metadata name ""` + name},
		{"name with space", map[string]string{"a b": "v"}, `metadata name "a b"` + name, `metadata name "a b"` + name},
		{"name that injects", map[string]string{"a: b\r\nX": "v"}, `metadata name "a: b\r\nX"` + name, `metadata name "a: b\r\nX"` + name},
		{"name beyond ASCII", map[string]string{"ä": "v"}, `metadata name "ä"` + name, `metadata name "ä"` + name},
		{"long name", map[string]string{long(257): "v"}, `metadata name "` + long(128) + `…"` + name, `metadata name "` + long(128) + `…"` + name},
		{"value with line feed", map[string]string{"k": "a\nb"}, value, value},
		{"value with DEL", map[string]string{"k": "\x7f"}, value, value},
		{"value beyond ASCII", map[string]string{"k": "é"}, value, value},
		{"long value", map[string]string{"k": long(1025)}, value, value},
		{"too much", full(8193), "metadata has 8193 bytes of names and values, want at most 8192", "metadata has 8193 bytes of names and values, want at most 8192"},
		{"comma", map[string]string{"k": "a, b"}, "", lost},
		{"leading space", map[string]string{"k": " a"}, "", lost},
		{"trailing tab", map[string]string{"k": "a\t"}, "", lost},
		{"names that differ by case", map[string]string{"Key": "1", "key": "2"}, "", `metadata names "Key" and "key" differ by case only`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, tc.frame, text(rule.CheckMetadata(tc.metadata)))
			assert.Equal(t, tc.header, text(rule.CheckMetadataHeaders(tc.metadata)))
		})
	}
}

func TestMetadataErrorIsAlwaysTheSame(t *testing.T) {
	t.Parallel()
	for range 100 { // the order of a map is random
		require.ErrorContains(t, rule.CheckMetadata(map[string]string{"c": "\n", "a": "\n", "b": "\n"}), `value of "a"`)
		require.ErrorContains(t, rule.CheckMetadataHeaders(map[string]string{"c": ",", "a": ",", "b": ","}), `value of "a"`)
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestMetadataOf(t *testing.T) {
	t.Parallel()
	got, err := rule.MetadataOf(http.Header{"X-Webpubsub-Metadata-Trace": {"1", " 2, 3 "}, "X-Webpubsub-Metadata-": {"x"}, "X-Webpubsub-Metadata-None": {}, "Ce-Id": {"1"}})
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"trace": "3"}, got)
	got, err = rule.MetadataOf(http.Header{"Ce-Id": {"1"}})
	require.NoError(t, err)
	assert.Nil(t, got)
	_, err = rule.MetadataOf(http.Header{"X-Webpubsub-Metadata-K": {"é"}})
	require.EqualError(t, err, `metadata value of "k": want printable ASCII of at most 1024 bytes`)
}

// What may be sent as headers arrives as it is, but for the case of names.
func FuzzMetadata(f *testing.F) {
	f.Add("trace", "1")
	f.Add("X-Id", "a b")
	f.Add("k", "a,b ")
	f.Fuzz(func(t *testing.T, name, value string) {
		if rule.CheckMetadataHeaders(map[string]string{name: value}) != nil {
			return
		}
		header := make(http.Header)
		header.Set("X-WebPubSub-Metadata-"+name, value)
		got, err := rule.MetadataOf(header)
		require.NoError(t, err)
		assert.Equal(t, map[string]string{strings.ToLower(name): value}, got)
	})
}
