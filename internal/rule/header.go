package rule

import "strings"

// IsToken reports whether s is an HTTP token, as names of headers are.
//
// Source: RFC 9110, section 5.6.2.
func IsToken(s string) bool {
	for i := range len(s) {
		if c := s[i]; !isLetter(c) && !isDigit(c) && strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0 {
			return false
		}
	}
	return s != ""
}

// IsHeaderValue reports whether s arrives unchanged as the value of a header:
// printable ASCII, with spaces and tabs inside only. It may be empty.
//
// Source: RFC 9110, section 5.5.
func IsHeaderValue(s string) bool { return isPrintable(s) && strings.Trim(s, " \t") == s }

func isPrintable(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < ' ' && c != '\t') || c > '~' {
			return false
		}
	}
	return true
}
