// Package glob matches names of dotted segments by pattern: ? matches one
// character and * any number of characters, none of them a dot; ** matches any
// number of characters, dots included; a backslash makes the \, * or ? after it
// literal. Matching is case-sensitive.
//
// Source: learn.microsoft.com/azure/azure-web-pubsub/concept-wildcard-group-roles.
package glob

import (
	"errors"
	"strings"
	"unicode/utf8"
)

// Pattern is a parsed pattern.
type Pattern struct {
	text  string
	parts []part
}

// String returns the text of the pattern.
func (p Pattern) String() string { return p.text }

type part struct {
	kind partKind
	char rune
}

type partKind uint8

const (
	partChar partKind = iota
	partOne           // ?
	partMany          // *
	partAny           // **
)

// Parse parses a pattern.
func Parse(text string) (Pattern, error) {
	if text == "" || !utf8.ValidString(text) {
		return Pattern{}, errors.New("pattern is empty or not UTF-8")
	}
	p := Pattern{text: text}
	for rest := text; rest != ""; {
		r, n := utf8.DecodeRuneInString(rest)
		switch {
		case r == '\\':
			next, m := utf8.DecodeRuneInString(rest[n:])
			if m == 0 || !strings.ContainsRune(`\*?`, next) {
				return Pattern{}, errors.New(`pattern has a backslash before a character other than \, * or ?`)
			}
			p.parts = append(p.parts, part{char: next})
			n += m
		case strings.HasPrefix(rest, "**"):
			p.parts = append(p.parts, part{kind: partAny})
			n = 2
		case r == '*':
			p.parts = append(p.parts, part{kind: partMany})
		case r == '?':
			p.parts = append(p.parts, part{kind: partOne})
		default:
			p.parts = append(p.parts, part{char: r})
		}
		rest = rest[n:]
	}
	return p, nil
}

// Stars returns how many stars the pattern has that are not literal. Each star of
// ** counts.
func (p Pattern) Stars() int {
	n := 0
	for _, q := range p.parts {
		switch q.kind {
		case partMany:
			n++
		case partAny:
			n += 2
		case partChar, partOne:
		}
	}
	return n
}

// Match reports whether the pattern matches a whole name. Its running time is
// proportional to the product of both lengths, whatever they contain.
func (p Pattern) Match(name string) bool {
	// reach[i] is whether the parts before i can match the name so far.
	reach := make([]bool, len(p.parts)+1)
	reach[0] = true
	p.skip(reach)
	next := make([]bool, len(reach))
	for _, r := range name {
		clear(next)
		for i, q := range p.parts {
			if !reach[i] {
				continue
			}
			switch q.kind {
			case partChar:
				next[i+1] = next[i+1] || r == q.char
			case partOne:
				next[i+1] = next[i+1] || r != '.'
			case partMany:
				next[i] = next[i] || r != '.'
			case partAny:
				next[i] = true
			}
		}
		reach, next = next, reach
		p.skip(reach)
	}
	return reach[len(p.parts)]
}

// skip adds the parts that follow stars that match nothing.
func (p Pattern) skip(reach []bool) {
	for i, q := range p.parts {
		if reach[i] && (q.kind == partMany || q.kind == partAny) {
			reach[i+1] = true
		}
	}
}
