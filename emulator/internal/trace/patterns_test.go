package trace_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/go-webpubsub/webpubsub/emulator/internal/trace"
)

func TestExcerpt(t *testing.T) {
	t.Parallel()
	hex := strings.Repeat("0123456789abcdef", 2)
	for text, want := range map[string]string{
		"plain": "plain",
		"Endpoint=https://x.test;AccessKey=s3cr3t;Version=1.0;": "Endpoint=https://x.test;AccessKey=(key);Version=1.0;",
		"ACCESSKEY%3Ds3cr3t":             "ACCESSKEY%3D(key)",
		"Authorization: Bearer s3cr3t":   "Authorization: Bearer (token)",
		"BEARER  s3cr3t.s3cr3t rest":     "BEARER  (token) rest",
		"http://x.test/?access_token=s3": "http://x.test/?access_token=(token)",
		"/?a=1&Access_Token=s3cr3t&b=2":  "/?a=1&Access_Token=(token)&b=2",
		`{"access_token": "s3cr3t"}`:     `{"access_token": "(token)"}`,
		`{\"access_token\":\"s3cr3t\"}`:  `{\"access_token\":\"(token)\"}`,
		`{"reconnectionToken":"s3cr3t"}`: `{"reconnectionToken":"(token)"}`,
		"awps_reconnection_token=s3cr3t": "awps_reconnection_token=(token)",
		"sha256=" + hex + hex:            "sha256=(token)",
		"x" + hex + "0":                  "x(token)",
		hex + "x" + hex:                  hex + "x" + hex,
		hex + "x" + hex + "A" + "z":      hex + "x(token)z",
		`{"data":"` + base64.StdEncoding.EncodeToString([]byte("\x00 Bearer s3cr3t, and so on and on")) + `"}`: `{"data":"(token)"}`,
		base64.RawURLEncoding.EncodeToString([]byte("\xff\xff access_token=s3cr3t, and more")):                 "(token)",
		strings.Repeat("longword", 10): strings.Repeat("longword", 10),
		"the bearer of the cookies":    "the bearer (token) the cookies",
		`{"Cookie":["a=1"]}`:           `{"Cookie":["(hidden)"]}`,
	} {
		e := read(t, trace.Data([]byte(text))).Excerpt()
		assert.Equal(t, trace.Excerpt{Text: want, Redacted: text != want}, e)
	}
	long := read(t, trace.Data([]byte(strings.Repeat("-", 64<<10)+"eyJhbGciOiJIUzI1NiJ9"))).Excerpt()
	assert.True(t, long.Cut)
	assert.Less(t, len(long.Text), 64<<10)
}

// A state in base64 looks like a token there. Its JSON is shown, without secrets.
func TestState(t *testing.T) {
	t.Parallel()
	sink := &kept{want: all}
	s := trace.New(nil, sink)
	for header, want := range map[string]trace.State{
		"":                 {},
		"plain":            {Text: "plain"},
		"eyJuIjoxfQ==":     {Text: `{"n":1}`, JSON: true},
		"eyJuIjoxfQ":       {Text: "(token)", Redacted: true},
		"bm90IEpTT04=":     {Text: "bm90IEpTT04="},
		"eyJ0IjoiZXlKIn0=": {Text: `{"t":"(token)"}`, JSON: true, Redacted: true},
	} {
		sink.records = nil
		trace.Emit(t.Context(), s, trace.Event{StateBefore: trace.StateOf(header)})
		assert.Equal(t, want, sink.records[0].(trace.Event).StateBefore, header)
	}
}

func BenchmarkExcerpt(b *testing.B) {
	sink := &kept{want: all}
	trace.Emit(b.Context(), trace.New([]string{strings.Repeat("Kk", 22)}, sink), trace.FrameIn{
		Data: trace.Data([]byte(`{"type":"message","from":"group","fromUserId":"ann","group":"lobby","dataType":"text","data":"` + strings.Repeat("hello ", 20) + `"}`)),
	})
	p := sink.records[0].(trace.FrameIn).Data
	b.ReportAllocs()
	for b.Loop() {
		_ = p.Excerpt()
	}
}

// A key is found as writers of JSON escape it, and in base64 wherever that begins.
func TestHideFindsKeysInEveryForm(t *testing.T) {
	t.Parallel()
	const key = "abc/def+ghi/jkl+mno/pqr+stu/vwx+yz0123456789="
	s := trace.New([]string{key})
	for _, form := range []string{
		key, strings.ReplaceAll(key, "/", `\/`), strings.ReplaceAll(key, "+", `\u002B`), strings.ReplaceAll(key, "+", `\u002b`),
	} {
		assert.JSONEq(t, `{"a":"(key)"}`, s.Hide(`{"a":"`+form+`"}`))
	}
	for _, before := range []string{"", "/", "/a", "/ab", "/abc/"} {
		for _, prefix := range []string{"", "k", "ke", "key"} {
			encoded := base64.RawURLEncoding.EncodeToString([]byte(prefix + key))
			assert.Equal(t, "(token)", s.Hide(before+encoded), "%q %q", before, prefix)
		}
	}
}
