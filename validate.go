package webpubsub

import (
	"errors"
	"reflect"
	"strconv"
	"strings"
	"sync"

	"github.com/go-playground/validator/v10"
)

// customInvalid returns the error of a Config.Validate function, as a ValidationError
// unless it has an answer already.
func customInvalid(err error) error {
	if err == nil {
		return nil
	}
	var chosen *Error
	var invalid *ValidationError
	if errors.As(err, &chosen) || errors.As(err, &invalid) {
		return err
	}
	return &ValidationError{Err: err}
}

// tagValidator returns the validator of all handlers, which caches types.
var tagValidator = sync.OnceValue(func() *validator.Validate {
	v := validator.New(validator.WithRequiredStructEnabled())
	v.RegisterTagNameFunc(func(f reflect.StructField) string {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "-" {
			return ""
		}
		return name
	})
	return v
})

// validateTags validates the value that p, a non-nil pointer, points to.
func validateTags(p any) error {
	v := reflect.ValueOf(p).Elem()
	for v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
		if v.IsNil() {
			if v.Kind() == reflect.Interface {
				return nil // decoded into any, which has no tags
			}
			return &DecodeError{What: "JSON payload", Err: errors.New("null")}
		}
		v = v.Elem()
	}
	if !hasRules(v.Type()) {
		return nil
	}
	var err error
	if v.Kind() == reflect.Struct {
		err = tagValidator().Struct(v.Interface()) // a pointer takes more allocations
	} else if dive := diveInto(v.Type()); dive != "" {
		err = tagValidator().Var(v.Interface(), dive)
	}
	if err == nil {
		return nil
	}
	var broken validator.ValidationErrors
	if !errors.As(err, &broken) {
		return err // an error in the type, not in the payload
	}
	fields := make([]FieldError, len(broken))
	for i, b := range broken {
		path := strings.TrimPrefix(b.Namespace(), v.Type().Name()+".")
		fields[i] = FieldError{Field: withoutKeys(path), Rule: b.Tag(), Param: b.Param()}
	}
	return &ValidationError{Fields: fields}
}

// ruled has, for each type that was validated, whether it has rules.
var ruled sync.Map // reflect.Type to bool

// hasRules reports whether a type may have validate tags. The validator takes as long
// to find none as to check one.
func hasRules(t reflect.Type) bool {
	if has, ok := ruled.Load(t); ok {
		return has.(bool) //nolint:forcetypeassert // nothing else is stored
	}
	has := mayHaveRules(t, make(map[reflect.Type]bool))
	ruled.Store(t, has)
	return has
}

// mayHaveRules is hasRules for a type that is not in seen, of whose types none has rules.
func mayHaveRules(t reflect.Type, seen map[reflect.Type]bool) bool {
	if seen[t] {
		return false
	}
	seen[t] = true
	switch t.Kind() {
	case reflect.Interface: // of any type
		return true
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		return mayHaveRules(t.Elem(), seen)
	case reflect.Struct:
		for i := range t.NumField() {
			f := t.Field(i)
			if _, has := f.Tag.Lookup("validate"); has || mayHaveRules(f.Type, seen) {
				return true
			}
		}
		return false
	default:
		return false
	}
}

// withoutKeys removes the keys of maps from a path, since a client chose them. A key may
// look like a part of a path: everything from the first to the last bracket is removed.
func withoutKeys(path string) string {
	for at := 0; ; {
		open := strings.IndexByte(path[at:], '[')
		if open < 0 {
			return path
		}
		open += at
		length := strings.IndexByte(path[open:], ']')
		if length < 0 || !isIndex(path[open+1:open+length]) {
			return path[:open] + "[…]" + path[strings.LastIndexByte(path, ']')+1:]
		}
		at = open + length + 1
	}
}

// isIndex reports whether s is the index of a list, which has few digits.
func isIndex(s string) bool {
	_, err := strconv.ParseUint(s, 10, 32)
	return err == nil && len(s) <= 7
}

// diveInto returns the validator tag that validates the structs in a list or map, empty
// if there are none.
func diveInto(t reflect.Type) string {
	tag := ""
	for {
		switch t.Kind() {
		case reflect.Slice, reflect.Array, reflect.Map:
			tag += ",dive"
			t = t.Elem()
		case reflect.Pointer:
			t = t.Elem()
		case reflect.Struct:
			return strings.TrimPrefix(tag, ",")
		default:
			return ""
		}
	}
}
