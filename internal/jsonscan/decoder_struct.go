package jsonscan

import (
	"reflect"
	"slices"
	"strings"
)

const (
	// maxFields is the number of fields of a struct, one bit of a word for each.
	maxFields = 64
	// maxUnknown limits the members of an object without a field: each is compared
	// with all fields.
	maxUnknown = 32
)

const (
	ruleFolded  = "want the name of a member as the field's tag spells it"
	ruleUnknown = "want at most 32 unknown members"
)

// structDecoder decodes an object into a struct.
type structDecoder []fieldDecoder

type fieldDecoder struct {
	name   string
	index  int
	decode decoder
}

func compileStruct(t reflect.Type, outer []reflect.Type) decoder {
	var fields structDecoder
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous {
			return nil
		}
		name, ok := memberName(f)
		if !ok || fields.named(name) {
			return nil
		}
		if name == "" {
			continue
		}
		d := compile(f.Type, outer)
		if d == nil {
			return nil
		}
		fields = append(fields, fieldDecoder{name: name, index: i, decode: d})
	}
	if len(fields) > maxFields {
		return nil
	}
	return fields.decode
}

func (d structDecoder) named(name string) bool {
	return name != "" && slices.ContainsFunc(d, func(f fieldDecoder) bool { return f.name == name })
}

// memberName returns the name of a field's member, empty if it has none. It reports
// false for a tag with a name or an option of another meaning.
func memberName(f reflect.StructField) (string, bool) {
	tag := f.Tag.Get("json")
	if !f.IsExported() || tag == "-" {
		return "", true
	}
	name, options, _ := strings.Cut(tag, ",")
	switch options {
	case "", "omitempty", "omitzero":
	default:
		return "", false
	}
	if name == "" {
		return f.Name, true
	}
	plain := strings.IndexFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '_'
	}) < 0
	return name, plain
}

func (d structDecoder) decode(s *Scanner, v reflect.Value) {
	if s.Null() {
		return
	}
	var seen uint64
	next, unknown := 0, 0
	for more := s.Object(); more; more = s.More('}') {
		at := s.pos
		name := s.Name()
		i := d.find(name, next)
		switch {
		case i >= 0 && seen&(1<<i) == 0:
			seen |= 1 << i
			next = i + 1
			d[i].decode(s, v.Field(d[i].index))
		case i >= 0: // encoding/json merges the values of a repeated member
			s.Fail(at, "want each member once")
		case unknown == maxUnknown:
			s.Fail(at, ruleUnknown)
		case d.matchesFolded(name):
			s.Fail(at, ruleFolded)
		default:
			unknown++
			s.Skip()
		}
	}
}

// find returns the index of a name's field, -1 if there is none. It begins at next,
// since most programs write members in the order of the fields.
func (d structDecoder) find(name string, next int) int {
	for i := next; i < len(d); i++ {
		if d[i].name == name {
			return i
		}
	}
	for i := range min(next, len(d)) {
		if d[i].name == name {
			return i
		}
	}
	return -1
}

// matchesFolded reports whether a name is that of a field in another case. encoding/json
// decodes such a member into the field.
func (d structDecoder) matchesFolded(name string) bool {
	return slices.ContainsFunc(d, func(f fieldDecoder) bool { return strings.EqualFold(f.name, name) })
}
