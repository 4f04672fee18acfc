package cli

import "strings"

// printableLines is like printable, but leaves line feeds and tabs as they are.
func printableLines(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		line, end := strings.CutSuffix(line, "\n")
		for i, column := range strings.Split(line, "\t") {
			if i > 0 {
				b.WriteByte('\t')
			}
			b.WriteString(printable(column))
		}
		if end {
			b.WriteByte('\n')
		}
	}
	return b.String()
}
