package odata

import (
	"fmt"
	"strings"

	"github.com/go-webpubsub/webpubsub/internal/excerpt"
)

// Limits of what is parsed.
const (
	maxLength = 64 << 10 // bytes of a filter
	maxDepth  = 100      // nested parentheses, functions and nots
)

// Filter is a parsed filter. It is safe for concurrent use.
type Filter struct{ root node }

// Parse reads a filter and checks its types. The empty filter matches every
// connection; one of spaces is an error, since it was meant to match some.
func Parse(s string) (*Filter, error) {
	if s == "" {
		return &Filter{root: literal{true}}, nil
	}
	if len(s) > maxLength {
		return nil, fmt.Errorf("filter has %d bytes, want at most %d", len(s), maxLength)
	}
	p := parser{lexer: lexer{in: s}}
	root, err := p.filter()
	if err != nil {
		return nil, fmt.Errorf("invalid syntax for '%s': %w", excerpt.Short(s), err)
	}
	if err := want(root, kindBool); err != nil {
		return nil, fmt.Errorf("invalid syntax for '%s': %w", excerpt.Short(s), err)
	}
	return &Filter{root: root}, nil
}

type parser struct {
	lexer
	tok   token
	depth int
}

func (p *parser) advance() (err error) {
	p.tok, err = p.next()
	return err
}

func (p *parser) isName(name string) bool { return p.tok.kind == tokenName && p.tok.text == name }

func (p *parser) filter() (node, error) {
	if err := p.advance(); err != nil {
		return nil, err
	}
	root, err := p.or()
	if err != nil {
		return nil, err
	}
	if p.tok.kind != tokenEnd {
		// The service's own words, which tests of its packages look for.
		return nil, fmt.Errorf("syntax error at position %d in '%s'", p.at, excerpt.Short(p.in))
	}
	return root, nil
}

func (p *parser) or() (node, error) {
	return p.chain("or", p.and, func(a, b node) node { return logical{a, b, false} })
}

func (p *parser) and() (node, error) {
	return p.chain("and", p.comparison, func(a, b node) node { return logical{a, b, true} })
}

// chain reads operands with an operator between them, from left to right.
func (p *parser) chain(operator string, operand func() (node, error), join func(a, b node) node) (node, error) {
	left, err := operand()
	for err == nil && p.isName(operator) {
		if err = p.advance(); err != nil {
			break
		}
		var right node
		if right, err = operand(); err == nil {
			left = join(left, right)
		}
	}
	return left, err
}

func (p *parser) comparison() (node, error) {
	left, err := p.unary()
	if err != nil || p.tok.kind != tokenName {
		return left, err
	}
	operator := p.tok.text
	switch operator {
	case "eq", "ne", "gt", "ge", "lt", "le":
		if err := p.advance(); err != nil {
			return nil, err
		}
		right, err := p.unary()
		return compare{operator, left, right}, err
	case "in":
		if err := p.advance(); err != nil {
			return nil, err
		}
		list, err := p.list()
		return in{left, list}, err
	}
	return left, nil
}

// list reads what follows in: a collection, or operands in parentheses. Empty
// operands are passed over.
func (p *parser) list() ([]node, error) {
	if p.tok.kind != tokenOpen {
		one, err := p.unary()
		return []node{one}, err
	}
	if err := p.enter(); err != nil {
		return nil, err
	}
	var out []node
	for p.tok.kind != tokenClose {
		if p.tok.kind == tokenComma {
			if err := p.advance(); err != nil {
				return nil, err
			}
			continue
		}
		one, err := p.or()
		if err != nil {
			return nil, err
		}
		out = append(out, one)
		if p.tok.kind != tokenComma && p.tok.kind != tokenClose {
			return nil, p.expected("',' or ')'")
		}
	}
	return out, p.leave()
}

func (p *parser) unary() (node, error) {
	if !p.isName("not") {
		return p.primary()
	}
	if err := p.enter(); err != nil {
		return nil, err
	}
	operand, err := p.unary()
	p.depth--
	return not{operand}, err
}

func (p *parser) primary() (node, error) {
	t := p.tok
	switch t.kind {
	case tokenText:
		return literal{t.text}, p.advance()
	case tokenInt:
		return literal{t.n}, p.advance()
	case tokenOpen:
		if err := p.enter(); err != nil {
			return nil, err
		}
		inner, err := p.or()
		if err != nil {
			return nil, err
		}
		if p.tok.kind != tokenClose {
			return nil, p.expected("')'")
		}
		return inner, p.leave()
	case tokenName:
		return p.named()
	default:
		return nil, p.expected("an operand")
	}
}

// named reads a word: a literal, a field or a call.
func (p *parser) named() (node, error) {
	t := p.tok
	if err := p.advance(); err != nil {
		return nil, err
	}
	if p.tok.kind == tokenOpen {
		return p.call(t)
	}
	switch t.text {
	case "true":
		return literal{true}, nil
	case "false":
		return literal{false}, nil
	case "null":
		return literal{nil}, nil
	}
	if f, ok := fields[strings.ToLower(t.text)]; ok {
		return f, nil
	}
	return unknown{t}, nil
}

func (p *parser) call(name token) (node, error) {
	f, ok := functions[name.text]
	if !ok {
		return nil, fmt.Errorf("function %v at offset %d is not supported", name, name.at)
	}
	if err := p.enter(); err != nil {
		return nil, err
	}
	var args []node
	for p.tok.kind != tokenClose {
		if len(args) > 0 {
			if p.tok.kind != tokenComma {
				return nil, p.expected("',' or ')'")
			}
			if err := p.advance(); err != nil {
				return nil, err
			}
		}
		arg, err := p.or()
		if err != nil {
			return nil, err
		}
		args = append(args, arg)
	}
	if len(args) < f.least || len(args) > len(f.params) {
		return nil, fmt.Errorf("function %v at offset %d has %d arguments, want %d to %d", name, name.at, len(args), f.least, len(f.params))
	}
	return call{name.text, f, args}, p.leave()
}

// enter steps over the token that opens something nested.
func (p *parser) enter() error {
	if p.depth++; p.depth > maxDepth {
		return fmt.Errorf("nested more than %d deep at offset %d", maxDepth, p.tok.at)
	}
	return p.advance()
}

// leave steps over the token that closes it.
func (p *parser) leave() error {
	p.depth--
	return p.advance()
}

func (p *parser) expected(what string) error {
	return fmt.Errorf("%v at offset %d, expect %s", p.tok, p.tok.at, what)
}
