package odata_test

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/internal/odata"
	"github.com/go-webpubsub/webpubsub/service/filter"
)

// condition is a filter of package service/filter and the expected result.
type condition struct {
	filter  filter.Filter
	holds   func(odata.Subject) bool
	nothing bool // the zero filter
}

// builder builds conditions from the bytes of plan and the texts.
type builder struct {
	plan  []byte
	texts []string
}

func (b *builder) next(n int) int {
	if len(b.plan) == 0 {
		return 0
	}
	c := int(b.plan[0])
	b.plan = b.plan[1:]
	return c % n
}

func (b *builder) text() string { return b.texts[b.next(len(b.texts))] }

func (b *builder) condition(depth int) condition {
	if depth > 0 {
		switch b.next(4) {
		case 1:
			return b.join(depth, false)
		case 2:
			return b.join(depth, true)
		case 3:
			c := b.condition(depth - 1)
			return condition{filter.Not(c.filter), func(s odata.Subject) bool { return !c.nothing && !c.holds(s) }, false}
		}
	}
	return b.leaf()
}

func (b *builder) join(depth int, or bool) condition {
	var filters []filter.Filter
	var parts []condition
	for range b.next(4) {
		c := b.condition(depth - 1)
		filters = append(filters, c.filter)
		if !c.nothing {
			parts = append(parts, c)
		}
	}
	if or {
		some := func(s odata.Subject) bool {
			return slices.ContainsFunc(parts, func(c condition) bool { return c.holds(s) })
		}
		return condition{filter.Or(filters...), some, false}
	}
	all := func(s odata.Subject) bool {
		return !slices.ContainsFunc(parts, func(c condition) bool { return !c.holds(s) })
	}
	return condition{filter.And(filters...), all, len(parts) == 0}
}

func (b *builder) leaf() condition {
	s := b.text()
	n := int32(b.next(9)) - 1
	field, value := filter.ConnectionID(), func(s odata.Subject) *string { return &s.ConnectionID }
	if b.next(2) == 0 {
		field, value = filter.UserID(), func(s odata.Subject) *string { return s.UserID }
	}
	with := func(f func(string) bool) func(odata.Subject) bool {
		return func(s odata.Subject) bool { v := value(s); return v != nil && f(*v) }
	}
	units := func(v string) int32 { return int32(len(utf16.Encode([]rune(v)))) }
	switch b.next(14) {
	case 0:
		return condition{field.Eq(s), with(func(v string) bool { return v == s }), false}
	case 1:
		return condition{field.Ne(s), func(o odata.Subject) bool { v := value(o); return v == nil || *v != s }, false}
	case 2:
		list := []string{s, b.text()}
		return condition{field.In(list...), with(func(v string) bool { return slices.Contains(list, v) }), false}
	case 3:
		return condition{field.HasPrefix(s), with(func(v string) bool { return strings.HasPrefix(v, s) }), false}
	case 4:
		return condition{field.HasSuffix(s), with(func(v string) bool { return strings.HasSuffix(v, s) }), false}
	case 5:
		return condition{field.Contains(s), with(func(v string) bool { return strings.Contains(v, s) }), false}
	case 6:
		return condition{field.IsNull(), func(o odata.Subject) bool { return value(o) == nil }, false}
	case 7:
		return condition{filter.InGroup(s), func(o odata.Subject) bool { return slices.Contains(o.Groups, s) }, false}
	case 8:
		return condition{filter.GroupCount().Gt(n), func(o odata.Subject) bool { return int32(len(o.Groups)) > n }, false}
	case 9:
		return condition{field.Length().Le(n), with(func(v string) bool { return units(v) <= n }), false}
	case 10:
		appended := func(o odata.Subject) bool {
			v := s
			if p := value(o); p != nil {
				v = *p + s
			}
			return slices.Contains(o.Groups, v)
		}
		return condition{field.Concat(s).InGroups(), appended, false}
	case 11:
		return condition{filter.Raw("false or userId eq " + filter.Quote(s)), func(o odata.Subject) bool { return o.UserID != nil && *o.UserID == s }, false}
	case 12:
		return condition{filter.Filter{}, func(odata.Subject) bool { return true }, true}
	}
	return condition{filter.All(), func(odata.Subject) bool { return true }, false}
}

// FuzzBuilder checks that filters built with package service/filter parse and match
// what they say.
func FuzzBuilder(f *testing.F) {
	for _, plan := range []string{"", "\x01\x03\x02\x02", "\x03\x03\x02\x03\x00\x00\x00\x00\x0b\x01\x02", "\x02\x03\x01\x03\x02\x02\x03\x00\x01\x05\x00\x07\x00\x01\x04"} {
		f.Add([]byte(plan), "ann", "o'brien")
		f.Add([]byte(plan), "' or true or '", "a\x00\n\u2028’𝄞")
	}
	f.Fuzz(func(t *testing.T, plan []byte, a, b string) {
		if len(a)+len(b) > 200 || len(plan) > 200 {
			return
		}
		a, b = strings.ToValidUTF8(a, "?"), strings.ToValidUTF8(b, "?")
		c := (&builder{plan, []string{a, b, a + b, "'", ""}}).condition(8)
		parsed, err := odata.Parse(c.filter.String())
		require.NoError(t, err, "%s", c.filter)
		for _, s := range []odata.Subject{
			{},
			{ConnectionID: a, UserID: &b, Groups: []string{a}},
			{ConnectionID: b, UserID: &a, Groups: []string{a + b, b}},
			{ConnectionID: "'", Groups: []string{"", a, b}},
		} {
			assert.Equal(t, c.holds(s), parsed.Match(s), "%s for %+v", c.filter, s)
		}

		text := filter.UserID().ToLower().Concat(a).Trim().From(1).ToUpper().Substring(0, int32(len(plan)))
		for _, f := range []filter.Filter{text.Eq(b), text.NotNull(), text.InGroups(), text.IndexOf(b).Lt(-1), text.Length().Ge(0), text.In(a, b), text.Length().Ne(3), filter.GroupCount().Eq(0)} {
			_, err := odata.Parse(f.String())
			require.NoError(t, err, "%s", f)
		}
	})
}
