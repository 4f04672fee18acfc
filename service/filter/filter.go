// Package filter builds the filters with which the service selects connections. It
// quotes strings:
//
//	filter.And(filter.UserID().Ne("admin"), filter.InGroup("lobby"))
//
// is
//
//	userId ne 'admin' and 'lobby' in groups
//
// The service rejects filters of more than about 100 conditions.
package filter

import (
	"strconv"
	"strings"
)

// Filter is a condition on connections. The zero Filter is no condition: a send goes
// to all connections of its target. Only And returns it for an empty list; the other
// functions then return [None].
type Filter struct {
	text string
	form form
}

// form is the outermost operator of a filter, which decides on its parentheses.
type form uint8

const (
	formOther form = iota // parenthesised within any operator
	formTerm              // never
	formAnd               // not within itself
	formOr
)

// String returns the filter in the service's OData dialect.
func (f Filter) String() string { return f.text }

// Raw returns a filter with a text. Use [Quote] for strings in it that come from
// users.
func Raw(odata string) Filter { return Filter{text: odata} }

// Quote returns a string constant: in single quotes, with quotes in it doubled.
// Invalid UTF-8 is replaced by U+FFFD.
func Quote(s string) string {
	return "'" + strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "'", "''") + "'"
}

// All matches every connection.
func All() Filter { return term("true") }

// None matches no connection.
func None() Filter { return term("false") }

// And matches if all filters match. Zero filters are ignored; without others, And
// returns the zero Filter.
func And(filters ...Filter) Filter { return join(formAnd, " and ", filters) }

// Or matches if one of the filters matches. Zero filters are ignored; without
// others, Or returns [None].
func Or(filters ...Filter) Filter {
	if f := join(formOr, " or ", filters); f.text != "" {
		return f
	}
	return None()
}

func join(as form, operator string, filters []Filter) Filter {
	var b strings.Builder
	var only Filter
	n := 0
	for _, f := range filters {
		if f.text == "" {
			continue
		}
		if n++; n > 1 {
			b.WriteString(operator)
		}
		only = f
		if f.form == formTerm || f.form == as {
			b.WriteString(f.text)
		} else {
			b.WriteString("(" + f.text + ")")
		}
	}
	if n < 2 {
		return only
	}
	return Filter{b.String(), as}
}

// Not matches if the filter does not match. Not of the zero Filter is [None].
func Not(f Filter) Filter {
	if f.text == "" {
		return None()
	}
	return Filter{text: "not (" + f.text + ")"}
}

// InGroup matches the connections in a group.
func InGroup(name string) Filter { return term(Quote(name) + " in groups") }

// GroupCount is the number of groups that a connection is in.
func GroupCount() Int { return Int{"length(groups)"} }

// Text is a property of a connection that is a string, or a function of one.
// Comparisons are case-sensitive.
type Text struct{ text string }

// UserID is the user id of a connection; null if it has none.
func UserID() Text { return Text{"userId"} }

// ConnectionID is the id of a connection.
func ConnectionID() Text { return Text{"connectionId"} }

// Eq matches if the text is s.
func (t Text) Eq(s string) Filter { return term(t.text + " eq " + Quote(s)) }

// Ne matches if the text is not s, or is null.
func (t Text) Ne(s string) Filter { return term(t.text + " ne " + Quote(s)) }

// IsNull matches if the text is null, as the user id of an anonymous client is.
func (t Text) IsNull() Filter { return term(t.text + " eq null") }

// NotNull matches if the text is not null.
func (t Text) NotNull() Filter { return term(t.text + " ne null") }

// In matches if the text is one of values. In of no values is [None].
func (t Text) In(values ...string) Filter {
	if len(values) == 0 {
		return None()
	}
	quoted := make([]string, len(values))
	for i, v := range values {
		quoted[i] = Quote(v)
	}
	return term(t.text + " in (" + strings.Join(quoted, ",") + ")")
}

// InGroups matches if the connection is in the group named by the text.
func (t Text) InGroups() Filter { return term(t.text + " in groups") }

// HasPrefix matches if the text begins with s (startswith).
func (t Text) HasPrefix(s string) Filter { return term(t.call("startswith", Quote(s))) }

// HasSuffix matches if the text ends with s (endswith).
func (t Text) HasSuffix(s string) Filter { return term(t.call("endswith", Quote(s))) }

// Contains matches if the text contains s (contains).
func (t Text) Contains(s string) Filter { return term(t.call("contains", Quote(s))) }

// ToLower is the text in lower case (tolower).
func (t Text) ToLower() Text { return Text{t.call("tolower")} }

// ToUpper is the text in upper case (toupper).
func (t Text) ToUpper() Text { return Text{t.call("toupper")} }

// Trim is the text without leading and trailing space (trim).
func (t Text) Trim() Text { return Text{t.call("trim")} }

// Concat is the text followed by s (concat).
func (t Text) Concat(s string) Text { return Text{t.call("concat", Quote(s))} }

// From is the text from the character at start, counted from 0 (substring); null if
// the text is shorter.
func (t Text) From(start int32) Text { return Text{t.call("substring", decimal(start))} }

// Substring is length characters of the text from start (substring); null if the text
// is shorter.
func (t Text) Substring(start, length int32) Text {
	return Text{t.call("substring", decimal(start), decimal(length))}
}

// IndexOf is the index of s in the text, or -1 (indexof).
func (t Text) IndexOf(s string) Int { return Int{t.call("indexof", Quote(s))} }

// Length is the number of characters of the text (length).
func (t Text) Length() Int { return Int{t.call("length")} }

func (t Text) call(function string, args ...string) string {
	return function + "(" + strings.Join(append([]string{t.text}, args...), ",") + ")"
}

// Int is a property of a connection that is a number of 32 bits, or a function of
// one.
type Int struct{ text string }

// Eq matches if the number is n.
func (i Int) Eq(n int32) Filter { return i.compare("eq", n) }

// Ne matches if the number is not n.
func (i Int) Ne(n int32) Filter { return i.compare("ne", n) }

// Gt matches if the number is greater than n.
func (i Int) Gt(n int32) Filter { return i.compare("gt", n) }

// Ge matches if the number is n or greater.
func (i Int) Ge(n int32) Filter { return i.compare("ge", n) }

// Lt matches if the number is less than n.
func (i Int) Lt(n int32) Filter { return i.compare("lt", n) }

// Le matches if the number is n or less.
func (i Int) Le(n int32) Filter { return i.compare("le", n) }

func (i Int) compare(operator string, n int32) Filter {
	return term(i.text + " " + operator + " " + decimal(n))
}

func term(text string) Filter { return Filter{text, formTerm} }

func decimal(n int32) string { return strconv.FormatInt(int64(n), 10) }
