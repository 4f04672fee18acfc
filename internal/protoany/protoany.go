// Package protoany reads and writes google.protobuf.Any: a serialized protobuf message
// with the URL of its type. It needs no protobuf library, whose package initialization
// reads the program's file.
package protoany

import (
	"encoding/binary"
	"errors"
	"math"
	"unicode/utf8"
)

// The fields of Any, and the wire types.
const (
	fieldTypeURL = 1
	fieldValue   = 2

	typeVarint     = 0
	typeFixed64    = 1
	typeBytes      = 2
	typeStartGroup = 3
	typeEndGroup   = 4
	typeFixed32    = 5

	// maxField is the largest number of a field.
	maxField = 1<<29 - 1
	// maxDepth limits the nesting of groups, which are unknown fields here.
	maxDepth = 10_000
)

var (
	errInvalid = errors.New("not a serialized google.protobuf.Any")
	errTypeURL = errors.New("the type URL of google.protobuf.Any is not UTF-8")
)

// Append appends a serialized Any. The type URL must be UTF-8.
func Append(buf []byte, typeURL string, value []byte) []byte {
	if typeURL != "" {
		buf = append(buf, fieldTypeURL<<3|typeBytes)
		buf = append(binary.AppendUvarint(buf, uint64(len(typeURL))), typeURL...)
	}
	if len(value) > 0 {
		buf = append(buf, fieldValue<<3|typeBytes)
		buf = append(binary.AppendUvarint(buf, uint64(len(value))), value...)
	}
	return buf
}

// Parse returns the fields of a serialized Any. The value is a part of b.
func Parse(b []byte) (typeURL string, value []byte, err error) {
	url, value, err := fields(b)
	return string(url), value, err
}

// Check returns an error unless b is a serialized Any.
func Check(b []byte) error {
	_, _, err := fields(b)
	return err
}

func fields(b []byte) (url, value []byte, err error) {
	var open []uint64 // the groups around the next field
	for len(b) > 0 {
		tag, n := binary.Uvarint(b)
		field, kind := tag>>3, tag&7
		if n <= 0 || field == 0 || field > math.MaxInt32 || len(open) == 0 && field > maxField {
			return nil, nil, errInvalid
		}
		b = b[n:]
		switch kind {
		case typeStartGroup:
			if open = append(open, field); len(open) > maxDepth {
				return nil, nil, errInvalid
			}
			continue
		case typeEndGroup:
			if len(open) == 0 || open[len(open)-1] != field {
				return nil, nil, errInvalid
			}
			open = open[:len(open)-1]
			continue
		}
		content, rest, ok := cut(b, kind)
		if !ok {
			return nil, nil, errInvalid
		}
		if b = rest; kind != typeBytes || len(open) > 0 {
			continue
		}
		switch field {
		case fieldTypeURL:
			if url = content; !utf8.Valid(url) {
				return nil, nil, errTypeURL
			}
		case fieldValue:
			value = content
		}
	}
	if len(open) > 0 {
		return nil, nil, errInvalid
	}
	return url, value, nil
}

// cut returns the content of a field, and what follows it. It reports false if the
// field is invalid or cut.
func cut(b []byte, kind uint64) (content, rest []byte, ok bool) {
	var size uint64
	switch kind {
	case typeVarint:
		_, n := binary.Uvarint(b)
		return nil, b[max(n, 0):], n > 0
	case typeFixed64:
		size = 8
	case typeFixed32:
		size = 4
	case typeBytes:
		v, n := binary.Uvarint(b)
		if n <= 0 {
			return nil, nil, false
		}
		b, size = b[n:], v
	default:
		return nil, nil, false
	}
	if size > uint64(len(b)) {
		return nil, nil, false
	}
	return b[:size], b[size:], true
}
