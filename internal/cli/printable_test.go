package cli_test

import (
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/assert"

	"github.com/go-webpubsub/webpubsub/internal/cli"
)

func TestPrintable(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                      "",
		"plain, ünïcode 世界":     "plain, ünïcode 世界",
		"👩\u200d🚀":              "👩\u200d🚀",
		"a\nb\tc\r":             `a\nb\tc\r`,
		"\x1b[2J\a\x7f":         `\x1b[2J\a\x7f`,
		"\u009b31m":             `\u009b31m`,
		"abc\u202edef\u2066":    `abc\u202edef\u2066`,
		"line\u2028separator":   `line\u2028separator`,
		"no-break\u00a0space":   `no-break\u00a0space`,
		"\xff\xfe":              `\ufffd\ufffd`,
		"\ufeffmark and \ufffd": `\ufeffmark and \ufffd`,
	} {
		assert.Equal(t, want, cli.Printable(text), "%q", text)
	}
}

// FuzzPrintable checks that nothing is left that controls a terminal.
func FuzzPrintable(f *testing.F) {
	for _, s := range []string{"", "ann", "\x1b]0;title\a", "a\xf0\x9f", "\u202e", "\\x1b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := cli.Printable(s)
		assert.False(t, strings.ContainsFunc(got, func(r rune) bool {
			return r != '\u200c' && r != '\u200d' && !unicode.IsPrint(r)
		}), "%q", got)
		assert.Equal(t, got, cli.Printable(got), "escaping twice changes nothing")
	})
}
