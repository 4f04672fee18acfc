package cli

import (
	"strconv"
	"strings"
	"unicode"
)

// printable makes a text of strangers safe for a terminal. It escapes what could move the
// cursor, hide a part of the text or begin a line: control characters, those that change
// the direction of writing, and invalid bytes.
func printable(text string) string {
	if !strings.ContainsFunc(text, isUnsafe) {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if isUnsafe(r) {
			quoted := strconv.QuoteRuneToASCII(r)
			b.WriteString(quoted[1 : len(quoted)-1])
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

func isUnsafe(r rune) bool {
	switch r {
	case '\u200c', '\u200d': // joiners, of Persian and emoji
		return false
	case unicode.ReplacementChar:
		return true
	}
	return !unicode.IsPrint(r)
}
