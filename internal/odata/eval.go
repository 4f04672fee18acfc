package odata

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf16"
)

// Subject holds the properties of a connection.
type Subject struct {
	ConnectionID string
	UserID       *string // nil: null
	Groups       []string
	Protocol     string // empty: null
}

// Match reports whether the filter matches a connection.
func (f *Filter) Match(s Subject) bool { return f.root.eval(&s) == true }

// node is a part of a filter.
type node struct {
	kind kind
	// err is an error of types or of an unknown name. It is reported after those of
	// syntax.
	err *Error
	// at is its offset in the filter.
	at int
	// eval returns nil, a bool, an int32, a string or, for groups only, a []string. It
	// is not called if there is an error.
	eval func(s *Subject) any
}

// from returns the node with the offset of its first token.
func (n node) from(at int) node {
	n.at = at
	return n
}

// fields are the properties by name in lower case.
var fields = map[string]node{
	"connectionid": {kind: kindText, eval: func(s *Subject) any { return s.ConnectionID }},
	"userid": {kind: kindText, eval: func(s *Subject) any {
		if s.UserID == nil {
			return nil
		}
		return *s.UserID
	}},
	"protocol": {kind: kindText, eval: func(s *Subject) any {
		if s.Protocol == "" {
			return nil
		}
		return s.Protocol
	}},
	"groups": {kind: kindCollection, eval: func(s *Subject) any { return s.Groups }},
}

func literal(k kind, value any) node {
	return node{kind: k, eval: func(*Subject) any { return value }}
}

func and(a, b node) node {
	return node{kind: kindBool, err: cmp.Or(a.want(kindBool), b.want(kindBool)), eval: func(s *Subject) any {
		return a.eval(s) == true && b.eval(s) == true
	}}
}

func or(a, b node) node {
	return node{kind: kindBool, err: cmp.Or(a.want(kindBool), b.want(kindBool)), eval: func(s *Subject) any {
		return a.eval(s) == true || b.eval(s) == true
	}}
}

func not(n node) node {
	return node{kind: kindBool, err: n.want(kindBool), eval: func(s *Subject) any { return n.eval(s) != true }}
}

// equality compares by eq, or by ne if different is set.
func equality(a, b node, different bool) node {
	return node{kind: kindBool, err: cmp.Or(a.want(kindSingle), b.want(kindSingle)), eval: func(s *Subject) any {
		return (a.eval(s) == b.eval(s)) != different
	}}
}

// order compares integers. The result is false if either is null.
func order(a, b node, holds func(x, y int32) bool) node {
	const kinds = kindInt | kindNull
	return node{kind: kindBool, err: cmp.Or(a.want(kinds), b.want(kinds)), eval: func(s *Subject) any {
		x, okX := a.eval(s).(int32)
		y, okY := b.eval(s).(int32)
		return okX && okY && holds(x, y)
	}}
}

// comparisons are the operators that compare two operands.
var comparisons = map[string]func(a, b node) node{
	"eq": func(a, b node) node { return equality(a, b, false) },
	"ne": func(a, b node) node { return equality(a, b, true) },
	"gt": func(a, b node) node { return order(a, b, func(x, y int32) bool { return x > y }) },
	"ge": func(a, b node) node { return order(a, b, func(x, y int32) bool { return x >= y }) },
	"lt": func(a, b node) node { return order(a, b, func(x, y int32) bool { return x < y }) },
	"le": func(a, b node) node { return order(a, b, func(x, y int32) bool { return x <= y }) },
}

// in looks for the operand in a collection or in a list of single values.
func in(operand node, list []node) node {
	if len(list) == 1 && list[0].kind == kindCollection {
		return node{kind: kindBool, err: operand.want(kindText | kindNull), eval: func(s *Subject) any {
			groups, _ := list[0].eval(s).([]string)
			name, ok := operand.eval(s).(string)
			return ok && slices.Contains(groups, name)
		}}
	}
	var err *Error
	for _, n := range list {
		err = cmp.Or(err, n.want(kindSingle))
	}
	return node{kind: kindBool, err: cmp.Or(err, operand.want(kindSingle)), eval: func(s *Subject) any {
		v := operand.eval(s)
		return slices.ContainsFunc(list, func(n node) bool { return n.eval(s) == v })
	}}
}

func call(name string, f function, args []node) node {
	for i, n := range args {
		if err := n.want(f.params[i] | kindNull); err != nil {
			err.text = fmt.Sprintf("function '%s': %s", name, err.text)
			return node{err: err}
		}
	}
	return node{kind: f.result, eval: func(s *Subject) any {
		values := make([]any, len(args))
		for i, n := range args {
			values[i] = n.eval(s)
		}
		return f.call(values)
	}}
}

type function struct {
	params []kind // those after the first least are optional
	least  int
	result kind
	call   func(args []any) any
}

var functions = map[string]function{
	"tolower":    {[]kind{kindText}, 1, kindText, mapText(strings.ToLower)},
	"toupper":    {[]kind{kindText}, 1, kindText, mapText(strings.ToUpper)},
	"trim":       {[]kind{kindText}, 1, kindText, mapText(strings.TrimSpace)},
	"concat":     {[]kind{kindText, kindText}, 2, kindText, concat},
	"substring":  {[]kind{kindText, kindInt, kindInt}, 2, kindText, substring},
	"startswith": {[]kind{kindText, kindText}, 2, kindBool, test(strings.HasPrefix)},
	"endswith":   {[]kind{kindText, kindText}, 2, kindBool, test(strings.HasSuffix)},
	"contains":   {[]kind{kindText, kindText}, 2, kindBool, test(strings.Contains)},
	"indexof":    {[]kind{kindText, kindText}, 2, kindInt, indexOf},
	"length":     {[]kind{kindText | kindCollection}, 1, kindInt, length},
}

func mapText(f func(string) string) func([]any) any {
	return func(args []any) any {
		if s, ok := args[0].(string); ok {
			return f(s)
		}
		return nil
	}
}

// test returns a predicate that is false if either argument is null.
func test(f func(s, part string) bool) func([]any) any {
	return func(args []any) any {
		s, okS := args[0].(string)
		part, okPart := args[1].(string)
		return okS && okPart && f(s, part)
	}
}

// concat treats null as empty. It returns null if both arguments are null.
func concat(args []any) any {
	a, okA := args[0].(string)
	b, okB := args[1].(string)
	if !okA && !okB {
		return nil
	}
	return a + b
}

// substring returns null if it is out of range.
func substring(args []any) any {
	s, okS := args[0].(string)
	from, okFrom := args[1].(int32)
	units := utf16.Encode([]rune(s))
	start, n := int(from), len(units)-int(from)
	okN := true
	if len(args) == 3 {
		var asked int32
		asked, okN = args[2].(int32)
		n = int(asked)
	}
	if !okS || !okFrom || !okN || start < 0 || n < 0 || start > len(units) || n > len(units)-start {
		return nil
	}
	return string(utf16.Decode(units[start : start+n]))
}

// indexOf returns -1 if either argument is null or s does not contain part.
func indexOf(args []any) any {
	s, okS := args[0].(string)
	part, okPart := args[1].(string)
	i := strings.Index(s, part)
	if !okS || !okPart || i < 0 {
		return int32(-1)
	}
	return length([]any{s[:i]})
}

// length returns the number of groups or of UTF-16 code units, or null for null.
func length(args []any) any {
	switch v := args[0].(type) {
	case []string:
		return int32(len(v)) //nolint:gosec // a connection is in far fewer groups
	case string:
		return int32(len(utf16.Encode([]rune(v)))) //nolint:gosec // a user id or filter is far shorter
	}
	return nil
}
