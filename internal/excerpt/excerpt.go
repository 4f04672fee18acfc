// Package excerpt shows texts that came from elsewhere, in errors and logs.
package excerpt

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxName is how many bytes of a name an error shows.
const maxName = 128

// Name quotes a name for an error, cut after 128 bytes. It does not show a
// connection string that was given in a name's place.
func Name(s string) string {
	if strings.Contains(strings.ToLower(s), "accesskey") {
		return "(a connection string)"
	}
	return fmt.Sprintf("%q", Cut(s, maxName))
}

// Cut shortens a text to so many bytes, between two characters.
func Cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for most > 0 && !utf8.RuneStart(s[most]) {
		most--
	}
	return s[:most] + "…"
}

// Line cuts a text, and takes out what could break or forge a line of a log.
func Line(s string, most int) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(Cut(s, most), ""))
}
