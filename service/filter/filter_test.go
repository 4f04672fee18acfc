package filter_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/service/filter"
)

var (
	a = filter.UserID().Eq("a")
	b = filter.InGroup("b")
	c = filter.ConnectionID().Eq("c")
)

func TestFilter(t *testing.T) {
	t.Parallel()
	user := filter.UserID()
	tests := []struct {
		filter filter.Filter
		want   string
	}{
		{filter.Filter{}, ""},
		{filter.All(), "true"},
		{filter.None(), "false"},
		{filter.Raw("userId eq null or true"), "userId eq null or true"},

		{user.Eq("ann"), "userId eq 'ann'"},
		{user.Ne("admin"), "userId ne 'admin'"},
		{user.IsNull(), "userId eq null"},
		{user.NotNull(), "userId ne null"},
		{user.In("u1", "u2"), "userId in ('u1','u2')"},
		{user.In("u1"), "userId in ('u1')"},
		{user.In(), "false"},
		{user.InGroups(), "userId in groups"},
		{user.HasPrefix("a"), "startswith(userId,'a')"},
		{user.HasSuffix("a"), "endswith(userId,'a')"},
		{user.Contains("a"), "contains(userId,'a')"},
		{filter.ConnectionID().Eq(""), "connectionId eq ''"},
		{filter.InGroup("g1"), "'g1' in groups"},
		{filter.GroupCount().Ge(2), "length(groups) ge 2"},

		{user.ToLower().Eq("a"), "tolower(userId) eq 'a'"},
		{user.ToUpper().Eq("A"), "toupper(userId) eq 'A'"},
		{user.Trim().Eq("a"), "trim(userId) eq 'a'"},
		{user.Concat("-x").InGroups(), "concat(userId,'-x') in groups"},
		{user.From(2).Eq("a"), "substring(userId,2) eq 'a'"},
		{user.Substring(0, 3).ToLower().Ne("a"), "tolower(substring(userId,0,3)) ne 'a'"},
		{user.IndexOf("@").Eq(-1), "indexof(userId,'@') eq -1"},
		{user.Length().Gt(5), "length(userId) gt 5"},
		{user.Length().Lt(5), "length(userId) lt 5"},
		{user.Length().Le(5), "length(userId) le 5"},
		{user.Length().Ne(2147483647), "length(userId) ne 2147483647"},

		{user.Eq("o'brien"), "userId eq 'o''brien'"},
		{user.Eq("' or true or userId eq '"), "userId eq ''' or true or userId eq '''"},
		{user.In("a','b", "'"), "userId in ('a'',''b','''')"},
		{filter.InGroup("') or (true"), "''') or (true' in groups"},
		{user.Eq(`\'`), `userId eq '\'''`},
		{user.Eq("a\x00\n\"’%27"), "userId eq 'a\x00\n\"’%27'"},
		{user.Eq("\xe2'"), "userId eq '\uFFFD'''"},
	}
	for _, test := range tests {
		assert.Equal(t, test.want, test.filter.String())
	}
}

// TestPrecedence: a filter within another one keeps its meaning.
func TestPrecedence(t *testing.T) {
	t.Parallel()
	const sa, sb, sc = "userId eq 'a'", "'b' in groups", "connectionId eq 'c'"
	zero := filter.Filter{}
	tests := []struct {
		name   string
		filter filter.Filter
		want   string
	}{
		{"and", filter.And(a, b, c), sa + " and " + sb + " and " + sc},
		{"or", filter.Or(a, b, c), sa + " or " + sb + " or " + sc},
		{"and in or", filter.Or(filter.And(a, b), c), "(" + sa + " and " + sb + ") or " + sc},
		{"or in and", filter.And(a, filter.Or(b, c)), sa + " and (" + sb + " or " + sc + ")"},
		{"and in and", filter.And(filter.And(a, b), c), sa + " and " + sb + " and " + sc},
		{"or in or", filter.Or(a, filter.Or(b, c)), sa + " or " + sb + " or " + sc},
		{"not", filter.Not(a), "not (" + sa + ")"},
		{"not of and", filter.Not(filter.And(a, b)), "not (" + sa + " and " + sb + ")"},
		{"not of not", filter.Not(filter.Not(a)), "not (not (" + sa + "))"},
		{"not in and", filter.And(filter.Not(a), b), "(not (" + sa + ")) and " + sb},
		{"raw in and", filter.And(filter.Raw("true or false"), a), "(true or false) and " + sa},
		{"raw in or", filter.Or(a, filter.Raw("true or false")), sa + " or (true or false)"},
		{"raw in not", filter.Not(filter.Raw("true or false")), "not (true or false)"},
		{"raw alone in and", filter.And(filter.Raw("true or false")), "true or false"},
		{"or alone in and, in and", filter.And(filter.And(filter.Or(a, b)), c), "(" + sa + " or " + sb + ") and " + sc},

		{"and of nothing", filter.And(), ""},
		{"and of zero", filter.And(zero, zero), ""},
		{"and with zero", filter.And(zero, a, zero), sa},
		{"or of nothing", filter.Or(), "false"},
		{"or of zero", filter.Or(zero), "false"},
		{"or with zero", filter.Or(a, zero), sa},
		{"not of zero", filter.Not(zero), "false"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, test.want, test.filter.String())
		})
	}
}

// TestLoop: a filter that grows in a loop does not nest: the service rejects more than
// 100 levels.
func TestLoop(t *testing.T) {
	t.Parallel()
	f := filter.None()
	for i := range 500 {
		f = filter.Or(f, filter.UserID().Eq(fmt.Sprint(i)))
	}
	assert.NotContains(t, f.String(), "(")
	assert.Equal(t, 500, strings.Count(f.String(), " or "))
}

// token of the service's filter language.
type token struct{ kind, text string }

// tokens splits a filter. A string begins with a quote and ends with the next one that
// is not doubled.
func tokens(s string) ([]token, error) {
	var all []token
	for s != "" {
		switch c := s[0]; {
		case c == ' ':
			s = s[1:]
		case strings.IndexByte("(),", c) >= 0:
			all, s = append(all, token{"mark", s[:1]}), s[1:]
		case c == '\'':
			var text strings.Builder
			rest := s[1:]
			for {
				before, after, ok := strings.Cut(rest, "'")
				if !ok {
					return nil, fmt.Errorf("string without end: %q", s)
				}
				text.WriteString(before)
				rest = after
				if !strings.HasPrefix(rest, "'") {
					break
				}
				text.WriteByte('\'')
				rest = rest[1:]
			}
			all, s = append(all, token{"string", text.String()}), rest
		default:
			n := strings.IndexAny(s, " (),'")
			if n < 0 {
				n = len(s)
			}
			all, s = append(all, token{"word", s[:n]}), s[n:]
		}
	}
	return all, nil
}

// FuzzQuote: a value stays one string constant in every place.
func FuzzQuote(f *testing.F) {
	for _, s := range []string{"", "ann", "o'brien", "'", "''", "'''", "' or true or '", "') or (true", "\\'", "\xe2'", "\xff", "a\x00b", "’", "%27", "𝕏'"} {
		f.Add(s, s+"'")
	}
	f.Fuzz(func(t *testing.T, s, other string) {
		valid := strings.ToValidUTF8(s, "\uFFFD")
		got, err := tokens(filter.Quote(s))
		require.NoError(t, err)
		require.Equal(t, []token{{"string", valid}}, got)

		whole := filter.And(
			filter.UserID().In(s, other), filter.InGroup(s),
			filter.Not(filter.Or(filter.UserID().HasPrefix(s), filter.UserID().Concat(other).IndexOf(s).Gt(1))),
		)
		got, err = tokens(whole.String())
		require.NoError(t, err)
		plain, err := tokens("userId in ('x','x') and 'x' in groups and (not (startswith(userId,'x') or indexof(concat(userId,'x'),'x') gt 1))")
		require.NoError(t, err)
		for i := range got {
			if got[i].kind == "string" {
				require.Contains(t, []string{valid, strings.ToValidUTF8(other, "\uFFFD")}, got[i].text)
				got[i].text = "x"
			}
		}
		require.Equal(t, plain, got)
	})
}

func Example() {
	f := filter.And(filter.UserID().Ne("o'brien"), filter.Or(filter.InGroup("lobby"), filter.GroupCount().Eq(0)))
	fmt.Println(f)
	// Output: userId ne 'o''brien' and ('lobby' in groups or length(groups) eq 0)
}
