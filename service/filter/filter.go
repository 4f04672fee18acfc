// Package filter writes the filters by which the service selects connections,
// with everything that goes into them quoted and of the right type:
//
//	filter.And(filter.UserID().Ne("admin"), filter.InGroup("lobby"))
//
// writes
//
//	userId ne 'admin' and 'lobby' in groups
//
// The service refuses filters of more than about 100 conditions.
package filter

import (
	"strconv"
	"strings"
)

// Filter is a condition on connections. The zero Filter is no condition: sends
// go to every connection of their target. It is what And makes of nothing; no
// other function of this package makes it of a list that happens to be empty.
type Filter struct {
	text string
	form form
}

// form is what stands outermost in a filter, and decides on its parentheses.
type form uint8

const (
	formOther form = iota // parenthesised within anything
	formTerm              // never
	formAnd               // not within its like
	formOr
)

// String returns the filter in the service's OData dialect.
func (f Filter) String() string { return f.text }

// Raw takes a filter as it is. What comes from outside must go into it through
// [Quote], or better through the functions of this package.
func Raw(odata string) Filter { return Filter{text: odata} }

// Quote writes a string constant: in single quotes, quotes in it doubled. What
// is not UTF-8 in s is replaced by U+FFFD.
func Quote(s string) string {
	return "'" + strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "'", "''") + "'"
}

// All matches every connection.
func All() Filter { return term("true") }

// None matches no connection.
func None() Filter { return term("false") }

// And matches if all filters do. Zero filters are left out; if none is left, it
// is the zero Filter.
func And(filters ...Filter) Filter { return join(formAnd, " and ", filters) }

// Or matches if any of the filters does. Zero filters are left out; if none is
// left, it is [None].
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

// Not matches if the filter does not. Not of the zero Filter is [None].
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

// Text is a string that a connection has, or what is made of it. Its methods
// that take a string match with case.
type Text struct{ text string }

// UserID is the user's id; null for a connection without one.
func UserID() Text { return Text{"userId"} }

// ConnectionID is the connection's id.
func ConnectionID() Text { return Text{"connectionId"} }

// Eq matches if the text is s.
func (t Text) Eq(s string) Filter { return term(t.text + " eq " + Quote(s)) }

// Ne matches if the text is not s; also if there is no text.
func (t Text) Ne(s string) Filter { return term(t.text + " ne " + Quote(s)) }

// IsNull matches if there is no text, such as the user id of an anonymous client.
func (t Text) IsNull() Filter { return term(t.text + " eq null") }

// NotNull matches if there is a text.
func (t Text) NotNull() Filter { return term(t.text + " ne null") }

// In matches if the text is one of several. Without any it is [None].
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

// InGroups matches if the text is the name of a group that the connection is in.
func (t Text) InGroups() Filter { return term(t.text + " in groups") }

// HasPrefix matches if the text begins with s (startswith).
func (t Text) HasPrefix(s string) Filter { return term(t.call("startswith", Quote(s))) }

// HasSuffix matches if the text ends with s (endswith).
func (t Text) HasSuffix(s string) Filter { return term(t.call("endswith", Quote(s))) }

// Contains matches if s is in the text (contains).
func (t Text) Contains(s string) Filter { return term(t.call("contains", Quote(s))) }

// ToLower is the text in lower case (tolower).
func (t Text) ToLower() Text { return Text{t.call("tolower")} }

// ToUpper is the text in upper case (toupper).
func (t Text) ToUpper() Text { return Text{t.call("toupper")} }

// Trim is the text without space around it (trim).
func (t Text) Trim() Text { return Text{t.call("trim")} }

// Concat is the text with s behind it (concat).
func (t Text) Concat(s string) Text { return Text{t.call("concat", Quote(s))} }

// From is the text from the character at start on, counted from 0 (substring);
// null if it is not that long.
func (t Text) From(start int32) Text { return Text{t.call("substring", decimal(start))} }

// Substring is length characters of the text from start on (substring); null if
// it is not that long.
func (t Text) Substring(start, length int32) Text {
	return Text{t.call("substring", decimal(start), decimal(length))}
}

// IndexOf is where s is in the text, -1 if it is not (indexof).
func (t Text) IndexOf(s string) Int { return Int{t.call("indexof", Quote(s))} }

// Length is how many characters the text has (length).
func (t Text) Length() Int { return Int{t.call("length")} }

func (t Text) call(function string, args ...string) string {
	return function + "(" + strings.Join(append([]string{t.text}, args...), ",") + ")"
}

// Int is a number that a connection has. The service counts in 32 bits.
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
