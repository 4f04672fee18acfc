package inspect

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/go-webpubsub/webpubsub/internal/jsonscan"
)

// maxMembers is the number of different fields of a message that is shown. The schema has
// fewer, and each field is searched for in the list of those before.
const maxMembers = 64

// errFrame reports a frame that is not of the schema.
var errFrame = errors.New("not a protobuf message")

// decodeProtobuf returns a message as indented JSON, or "" if it is not one.
func decodeProtobuf(m *message, data []byte) string {
	out, err := appendMessage(nil, m, data)
	if err != nil {
		return ""
	}
	var indented bytes.Buffer
	if json.Indent(&indented, out, "", "  ") != nil {
		return ""
	}
	return indented.String()
}

// member is a member of a JSON object that is being written. It can have several values.
type member struct {
	field  field
	values [][]byte
}

// appendMessage appends a message as a JSON object, in the order of its fields.
func appendMessage(b []byte, m *message, data []byte) ([]byte, error) {
	var members []member
	for len(data) > 0 {
		number, kind, n := protowire.ConsumeTag(data)
		if n < 0 {
			return nil, errFrame
		}
		value := data[n:]
		size := protowire.ConsumeFieldValue(number, kind, value)
		if size < 0 {
			return nil, errFrame
		}
		data = value[size:]
		f, known := m.fields[int(number)]
		if !known {
			f = field{name: "field " + strconv.Itoa(int(number)), kind: kindUnknown}
		}
		text, err := appendValue(nil, f, kind, value[:size])
		if err != nil {
			return nil, err
		}
		if members = add(members, f, text); len(members) > maxMembers {
			return nil, errFrame
		}
	}
	b = append(b, '{')
	for i, one := range members {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(jsonscan.AppendQuoted(b, one.field.name), ':')
		b = one.append(b)
	}
	return append(b, '}'), nil
}

// add adds a value to the member of its field. The last value of a field counts, unless it
// is repeated.
func add(members []member, f field, value []byte) []member {
	for i := range members {
		if members[i].field.name == f.name {
			if !f.repeated {
				members[i].values = members[i].values[:0]
			}
			members[i].values = append(members[i].values, value)
			return members
		}
	}
	return append(members, member{f, [][]byte{value}})
}

func (m *member) append(b []byte) []byte {
	if !m.field.repeated {
		return append(b, m.values[0]...)
	}
	b = append(b, '[')
	b = append(b, bytes.Join(m.values, []byte{','})...)
	return append(b, ']')
}

// appendValue appends the value of a field. A value of another wire type than the
// schema's is written as an unknown one.
func appendValue(b []byte, f field, kind protowire.Type, value []byte) ([]byte, error) {
	switch kind {
	case protowire.VarintType:
		v, _ := protowire.ConsumeVarint(value)
		if f.kind == kindBool {
			return strconv.AppendBool(b, v != 0), nil
		}
		return strconv.AppendUint(b, v, 10), nil
	case protowire.BytesType:
		data, _ := protowire.ConsumeBytes(value)
		if f.kind == kindMessage {
			return appendMessage(b, f.message, data)
		}
		return appendBytes(b, data, f.kind == kindText), nil
	default:
		return appendBytes(b, value, false), nil
	}
}

// appendBytes appends bytes. If they are no text, they are escaped as in Go: base64 would
// hide secrets from their removal.
func appendBytes(b, data []byte, text bool) []byte {
	if text && utf8.Valid(data) {
		return jsonscan.AppendQuoted(b, string(data))
	}
	quoted := strconv.Quote(string(data))
	return jsonscan.AppendQuoted(b, quoted[1:len(quoted)-1])
}
