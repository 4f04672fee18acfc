package odata

import "fmt"

// kind is the type of a value, or a set of types. Null is compatible with every type
// of single value.
type kind uint8

const (
	kindBool kind = 1 << iota
	kindInt
	kindText
	kindCollection
	kindNull

	kindSingle = kindBool | kindInt | kindText | kindNull
)

func (k kind) String() string {
	switch k {
	case kindBool:
		return "bool"
	case kindInt:
		return "int"
	case kindText:
		return "string"
	case kindCollection:
		return "collection"
	case kindNull:
		return "null"
	case kindText | kindCollection:
		return "string or collection"
	default:
		return "single value"
	}
}

// want returns an error if a node is of none of the kinds.
func want(n node, kinds kind) error {
	got, err := n.check()
	if err != nil {
		return err
	}
	if got&kinds == 0 {
		return fmt.Errorf("type '%v', expect '%v'", got, kinds&^kindNull)
	}
	return nil
}

func (l literal) check() (kind, error) {
	switch l.value.(type) {
	case bool:
		return kindBool, nil
	case int32:
		return kindInt, nil
	case string:
		return kindText, nil
	}
	return kindNull, nil
}

func (f field) check() (kind, error) { return f.kind, nil }

func (u unknown) check() (kind, error) {
	return 0, fmt.Errorf("token %v at offset %d is not supported", u.token, u.token.at)
}

func (l logical) check() (kind, error) {
	if err := want(l.a, kindBool); err != nil {
		return 0, err
	}
	return kindBool, want(l.b, kindBool)
}

func (n not) check() (kind, error) { return kindBool, want(n.operand, kindBool) }

func (c compare) check() (kind, error) {
	operands := kindInt | kindNull
	if c.operator == "eq" || c.operator == "ne" {
		operands = kindSingle
	}
	if err := want(c.a, operands); err != nil {
		return 0, err
	}
	return kindBool, want(c.b, operands)
}

func (i in) check() (kind, error) {
	if len(i.list) == 1 {
		if got, err := i.list[0].check(); err == nil && got == kindCollection {
			return kindBool, want(i.operand, kindText|kindNull)
		}
	}
	for _, n := range i.list {
		if err := want(n, kindSingle); err != nil {
			return 0, err
		}
	}
	return kindBool, want(i.operand, kindSingle)
}

func (c call) check() (kind, error) {
	for i, n := range c.args {
		if err := want(n, c.f.params[i]|kindNull); err != nil {
			return 0, fmt.Errorf("function '%s': %w", c.name, err)
		}
	}
	return c.f.result, nil
}
