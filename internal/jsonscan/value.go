package jsonscan

import (
	"math"
	"strings"
	"unicode/utf8"
)

// Pos returns the scanner's offset in the text.
func (s *Scanner) Pos() int { return s.pos }

// Raw reads any value and returns its JSON.
func (s *Scanner) Raw() string {
	s.Next()
	from := s.pos
	s.Skip()
	return s.text[from:s.pos]
}

// Unquote returns the value of a JSON string that [Scanner.Raw] has read; false if
// it is not a string.
func Unquote(raw string) (string, bool) {
	if len(raw) < 2 || raw[0] != '"' {
		return "", false
	}
	raw = raw[1 : len(raw)-1]
	if strings.IndexByte(raw, '\\') < 0 && utf8.ValidString(raw) {
		return raw, true
	}
	return unquote(raw), true
}

// Bool reads true or false.
func (s *Scanner) Bool() bool {
	switch s.Next() {
	case 't':
		s.literal("true")
		return true
	case 'f':
		s.literal("false")
	default:
		s.Fail(s.pos, "want true or false")
	}
	return false
}

const ruleUint = "want an integer from 0 to 18446744073709551615"

// Uint reads an unsigned integer.
func (s *Scanner) Uint() uint64 {
	s.Next()
	from := s.pos
	var n uint64
	for ; s.pos < len(s.text); s.pos++ {
		c := s.text[s.pos]
		if c < '0' || c > '9' {
			break
		}
		d := uint64(c - '0')
		if n > (math.MaxUint64-d)/10 {
			s.Fail(from, ruleUint)
			return 0
		}
		n = 10*n + d
	}
	if s.pos == from || s.text[from] == '0' && s.pos > from+1 || s.at('.') || s.at('e') || s.at('E') {
		s.Fail(from, ruleUint)
		return 0
	}
	return n
}
