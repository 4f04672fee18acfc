package frame

import (
	"errors"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
)

// Wire types of the fields that the subprotocols have. A field is known by its number
// and wire type; with another type it is unknown.
const (
	varint = uint64(protowire.VarintType)
	length = uint64(protowire.BytesType)
)

var errWire = errors.New("frame is not a protobuf message, or is cut")

// fields reads the fields of a message, one after the other. It skips those whose
// wire type no known field has.
type fields struct {
	rest []byte
	err  error

	tag    uint64 // number<<3 | wire type
	number uint64 // value of a varint
	bytes  []byte // value of a string, bytes or message; a part of the frame
}

func fieldsOf(b []byte) fields { return fields{rest: b} }

// next reads the next field. It reports false at the end, and at an error.
func (r *fields) next() bool {
	for len(r.rest) > 0 && r.err == nil {
		num, kind, n := protowire.ConsumeTag(r.rest)
		if n < 0 || num > protowire.MaxValidNumber {
			r.err = errWire
			return false
		}
		r.rest = r.rest[n:]
		known := true
		switch kind {
		case protowire.VarintType:
			r.number, n = protowire.ConsumeVarint(r.rest)
		case protowire.BytesType:
			r.bytes, n = protowire.ConsumeBytes(r.rest)
		default:
			known, n = false, protowire.ConsumeFieldValue(num, kind, r.rest)
		}
		if n < 0 {
			r.err = errWire
			return false
		}
		r.rest = r.rest[n:]
		if known {
			r.tag = protowire.EncodeTag(num, kind)
			return true
		}
	}
	return false
}

// text returns the field as a string.
func (r *fields) text() string {
	if !utf8.Valid(r.bytes) {
		r.fail(errNotUTF8)
		return ""
	}
	return string(r.bytes)
}

// fail ends the message with an error, unless it has one.
func (r *fields) fail(err error) {
	if r.err == nil {
		r.err = err
	}
}
