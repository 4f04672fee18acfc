package cli

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf16"
)

// printableJSON writes JSON documents in which it escapes what encoding/json leaves and
// printable does not: invalid bytes, C1 control characters, and those that change the
// direction of writing. Each call writes whole documents.
type printableJSON struct{ w io.Writer }

// Write writes p.
func (j printableJSON) Write(p []byte) (int, error) {
	var b strings.Builder
	for _, r := range string(p) {
		if r < 0x7f || !isUnsafe(r) { // below are line feeds, and what encoding/json has escaped
			b.WriteRune(r)
			continue
		}
		for _, unit := range utf16.Encode([]rune{r}) {
			fmt.Fprintf(&b, `\u%04x`, unit)
		}
	}
	if _, err := io.WriteString(j.w, b.String()); err != nil {
		return 0, err
	}
	return len(p), nil
}
