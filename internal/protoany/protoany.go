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
	// maxDepth is the number of groups that can be around a group, as in Google's library.
	// All groups are unknown fields here.
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
	for len(b) > 0 {
		field, kind, rest, ok := cutTag(b)
		if !ok || field > maxField {
			return nil, nil, errInvalid
		}
		var content []byte
		if content, b, ok = cut(rest, field, kind, 0); !ok {
			return nil, nil, errInvalid
		}
		if kind != typeBytes {
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
	return url, value, nil
}

// cutTag returns the number and the wire type of a field, and what follows them.
func cutTag(b []byte) (field, kind uint64, rest []byte, ok bool) {
	tag, n := binary.Uvarint(b)
	field, kind = tag>>3, tag&7
	if n <= 0 || field == 0 || field > math.MaxInt32 {
		return 0, 0, nil, false
	}
	return field, kind, b[n:], true
}

// cut returns the content of a field, and what follows it. It reports false if the
// field is invalid or cut. depth is the number of groups around the field.
func cut(b []byte, field, kind uint64, depth int) (content, rest []byte, ok bool) {
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
	case typeStartGroup:
		rest, ok = cutGroup(b, field, depth)
		return nil, rest, ok
	default:
		return nil, nil, false
	}
	if size > uint64(len(b)) {
		return nil, nil, false
	}
	return b[:size], b[size:], true
}

// cutGroup returns what follows the end of a group. Recursion allocates nothing.
func cutGroup(b []byte, group uint64, depth int) (rest []byte, ok bool) {
	for depth <= maxDepth {
		field, kind, rest, ok := cutTag(b)
		if !ok || kind == typeEndGroup {
			return rest, ok && field == group
		}
		if _, b, ok = cut(rest, field, kind, depth+1); !ok {
			break
		}
	}
	return nil, false
}
