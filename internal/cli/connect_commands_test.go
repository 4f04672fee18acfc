package cli_test

import (
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/client"
	"github.com/go-webpubsub/webpubsub/internal/cli"
)

func TestParseLine(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		line          string
		command, word string
		kind          client.DataType
		data          string
	}{
		{"join lobby", "join", "lobby", client.DataNone, ""},
		{"  join\tlobby  ", "join", "lobby", client.DataNone, ""},
		{`leave "a room"`, "leave", "a room", client.DataNone, ""},
		{`leave "a\u00e4\"b"`, "leave", `aä"b`, client.DataNone, ""},
		{"send lobby  two  words ", "send", "lobby", client.DataText, "two  words "},
		{"send lobby --json", "send", "lobby", client.DataText, "--json"},
		{`send "--json" x`, "send", "--json", client.DataText, "x"},
		{`send --json lobby {"a": 1}`, "send", "lobby", client.DataJSON, `{"a": 1}`},
		{"send --no-echo --binary lobby AAE=", "send", "lobby", client.DataBinary, "AAE="},
		{"event e", "event", "e", client.DataNone, ""},
		{"invoke --json e 1", "invoke", "e", client.DataJSON, "1"},
	} {
		command, word, data, err := cli.ParseLine("json", tt.line)
		require.NoError(t, err, tt.line)
		assert.Equal(t, tt.command, command, tt.line)
		assert.Equal(t, tt.word, word, tt.line)
		assert.Equal(t, tt.kind, data.Type(), tt.line)
		assert.Equal(t, tt.data, data.String(), tt.line)
	}
	command, _, data, err := cli.ParseLine("raw", "send  hello there")
	require.NoError(t, err)
	assert.Equal(t, "send", command)
	assert.Equal(t, "hello there", data.String())
}

// FuzzLine checks that no line panics, and that any name and text arrive as they were
// typed.
func FuzzLine(f *testing.F) {
	for _, s := range []string{"join x", `send "a b" c`, "send --json g {", `send "`, "--json", "\x00 \xff", `"a`} {
		f.Add(s, "text")
	}
	f.Fuzz(func(t *testing.T, s, text string) {
		_, _, _, _ = cli.ParseLine("json", s)
		_, _ = cli.Complete("json", s, "lobby", s)
		if s == "" || !utf8.ValidString(s) {
			return
		}
		_, word, data, err := cli.ParseLine("json", "send "+cli.QuoteName(s)+" x"+text)
		require.NoError(t, err)
		assert.Equal(t, s, word)
		assert.Equal(t, "x"+text, data.String())
	})
}

func TestComplete(t *testing.T) {
	t.Parallel()
	groups := []string{"a room", "lobby", "locker", "news", "新聞", "新闻"}
	for before, want := range map[string]struct {
		completed  string
		candidates []string
	}{
		"":                    {"", []string{"join", "leave", "send", "event", "invoke", "publish", "end", "state-set", "state-clear", "state-get", "state-subscribe", "state-unsubscribe", "state-list"}},
		"j":                   {"join ", nil},
		"  se":                {"  send ", nil},
		"x":                   {"x", nil},
		"join ":               {"join ", []string{`"a room"`, "lobby", "locker", "news", "新聞", "新闻"}},
		"join n":              {"join news ", nil},
		"join l":              {"join lo", nil},
		"join lo":             {"join lo", []string{"lobby", "locker"}},
		`join "`:              {`join "a room" `, nil},
		"join 新":              {"join 新", []string{"新聞", "新闻"}},
		"join x":              {"join x", nil},
		"send --":             {"send --", []string{"--json", "--binary", "--no-echo"}},
		"send --j":            {"send --json ", nil},
		"send --json lob":     {"send --json lobby ", nil},
		"send --json --no":    {"send --json --no-echo ", nil},
		"send lobby ne":       {"send lobby ne", nil},
		"event n":             {"event n", nil},
		"dance n":             {"dance n", nil},
		"send --json --x lob": {"send --json --x lobby ", nil},
	} {
		completed, candidates := cli.Complete("json", before, groups...)
		assert.Equal(t, want.completed, completed, before)
		assert.Equal(t, want.candidates, candidates, before)
	}
}
