package jsonscan

import "unicode/utf8"

const hexDigits = "0123456789abcdef"

// AppendQuoted appends a string as a JSON text. Bytes that are not UTF-8 become U+FFFD.
func AppendQuoted(buf []byte, s string) []byte {
	buf = append(buf, '"')
	from := 0
	for i, c := range s {
		if c >= ' ' && c != '"' && c != '\\' && c != utf8.RuneError {
			continue
		}
		buf = append(buf, s[from:i]...)
		from = i + 1
		switch c {
		case utf8.RuneError:
			_, size := utf8.DecodeRuneInString(s[i:]) // 3 for U+FFFD itself
			from = i + size
			buf = append(buf, "\uFFFD"...)
		case '"', '\\':
			buf = append(buf, '\\', byte(c))
		case '\n':
			buf = append(buf, '\\', 'n')
		case '\r':
			buf = append(buf, '\\', 'r')
		case '\t':
			buf = append(buf, '\\', 't')
		default:
			buf = append(buf, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	return append(append(buf, s[from:]...), '"')
}
