package jsonscan

import (
	"fmt"
	"math/bits"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// MaxDepth is the nesting of arrays and objects that [Scanner.Skip], [Scanner.Raw]
// and [Check] accept, since they recurse. All packages use this one limit, so that
// what one side of a connection accepts, the other side can read.
const MaxDepth = 1000

const ruleDepth = "want at most 1000 levels of nesting"

// Check returns an error if a text is not one JSON value of at most [MaxDepth]
// levels. The error does not quote the text.
func Check(text string) error {
	s := New(text)
	s.Skip()
	s.End()
	return s.Err()
}

// Scanner reads a JSON text (RFC 8259) once, front to back, without building a
// tree: the caller calls the method for the value that it expects next.
//
// When the text breaks a rule, the scanner records the rule and moves to the end
// of the text. All loops end there, so it is enough to call [Scanner.Err] last.
type Scanner struct {
	text  string
	pos   int
	valid bool // text is valid UTF-8

	broken   string // the first broken rule, empty if there is none
	brokenAt int
}

// New returns a scanner at the start of a text.
func New(text string) Scanner {
	return Scanner{text: text, valid: utf8.ValidString(text)}
}

// Fail records the first broken rule and ends the scan. Rules are constants, so that
// errors do not quote the text.
func (s *Scanner) Fail(at int, rule string) {
	if s.broken == "" {
		s.broken, s.brokenAt = rule, at
	}
	s.pos = len(s.text)
}

// Err returns an error with the first broken rule and its offset.
func (s *Scanner) Err() error {
	switch {
	case s.broken == "":
		return nil
	case s.brokenAt == len(s.text):
		return fmt.Errorf("text ends at offset %d: %s", s.brokenAt, s.broken)
	}
	return fmt.Errorf("offset %d: %s", s.brokenAt, s.broken)
}

// Next returns the first byte of the next token without reading it. It returns zero
// at the end of the text.
func (s *Scanner) Next() byte {
	for s.pos < len(s.text) {
		c := s.text[s.pos]
		if c > ' ' || c != ' ' && c != '\n' && c != '\r' && c != '\t' {
			return c
		}
		s.pos++
	}
	return 0
}

// End reads the end of the text.
func (s *Scanner) End() {
	if s.Next(); s.pos < len(s.text) {
		s.Fail(s.pos, "want nothing after the value")
	}
}

// Object reads the start of an object and reports whether a member follows. With
// [Scanner.More] it forms a loop over the members.
func (s *Scanner) Object() bool { return s.open('{', '}', "want an object") }

// Array reads the start of an array and reports whether an element follows.
func (s *Scanner) Array() bool { return s.open('[', ']', "want an array") }

func (s *Scanner) open(start, end byte, rule string) bool {
	if s.Next() != start {
		s.Fail(s.pos, rule)
		return false
	}
	s.pos++
	if s.Next() == end {
		s.pos++
		return false
	}
	return true
}

// More reads a comma or the end of the object or array, and reports whether another
// element follows.
func (s *Scanner) More(end byte) bool {
	switch s.Next() {
	case ',':
		s.pos++
		return true
	case end:
		s.pos++
		return false
	}
	s.Fail(s.pos, "want a comma or the closing bracket")
	return false
}

// Name reads the name of a member and its colon.
func (s *Scanner) Name() string {
	lo, hi, plain := s.quoted()
	s.colon()
	return s.cut(lo, hi, plain)
}

func (s *Scanner) colon() {
	if s.Next() != ':' {
		s.Fail(s.pos, "want a colon after the member's name")
		return
	}
	s.pos++
}

// Text reads a string.
func (s *Scanner) Text() string { return s.cut(s.quoted()) }

// TextOrNull reads a string or null, which it returns as an empty string.
func (s *Scanner) TextOrNull() string {
	if s.Null() {
		return ""
	}
	return s.Text()
}

// Null reads null if it is the next token, and reports whether it is.
func (s *Scanner) Null() bool {
	if s.Next() != 'n' {
		return false
	}
	s.literal("null")
	return true
}

func (s *Scanner) literal(word string) {
	if !strings.HasPrefix(s.text[s.pos:], word) {
		s.Fail(s.pos, "want a value")
		return
	}
	s.pos += len(word)
}

// quoted reads a string and returns the range between its quotes. If plain, that
// range is the string's value.
func (s *Scanner) quoted() (lo, hi int, plain bool) {
	if s.Next() != '"' {
		s.Fail(s.pos, "want a string")
		return 0, 0, true
	}
	lo, plain = s.pos+1, s.valid
	for i := lo; ; {
		i = plainEnd(s.text, i)
		switch {
		case i == len(s.text):
			s.Fail(i, "want the string's closing quote")
			return 0, 0, true
		case s.text[i] == '"':
			s.pos = i + 1
			return lo, i, plain
		case s.text[i] != '\\':
			s.Fail(i, "want no control character in a string")
			return 0, 0, true
		}
		n := escapeLen(s.text[i:])
		if n == 0 {
			s.Fail(i, `want one of "\/bfnrtu after a backslash, and four hexadecimal digits after \u`)
			return 0, 0, true
		}
		plain = false
		i += n
	}
}

// plainEnd returns the index of the first quote, backslash or control character at
// or after i, len(s) if there is none.
//
// It tests eight bytes at a time: a subtraction sets the high bit of each byte that
// is less than the subtrahend. Because of borrows, only the lowest such byte is
// certain.
func plainEnd(s string, i int) int {
	const (
		ones  = 0x0101010101010101
		highs = 0x80 * ones
	)
	for ; i+8 <= len(s); i += 8 {
		b := s[i : i+8]
		w := uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 |
			uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
		quote, backslash := w^'"'*ones, w^'\\'*ones
		if found := ((quote - ones) | (backslash - ones) | (w - ' '*ones)) &^ w & highs; found != 0 {
			return i + bits.TrailingZeros64(found)/8
		}
	}
	for ; i < len(s); i++ {
		if c := s[i]; c == '"' || c == '\\' || c < ' ' {
			return i
		}
	}
	return i
}

// cut returns the value of a string from its range. It is a substring of the text,
// unless it has escapes or invalid UTF-8, which is replaced by U+FFFD.
func (s *Scanner) cut(lo, hi int, plain bool) string {
	if plain {
		return s.text[lo:hi]
	}
	return unquote(s.text[lo:hi])
}

func unquote(in string) string {
	var out strings.Builder
	out.Grow(len(in))
	for {
		n := strings.IndexByte(in, '\\')
		if n < 0 {
			writeUTF8(&out, in)
			return out.String()
		}
		writeUTF8(&out, in[:n])
		r, size := unescape(in[n:])
		out.WriteRune(r)
		in = in[n+size:]
	}
}

func writeUTF8(out *strings.Builder, in string) {
	if utf8.ValidString(in) {
		out.WriteString(in)
		return
	}
	for _, r := range in {
		out.WriteRune(r)
	}
}

// escapeLen returns the length of the escape at the start of s, zero if it is invalid.
func escapeLen(s string) int {
	if len(s) < 2 {
		return 0
	}
	switch s[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		if _, ok := hex4(s[2:]); ok {
			return 6
		}
	}
	return 0
}

// unescape decodes the escape at the start of s, and the next one too if they are a
// surrogate pair. A lone surrogate becomes U+FFFD.
func unescape(s string) (r rune, size int) {
	switch s[1] {
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	case 'u':
		r, _ = hex4(s[2:])
		if !utf16.IsSurrogate(r) {
			return r, 6
		}
		if rest, ok := strings.CutPrefix(s[6:], `\u`); ok {
			low, _ := hex4(rest)
			if r = utf16.DecodeRune(r, low); r != utf8.RuneError {
				return r, 12
			}
		}
		return utf8.RuneError, 6
	}
	return rune(s[1]), 2
}

// hex4 parses four hexadecimal digits.
func hex4(s string) (r rune, ok bool) {
	if len(s) < 4 {
		return 0, false
	}
	for i := range 4 {
		c := s[i]
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// Skip reads any value.
func (s *Scanner) Skip() { s.skipNested(MaxDepth) }

func (s *Scanner) skipNested(depth int) {
	switch s.Next() {
	case '"':
		s.quoted()
	case 't':
		s.literal("true")
	case 'f':
		s.literal("false")
	case 'n':
		s.literal("null")
	case '{':
		if depth == 0 {
			s.Fail(s.pos, ruleDepth)
		}
		for more := s.Object(); more; more = s.More('}') {
			s.quoted()
			s.colon()
			s.skipNested(depth - 1)
		}
	case '[':
		if depth == 0 {
			s.Fail(s.pos, ruleDepth)
		}
		for more := s.Array(); more; more = s.More(']') {
			s.skipNested(depth - 1)
		}
	default:
		s.number()
	}
}

// number reads a number. It does not check what follows.
func (s *Scanner) number() {
	if s.at('-') {
		s.pos++
	}
	if s.at('0') {
		s.pos++
	} else {
		s.digits("want a value")
	}
	if s.at('.') {
		s.pos++
		s.digits("want a digit after the decimal point")
	}
	if s.at('e') || s.at('E') {
		s.pos++
		if s.at('+') || s.at('-') {
			s.pos++
		}
		s.digits("want a digit in the exponent")
	}
}

func (s *Scanner) at(c byte) bool { return s.pos < len(s.text) && s.text[s.pos] == c }

func (s *Scanner) digits(rule string) {
	from := s.pos
	for s.pos < len(s.text) && '0' <= s.text[s.pos] && s.text[s.pos] <= '9' {
		s.pos++
	}
	if s.pos == from {
		s.Fail(from, rule)
	}
}
