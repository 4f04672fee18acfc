package odata

import (
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

// node is a part of a filter. eval returns nil, a bool, an int32, a string or, for
// groups only, a []string. check has checked the types of operands before.
type node interface {
	check() (kind, error)
	eval(s *Subject) any
}

type literal struct{ value any }

func (l literal) eval(*Subject) any { return l.value }

type field struct {
	kind  kind
	value func(*Subject) any
}

func (f field) eval(s *Subject) any { return f.value(s) }

// fields are the properties by name in lower case.
var fields = map[string]field{
	"connectionid": {kindText, func(s *Subject) any { return s.ConnectionID }},
	"userid": {kindText, func(s *Subject) any {
		if s.UserID == nil {
			return nil
		}
		return *s.UserID
	}},
	"protocol": {kindText, func(s *Subject) any {
		if s.Protocol == "" {
			return nil
		}
		return s.Protocol
	}},
	"groups": {kindCollection, func(s *Subject) any { return s.Groups }},
}

// unknown is an unknown name. Its check returns the error, so that syntax errors are
// reported first.
type unknown struct{ token token }

func (unknown) eval(*Subject) any { return nil }

type logical struct {
	a, b node
	and  bool
}

func (l logical) eval(s *Subject) any {
	if l.and {
		return l.a.eval(s) == true && l.b.eval(s) == true
	}
	return l.a.eval(s) == true || l.b.eval(s) == true
}

type not struct{ operand node }

func (n not) eval(s *Subject) any { return n.operand.eval(s) != true }

type compare struct {
	operator string
	a, b     node
}

func (c compare) eval(s *Subject) any {
	a, b := c.a.eval(s), c.b.eval(s)
	switch c.operator {
	case "eq":
		return a == b
	case "ne":
		return a != b
	}
	x, okX := a.(int32)
	y, okY := b.(int32)
	if !okX || !okY {
		return false // null is not ordered
	}
	switch c.operator {
	case "gt":
		return x > y
	case "ge":
		return x >= y
	case "lt":
		return x < y
	}
	return x <= y
}

type in struct {
	operand node
	list    []node
}

func (i in) eval(s *Subject) any {
	v := i.operand.eval(s)
	for _, n := range i.list {
		one := n.eval(s)
		if groups, ok := one.([]string); ok {
			name, ok := v.(string)
			return ok && slices.Contains(groups, name)
		}
		if v == one {
			return true
		}
	}
	return false
}

type call struct {
	name string
	f    function
	args []node
}

func (c call) eval(s *Subject) any {
	values := make([]any, len(c.args))
	for i, n := range c.args {
		values[i] = n.eval(s)
	}
	return c.f.call(values)
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
