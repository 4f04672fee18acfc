package odata

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/go-webpubsub/webpubsub/internal/excerpt"
)

// Limits of filters.
const (
	maxLength = 64 << 10 // bytes of a filter
	maxDepth  = 100      // nested parentheses, functions and nots
)

// Filter is a parsed filter. It is safe for concurrent use.
type Filter struct{ root node }

// Parse parses a filter and checks its types. The empty filter matches every
// connection. A filter of spaces is an error: it was meant to select connections.
func Parse(s string) (*Filter, error) {
	if s == "" {
		return &Filter{root: literal(kindBool, true)}, nil
	}
	if len(s) > maxLength {
		return nil, tooLong(s)
	}
	p := parser{lexer: lexer{in: s}}
	root := p.filter()
	if err := cmp.Or(p.err, root.want(kindBool)); err != nil {
		err.filter = s
		return nil, err
	}
	return &Filter{root: root}, nil
}

// parser parses a filter. Its methods return any node after the first error.
type parser struct {
	lexer
	tok   token
	depth int
	err   *Error // of syntax; the first
}

// fail keeps the first error and ends the filter.
func (p *parser) fail(err *Error) node {
	p.err = cmp.Or(p.err, err)
	p.tok = token{kind: tokenEnd}
	return node{}
}

func (p *parser) expected(what string) node {
	err := mistake(p.tok.at, "%v at offset %d, expect %s", p.tok, p.tok.at, what)
	err.Reason = fmt.Sprintf("unexpected %v, want %s", p.tok, what)
	return p.fail(err)
}

func (p *parser) advance() {
	if p.err != nil {
		return
	}
	var err *Error
	if p.tok, err = p.next(); err != nil {
		p.fail(err)
	}
}

// enter consumes the token that begins a nested expression.
func (p *parser) enter() {
	if p.depth++; p.depth > maxDepth {
		p.fail(mistake(p.tok.at, "nested more than %d deep at offset %d", maxDepth, p.tok.at))
	}
	p.advance()
}

// leave consumes the token that ends it.
func (p *parser) leave() {
	p.depth--
	p.advance()
}

func (p *parser) isName(name string) bool { return p.tok.kind == tokenName && p.tok.text == name }

func (p *parser) filter() node {
	p.advance()
	root := p.or()
	if p.tok.kind != tokenEnd {
		// The service's text, which the tests of its packages check.
		err := mistake(p.tok.at, "syntax error at position %d in '%s'", p.at, excerpt.Short(p.in))
		err.Reason = fmt.Sprintf("unexpected %v, want an operator (and, or, eq, ne, gt, ge, lt, le, in) or the end", p.tok)
		return p.fail(err)
	}
	return root
}

func (p *parser) or() node { return p.chain("or", p.and, or) }

func (p *parser) and() node { return p.chain("and", p.comparison, and) }

// chain parses a left-associative chain of operands and one operator.
func (p *parser) chain(operator string, operand func() node, join func(a, b node) node) node {
	left := operand()
	for p.isName(operator) {
		p.advance()
		left = join(left, operand()).from(left.at)
	}
	return left
}

func (p *parser) comparison() node {
	left := p.unary()
	if p.isName("in") {
		p.advance()
		return in(left, p.list()).from(left.at)
	}
	if p.tok.kind == tokenName {
		if compare, ok := comparisons[p.tok.text]; ok {
			p.advance()
			return compare(left, p.unary()).from(left.at)
		}
	}
	return left
}

// list parses the right side of in: a collection, or operands in parentheses. It
// skips empty operands.
func (p *parser) list() []node {
	if p.tok.kind != tokenOpen {
		return []node{p.unary()}
	}
	p.enter()
	var out []node
	for p.tok.kind != tokenClose {
		if p.tok.kind == tokenComma {
			p.advance()
			continue
		}
		out = append(out, p.or())
		if p.tok.kind != tokenComma && p.tok.kind != tokenClose {
			p.expected("',' or ')'")
			return nil
		}
	}
	p.leave()
	return out
}

func (p *parser) unary() node {
	if !p.isName("not") {
		return p.primary()
	}
	at := p.tok.at
	p.enter()
	operand := p.unary()
	p.depth--
	return not(operand).from(at)
}

func (p *parser) primary() node {
	t := p.tok
	switch t.kind {
	case tokenText:
		p.advance()
		return literal(kindText, t.text).from(t.at)
	case tokenInt:
		p.advance()
		return literal(kindInt, t.n).from(t.at)
	case tokenOpen:
		p.enter()
		inner := p.or()
		if p.tok.kind != tokenClose {
			return p.expected("')'")
		}
		p.leave()
		return inner
	case tokenName:
		p.advance()
		if p.tok.kind == tokenOpen {
			return p.call(t).from(t.at)
		}
		return named(t).from(t.at)
	default:
		return p.expected("an operand")
	}
}

// named returns a literal or a property.
func named(t token) node {
	switch t.text {
	case "true":
		return literal(kindBool, true)
	case "false":
		return literal(kindBool, false)
	case "null":
		return literal(kindNull, nil)
	}
	if f, ok := fields[strings.ToLower(t.text)]; ok {
		return f
	}
	err := mistake(t.at, "token %v at offset %d is not supported", t, t.at)
	err.Reason = fmt.Sprintf("unknown property %v, want connectionId, userId, groups or protocol", t)
	return node{err: err}
}

func (p *parser) call(name token) node {
	f, ok := functions[name.text]
	if !ok {
		err := mistake(name.at, "function %v at offset %d is not supported", name, name.at)
		err.Reason = fmt.Sprintf("unknown function %v, want one of %s", name, strings.Join(slices.Sorted(maps.Keys(functions)), ", "))
		return p.fail(err)
	}
	p.enter()
	var args []node
	for p.tok.kind != tokenClose {
		if len(args) > 0 {
			if p.tok.kind != tokenComma {
				return p.expected("',' or ')'")
			}
			p.advance()
		}
		args = append(args, p.or())
	}
	if len(args) < f.least || len(args) > len(f.params) {
		return p.fail(mistake(name.at, "function %v at offset %d has %d arguments, want %d to %d", name, name.at, len(args), f.least, len(f.params)))
	}
	p.leave()
	return call(name.text, f, args)
}
