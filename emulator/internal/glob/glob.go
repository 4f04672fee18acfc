// Package glob matches names of dotted segments by pattern: ? stands for one
// character and * for any number of them, neither for a dot; ** stands for any
// number of characters with dots; a backslash before *, ? or itself takes it
// literally.
package glob

import (
	"errors"
	"strings"
	"unicode/utf8"
)

// Pattern is a parsed pattern.
type Pattern struct {
	parts []part
}

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

// Parse reads a pattern.
func Parse(text string) (Pattern, error) {
	if text == "" || !utf8.ValidString(text) {
		return Pattern{}, errors.New("pattern is empty or not UTF-8")
	}
	var p Pattern
	for rest := text; rest != ""; {
		r, n := utf8.DecodeRuneInString(rest)
		switch {
		case r == '\\':
			next, m := utf8.DecodeRuneInString(rest[n:])
			if m == 0 || !strings.ContainsRune(`\*?`, next) {
				return Pattern{}, errors.New(`pattern has a backslash before something else than \, * or ?`)
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

// Match tells whether a whole name fits the pattern. It takes time in
// proportion to the lengths of both, whatever they contain.
func (p Pattern) Match(name string) bool {
	// reach[i] tells whether the parts before i can have made the name so far.
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

// skip adds what is reached by stars that stand for nothing.
func (p Pattern) skip(reach []bool) {
	for i, q := range p.parts {
		if reach[i] && (q.kind == partMany || q.kind == partAny) {
			reach[i+1] = true
		}
	}
}
