package trace_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/emulator/internal/trace"
)

// read returns a payload as a sink gets it.
func read(t *testing.T, p trace.Payload, keys ...string) trace.Payload {
	t.Helper()
	sink := &kept{want: all}
	trace.Emit(t.Context(), trace.New(keys, sink), trace.Event{Request: p})
	require.Len(t, sink.records, 1)
	return sink.records[0].(trace.Event).Request
}

func TestPayload(t *testing.T) {
	t.Parallel()
	const key = "S3CR3T-S3CR3T-S3CR3T-S3CR3T-S3CR3T-S3CR3T"
	raw := trace.Data([]byte(key))
	assert.Empty(t, raw.String(), "before Emit it cannot be read")
	assert.Equal(t, len(key), raw.Len())
	p := read(t, raw, key)
	assert.Equal(t, "(key)", p.String())
	assert.Equal(t, len(key), p.Len())
	assert.Nil(t, p.Header())
}

func TestPayloadHidesHeaders(t *testing.T) {
	t.Parallel()
	header := http.Header{
		"Cookie": {"a=1"}, "Set-Cookie": {"b=2"}, "Authorization": {"Basic YTpi"}, "Ce-Signature": {"sha256=abc"},
		"Ce-Hub": {"chat"}, "X-Token": {"eyJhbGciOiJIUzI1NiJ9.e30.c2ln"},
	}
	p := read(t, trace.Message(header, nil))
	assert.Equal(t, map[string][]string{
		"Cookie": {"(hidden)"}, "Set-Cookie": {"(hidden)"}, "Authorization": {"(hidden)"}, "Ce-Signature": {"(hidden)"},
		"Ce-Hub": {"chat"}, "X-Token": {"(token)"},
	}, p.Header())
	assert.Equal(t, "a=1", header.Get("Cookie"), "the header itself does not change")
}

func TestPayloadHidesHeadersInBody(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"headers":{"Cookie":["a=\"1\"; b]","c"],"Host":["h"]}}`: `{"headers":{"Cookie":["(hidden)"],"Host":["h"]}}`,
		`{"headers":{"cookie" : [ "a" ] ,"Host":["h"]}}`:          `{"headers":{"cookie" : ["(hidden)"] ,"Host":["h"]}}`,
		`{"headers":{"Authorization":[]}}`:                        `{"headers":{"Authorization":["(hidden)"]}}`,
		`{"headers":{"Cookie":["a","b`:                            `{"headers":{"Cookie":["(hidden)"]`,
		`{"headers":{"Cookie":["a",`:                              `{"headers":{"Cookie":["(hidden)"]`,
		`{"headers":{"X-Cookie":["a"]}}`:                          `{"headers":{"X-Cookie":["a"]}}`,
	} {
		assert.Equal(t, want, read(t, trace.Data([]byte(body))).String())
	}
}

// A payload is cut, and no part of a secret is left at the cut.
func TestPayloadIsCut(t *testing.T) {
	t.Parallel()
	const key = "S3CR3T-S3CR3T-S3CR3T-S3CR3T-S3CR3T-S3CR3T"
	token := strings.Repeat("abcdef0123456789", 4)
	for _, secret := range []string{key, token} {
		for i := 0; i < 4*len(secret); i += 8 {
			p := read(t, trace.Data([]byte(strings.Repeat("=", 64<<10-i)+secret+strings.Repeat("=", 1000))), key)
			text := p.String()
			assert.LessOrEqual(t, len(text), 64<<10+len("…"))
			assert.True(t, strings.HasPrefix(text, "=====") && strings.HasSuffix(text, "…"))
			assert.NotContains(t, text[len(text)-500:], secret[:4], "%d bytes before the cut", i)
		}
	}
}
