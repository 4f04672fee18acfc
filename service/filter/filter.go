// Package filter writes the filters by which the service selects connections,
// with everything that goes into them quoted and of the right type:
//
//	filter.And(filter.UserID().Ne("admin"), filter.InGroup("lobby"))
//
// writes
//
//	(userId ne 'admin') and ('lobby' in groups)
package filter

import (
	"strconv"
	"strings"
)

// Filter is a condition on connections. The zero Filter is no condition.
type Filter struct{ text string }

// String gives the filter in the service's OData dialect.
func (f Filter) String() string { return f.text }

// Raw takes a filter as it is. Build what comes from outside into it with
// [Quote], or leave it to the functions of this package.
func Raw(odata string) Filter { return Filter{odata} }

// Quote writes a string constant: in single quotes, quotes in it doubled.
func Quote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// All matches every connection.
func All() Filter { return Filter{"true"} }

// And matches if all filters do. Zero filters are left out.
func And(filters ...Filter) Filter { return join(" and ", filters) }

// Or matches if any of the filters does. Zero filters are left out.
func Or(filters ...Filter) Filter { return join(" or ", filters) }

func join(operator string, filters []Filter) Filter {
	var parts []string
	for _, f := range filters {
		if f.text != "" {
			parts = append(parts, "("+f.text+")")
		}
	}
	if len(parts) == 1 {
		return Filter{parts[0][1 : len(parts[0])-1]}
	}
	return Filter{strings.Join(parts, operator)}
}

// Not matches if the filter does not. Not of the zero Filter is zero.
func Not(f Filter) Filter {
	if f.text == "" {
		return f
	}
	return Filter{"not (" + f.text + ")"}
}

// InGroup matches the connections in a group.
func InGroup(name string) Filter { return Filter{Quote(name) + " in groups"} }

// GroupCount is the number of groups that a connection is in.
func GroupCount() Int { return Int{"length(groups)"} }

// Text is a string that a connection has, or what is made of it.
type Text struct{ text string }

// UserID is the user's id; null for a connection without one.
func UserID() Text { return Text{"userId"} }

// ConnectionID is the connection's id.
func ConnectionID() Text { return Text{"connectionId"} }

// Eq matches if the text is s, with case.
func (t Text) Eq(s string) Filter { return Filter{t.text + " eq " + Quote(s)} }

// Ne matches if the text is not s, with case; also if there is no text.
func (t Text) Ne(s string) Filter { return Filter{t.text + " ne " + Quote(s)} }

// IsNull matches if there is no text, such as the user id of an anonymous client.
func (t Text) IsNull() Filter { return Filter{t.text + " eq null"} }

// NotNull matches if there is a text.
func (t Text) NotNull() Filter { return Filter{t.text + " ne null"} }

// In matches if the text is one of several. Without any, nothing matches.
func (t Text) In(values ...string) Filter {
	if len(values) == 0 {
		return Filter{"false"}
	}
	quoted := make([]string, len(values))
	for i, v := range values {
		quoted[i] = Quote(v)
	}
	return Filter{t.text + " in (" + strings.Join(quoted, ",") + ")"}
}

// HasPrefix matches if the text begins with s (startswith).
func (t Text) HasPrefix(s string) Filter {
	return Filter{"startswith(" + t.text + "," + Quote(s) + ")"}
}

// HasSuffix matches if the text ends with s (endswith).
func (t Text) HasSuffix(s string) Filter { return Filter{"endswith(" + t.text + "," + Quote(s) + ")"} }

// Contains matches if s is in the text (contains).
func (t Text) Contains(s string) Filter { return Filter{"contains(" + t.text + "," + Quote(s) + ")"} }

// ToLower is the text in lower case (tolower).
func (t Text) ToLower() Text { return Text{"tolower(" + t.text + ")"} }

// ToUpper is the text in upper case (toupper).
func (t Text) ToUpper() Text { return Text{"toupper(" + t.text + ")"} }

// Trim is the text without space around it (trim).
func (t Text) Trim() Text { return Text{"trim(" + t.text + ")"} }

// Concat is the text with s behind it (concat).
func (t Text) Concat(s string) Text { return Text{"concat(" + t.text + "," + Quote(s) + ")"} }

// Substring is length characters of the text from start on (substring).
func (t Text) Substring(start, length int) Text {
	return Text{"substring(" + t.text + "," + strconv.Itoa(start) + "," + strconv.Itoa(length) + ")"}
}

// IndexOf is where s is in the text, -1 if it is not (indexof).
func (t Text) IndexOf(s string) Int { return Int{"indexof(" + t.text + "," + Quote(s) + ")"} }

// Length is how many characters the text has (length).
func (t Text) Length() Int { return Int{"length(" + t.text + ")"} }

// Int is a number that a connection has.
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
	return Filter{i.text + " " + operator + " " + strconv.FormatInt(int64(n), 10)}
}
