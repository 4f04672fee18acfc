// Package excerpt shortens untrusted text for errors and logs.
package excerpt

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxShort is the number of bytes that [Short] keeps.
const maxShort = 128

// Name returns a name for an error, quoted and cut by [Short]. It hides a
// connection string that was passed by mistake.
func Name(s string) string {
	if strings.Contains(strings.ToLower(s), "accesskey") {
		return "(a connection string)"
	}
	return fmt.Sprintf("%q", Short(s))
}

// Short cuts a text after 128 bytes.
func Short(s string) string { return Cut(s, maxShort) }

// Cut cuts a text after at most that many bytes, between two characters.
func Cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for most > 0 && !utf8.RuneStart(s[most]) {
		most--
	}
	return s[:most] + "…"
}

// Line cuts a text and replaces all unprintable characters by spaces, so that the
// text cannot break or forge a line of a log.
func Line(s string, most int) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(Cut(s, most), ""))
}
