package scenario

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
)

// part returns the part of JSON that has the members of another value, so that only these
// are compared.
func part(want any, got json.RawMessage) json.RawMessage {
	data, _ := json.Marshal(want) // checked by expectation.check
	wanted, err := decode(data)
	if err != nil || got == nil {
		return got
	}
	whole, err := decode(got)
	if err != nil {
		return got
	}
	out, err := json.Marshal(project(wanted, whole))
	if err != nil {
		return got
	}
	return out
}

// project leaves out what got has more than want: members of objects, at any depth.
func project(want, got any) any {
	switch want := want.(type) {
	case map[string]any:
		members, ok := got.(map[string]any)
		if !ok {
			return got
		}
		out := make(map[string]any, len(want))
		for name, element := range want {
			if member, there := members[name]; there {
				out[name] = project(element, member)
			}
		}
		return out
	case []any:
		elements, ok := got.([]any)
		if !ok || len(elements) != len(want) {
			return got
		}
		out := make([]any, len(want))
		for i := range want {
			out[i] = project(want[i], elements[i])
		}
		return out
	}
	return got
}

// canonical returns JSON in one form: members sorted, indented, and numbers without
// needless digits.
func canonical(data []byte) string {
	v, err := decode(data)
	if err != nil {
		return string(data)
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return string(data)
	}
	return string(bytes.TrimSpace(b.Bytes()))
}

// decode decodes JSON with canonical numbers.
func decode(data []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	return normal(v), nil
}

func normal(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, element := range v {
			v[name] = normal(element)
		}
	case []any:
		for i, element := range v {
			v[i] = normal(element)
		}
	case json.Number:
		return number(v)
	}
	return v
}

// number returns a number that is whole as such: 1.0 and 1e0 are 1.
func number(n json.Number) json.Number {
	const exact = 1 << 53
	f, err := n.Float64()
	if err != nil || f != math.Trunc(f) || math.Abs(f) >= exact {
		return n
	}
	return json.Number(strconv.FormatInt(int64(f), 10))
}
