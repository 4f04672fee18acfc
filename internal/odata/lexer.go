package odata

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

type tokenKind uint8

const (
	tokenEnd   tokenKind = iota
	tokenName            // identifier, function, operator, literal word
	tokenText            // quoted string
	tokenInt             // integer
	tokenOpen            // (
	tokenClose           // )
	tokenComma           // ,
)

type token struct {
	kind tokenKind
	text string // the value of a tokenText; other tokens as written
	n    int32
	at   int // byte offset in the filter
}

func (t token) String() string {
	if t.kind == tokenEnd {
		return "end of filter"
	}
	return "'" + t.text + "'"
}

type lexer struct {
	in string
	at int
}

// next returns the next token.
func (l *lexer) next() (token, *Error) {
	for l.at < len(l.in) && strings.IndexByte(" \t\r\n", l.in[l.at]) >= 0 {
		l.at++
	}
	start := l.at
	if start == len(l.in) {
		return token{at: start}, nil
	}
	switch c := l.in[start]; {
	case c == '(':
		return l.single(tokenOpen), nil
	case c == ')':
		return l.single(tokenClose), nil
	case c == ',':
		return l.single(tokenComma), nil
	case c == '\'':
		return l.quoted()
	case isDigit(c), c == '+', c == '-':
		return l.integer()
	case isLetter(c):
		for l.at < len(l.in) && (isLetter(l.in[l.at]) || isDigit(l.in[l.at])) {
			l.at++
		}
		return token{kind: tokenName, text: l.in[start:l.at], at: start}, nil
	}
	err := mistake(start, "character %q at offset %d is not supported", l.in[start:start+1], start)
	char, _ := utf8.DecodeRuneInString(l.in[start:])
	if err.Reason = fmt.Sprintf("unexpected character %q", string(char)); char == '"' {
		err.Reason += ", want single quotes around a string"
	}
	return token{}, err
}

func (l *lexer) single(kind tokenKind) token {
	t := token{kind: kind, text: l.in[l.at : l.at+1], at: l.at}
	l.at++
	return t
}

// quoted reads a string in single quotes. A doubled quote is a quote.
func (l *lexer) quoted() (token, *Error) {
	start := l.at
	var b strings.Builder
	for rest := l.in[start+1:]; ; {
		i := strings.IndexByte(rest, '\'')
		if i < 0 {
			err := mistake(start, "string at offset %d is not terminated", start)
			err.Reason = "the string does not end, want a single quote after it; a quote in it is doubled"
			return token{}, err
		}
		b.WriteString(rest[:i])
		rest = rest[i+1:]
		if !strings.HasPrefix(rest, "'") {
			l.at = len(l.in) - len(rest)
			return token{kind: tokenText, text: b.String(), at: start}, nil
		}
		b.WriteByte('\'')
		rest = rest[1:]
	}
}

func (l *lexer) integer() (token, *Error) {
	start := l.at
	l.at++
	for l.at < len(l.in) && isDigit(l.in[l.at]) {
		l.at++
	}
	text := l.in[start:l.at]
	n, failed := strconv.ParseInt(text, 10, 32)
	if failed != nil || (l.at < len(l.in) && (isLetter(l.in[l.at]) || l.in[l.at] == '.')) {
		return token{}, mistake(start, "%q at offset %d is not a 32-bit integer", text, start)
	}
	return token{kind: tokenInt, text: text, n: int32(n), at: start}, nil
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isLetter(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_' }
