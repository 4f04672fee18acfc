package cli_test

import (
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/internal/cli"
)

// TestFilterMark checks that the mark is below the mistake.
func TestFilterMark(t *testing.T) {
	t.Parallel()
	for filter, want := range map[string]string{
		"x":                           "character 1: unknown property 'x', want connectionId, userId, groups or protocol\n  x\n  ^",
		"'ü' eq #":                    "character 8: unexpected character \"#\"\n  'ü' eq #\n         ^",
		"'\x00' eq #":                 "character 8: unexpected character \"#\"\n  ' ' eq #\n         ^",
		"userId '\x1b'":               "character 8: unexpected '\\x1b', want an operator (and, or, eq, ne, gt, ge, lt, le, in) or the end\n  userId ' '\n         ^",
		"true and":                    "character 9: unexpected end of filter, want an operand\n  true and\n          ^",
		"\x80\x80":                    "character 1: unexpected character \"\\ufffd\"\n  \n  ^",
		strings.Repeat("ü", 40) + "'": "character 1: unexpected character \"ü\"\n  üüüüüüüüüü…\n  ^",
	} {
		require.EqualError(t, cli.SetFilter(filter), want, "%q", filter)
	}
	assert.NoError(t, cli.SetFilter("userId eq 'ann'"))
}

// FuzzFilterFlag checks that no text panics, and that an error controls no terminal.
func FuzzFilterFlag(f *testing.F) {
	for _, s := range []string{"x", strings.Repeat("\x80", 60), strings.Repeat("true and ", 20) + "\x1b", "' eq", " ", "1 eq \u202e", "userId '\x1b'"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		err := cli.SetFilter(s)
		if err == nil {
			return
		}
		assert.False(t, strings.ContainsFunc(err.Error(), func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }), "%q", err)
	})
}
