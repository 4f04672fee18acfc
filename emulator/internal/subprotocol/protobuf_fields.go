package subprotocol

import (
	"errors"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
)

// fields reads the fields of a protobuf message one after the other. A field of another
// wire type than its message declares is skipped, as an unknown field is: methods that
// store the current field do nothing.
type fields struct {
	rest   []byte
	number int
	kind   protowire.Type
	varint uint64
	bytes  []byte
	err    error // the first
}

// next reads a field. It returns false at the end and after an error.
func (f *fields) next() bool {
	if f.err != nil || len(f.rest) == 0 {
		return false
	}
	number, kind, n := protowire.ConsumeTag(f.rest)
	if n < 0 || number > protowire.MaxValidNumber {
		f.err = errors.New("frame has an invalid tag")
		return false
	}
	f.number, f.kind, f.rest = int(number), kind, f.rest[n:]
	switch kind {
	case protowire.VarintType:
		f.varint, n = protowire.ConsumeVarint(f.rest)
	case protowire.BytesType:
		f.bytes, n = protowire.ConsumeBytes(f.rest)
	default:
		n = protowire.ConsumeFieldValue(number, kind, f.rest)
	}
	if n < 0 {
		f.err = errors.New("frame is truncated or has an invalid field")
		return false
	}
	f.rest = f.rest[n:]
	return true
}

func (f *fields) check(err error) {
	if f.err == nil {
		f.err = err
	}
}

func (f *fields) text(to *[]byte) {
	if f.kind != protowire.BytesType {
		return
	}
	if !utf8.Valid(f.bytes) {
		f.check(errors.New("frame has a string that is not UTF-8"))
	}
	*to = f.bytes
}

// optional is a number whose absence differs from zero.
type optional struct {
	present bool
	value   uint64
}

func (o optional) pointer() *uint64 {
	if !o.present {
		return nil
	}
	return &o.value
}

func (f *fields) unsigned(to *optional) {
	if f.kind == protowire.VarintType {
		*to = optional{true, f.varint}
	}
}

// message reports whether the field is a message, and returns its fields.
func (f *fields) message() (fields, bool) {
	return fields{rest: f.bytes}, f.kind == protowire.BytesType
}

// maxEntries is the number of map entries that are kept. No valid map has more: the rules
// limit the bytes of metadata and of group state, and only one key can be empty.
const maxEntries = 8 << 10

// entry adds the entry of a map of strings. The last one of a key counts.
func (f *fields) entry(to *map[string]string) {
	m, ok := f.message()
	if !ok {
		return
	}
	var key, value []byte
	for m.next() {
		switch m.number {
		case 1:
			m.text(&key)
		case 2:
			m.text(&value)
		}
	}
	f.check(m.err)
	if *to == nil {
		*to = make(map[string]string)
	}
	if _, known := (*to)[string(key)]; known || len(*to) <= maxEntries {
		(*to)[string(key)] = string(value)
	}
}
