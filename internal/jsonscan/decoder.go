package jsonscan

import (
	"encoding"
	"encoding/json"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// A decoder reads a value into v, which is zero and can be set. It fails the scanner
// for a value that it does not decode as encoding/json does.
type decoder func(s *Scanner, v reflect.Value)

// decoders are the decoders of types, nil for a type that is left to encoding/json.
// The program's types are the only keys, not what a stranger sends.
var decoders sync.Map // reflect.Type to decoder

// decode decodes one JSON value of data into the value that v points to, and reports
// whether it did. If not, the value is as before, and encoding/json has to
// decode it. It succeeds only if encoding/json would succeed with the same result.
func decode(data []byte, v any) bool {
	p := reflect.ValueOf(v)
	if p.Kind() != reflect.Pointer || p.IsNil() {
		return false
	}
	target := p.Elem()
	d := decoderOf(target.Type())
	if d == nil || !target.IsZero() { // encoding/json merges into what is there
		return false
	}
	s := New(string(data))
	d(&s, target)
	s.End()
	if s.broken != "" {
		target.SetZero()
		return false
	}
	return true
}

func decoderOf(t reflect.Type) decoder {
	if d, ok := decoders.Load(t); ok {
		return d.(decoder) //nolint:forcetypeassert // nothing else is stored
	}
	d := compile(t, nil)
	decoders.Store(t, d)
	return d
}

var (
	jsonUnmarshaler = reflect.TypeFor[json.Unmarshaler]()
	textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()
	jsonNumber      = reflect.TypeFor[json.Number]()
)

// compile returns the decoder of a type, nil if there is none: for interfaces, bytes,
// arrays, recursive types, and types with methods of their own. outer are the types that
// have the type as a member or an element.
func compile(t reflect.Type, outer []reflect.Type) decoder {
	if slices.Contains(outer, t) {
		return nil
	}
	outer = append(slices.Clip(outer), t)
	if pt := reflect.PointerTo(t); t == jsonNumber || pt.Implements(jsonUnmarshaler) || pt.Implements(textUnmarshaler) {
		return nil
	}
	switch t.Kind() {
	case reflect.String:
		return decodeString
	case reflect.Bool:
		return decodeBool
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return decodeInt
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return decodeUint
	case reflect.Float32, reflect.Float64:
		return decodeFloat
	case reflect.Pointer:
		return compilePointer(t, outer)
	case reflect.Slice:
		return compileSlice(t, outer)
	case reflect.Map:
		return compileMap(t, outer)
	case reflect.Struct:
		return compileStruct(t, outer)
	default:
		return nil
	}
}

func decodeString(s *Scanner, v reflect.Value) {
	if !s.Null() {
		v.SetString(s.kept(s.Text()))
	}
}

func decodeBool(s *Scanner, v reflect.Value) {
	if !s.Null() {
		v.SetBool(s.Bool())
	}
}

// maxShared is the length of a text whose strings share its memory. Of a longer text,
// they are copies, so that a short string does not keep it in memory.
const maxShared = 512

func (s *Scanner) kept(text string) string {
	if len(s.text) <= maxShared {
		return text
	}
	return strings.Clone(text)
}

const ruleFits = "want a number that fits the type"

func decodeInt(s *Scanner, v reflect.Value) {
	text, at := s.numeral()
	if text == "" {
		return
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || v.OverflowInt(n) {
		s.Fail(at, ruleFits)
		return
	}
	v.SetInt(n)
}

func decodeUint(s *Scanner, v reflect.Value) {
	text, at := s.numeral()
	if text == "" {
		return
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil || v.OverflowUint(n) {
		s.Fail(at, ruleFits)
		return
	}
	v.SetUint(n)
}

func decodeFloat(s *Scanner, v reflect.Value) {
	text, at := s.numeral()
	if text == "" {
		return
	}
	n, err := strconv.ParseFloat(text, v.Type().Bits())
	if err != nil || v.OverflowFloat(n) {
		s.Fail(at, ruleFits)
		return
	}
	v.SetFloat(n)
}

// numeral reads a number and returns its text and position. The text is empty for null
// and for a value that is not a number, which fails the scanner.
func (s *Scanner) numeral() (text string, at int) {
	if s.Null() {
		return "", 0
	}
	s.Next()
	at = s.pos
	s.number()
	if s.broken != "" {
		return "", at
	}
	return s.text[at:s.pos], at
}

func compilePointer(t reflect.Type, outer []reflect.Type) decoder {
	elem := t.Elem()
	d := compile(elem, outer)
	if d == nil {
		return nil
	}
	return func(s *Scanner, v reflect.Value) {
		if !s.Null() {
			v.Set(reflect.New(elem))
			d(s, v.Elem())
		}
	}
}

func compileSlice(t reflect.Type, outer []reflect.Type) decoder {
	if t.Elem().Kind() == reflect.Uint8 { // base64
		return nil
	}
	d := compile(t.Elem(), outer)
	if d == nil {
		return nil
	}
	return func(s *Scanner, v reflect.Value) {
		if s.Null() {
			return
		}
		n := 0
		for more := s.Array(); more; more = s.More(']') {
			if n == v.Cap() {
				v.Grow(1)
			}
			v.SetLen(n + 1)
			d(s, v.Index(n))
			n++
		}
		if n == 0 {
			v.Set(reflect.MakeSlice(t, 0, 0))
		}
	}
}

func compileMap(t reflect.Type, outer []reflect.Type) decoder {
	key := t.Key()
	if key.Kind() != reflect.String || key.Implements(textUnmarshaler) || reflect.PointerTo(key).Implements(textUnmarshaler) {
		return nil
	}
	d := compile(t.Elem(), outer)
	if d == nil {
		return nil
	}
	return func(s *Scanner, v reflect.Value) {
		if s.Null() {
			return
		}
		v.Set(reflect.MakeMap(t))
		elem := reflect.New(t.Elem()).Elem()
		for more := s.Object(); more; more = s.More('}') {
			name := reflect.ValueOf(s.kept(s.Name())).Convert(key)
			elem.SetZero()
			d(s, elem)
			v.SetMapIndex(name, elem)
		}
	}
}
