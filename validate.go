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
	var err error
	if v.Kind() == reflect.Struct {
		err = tagValidator().Struct(v.Interface())
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
