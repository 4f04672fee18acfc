package webpubsub

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/go-playground/validator/v10"

	"github.com/go-webpubsub/webpubsub/internal/jsonscan"
)

// UserEventFunc handles a user event and answers it. [JSON] and [Text] make one
// from a function of the payload's own type.
type UserEventFunc func(ctx context.Context, ev *UserEvent) (Reply, error)

// JSON makes a [UserEventFunc] from a function of a decoded payload:
//
//	webpubsub.JSON(func(ctx context.Context, ev *webpubsub.UserEvent, in Said) (Receipt, error) { … })
//
// The payload is decoded and validated as [UserEvent.DecodeJSON] does, and the
// function runs only if it is right. What it returns is sent as JSON; a
// function that returns a [Reply] or [*Reply] decides for itself, and a nil
// *Reply sends nothing.
func JSON[In, Out any](f func(ctx context.Context, ev *UserEvent, in In) (Out, error)) UserEventFunc {
	if f == nil {
		return nil // NewHandler names the event whose function is missing
	}
	if f, ok := any(f).(func(context.Context, *UserEvent, In) (Reply, error)); ok {
		return func(ctx context.Context, ev *UserEvent) (Reply, error) {
			var in In
			if err := ev.DecodeJSON(&in); err != nil {
				return Reply{}, err
			}
			return f(ctx, ev, in)
		}
	}
	return func(ctx context.Context, ev *UserEvent) (Reply, error) {
		var in In
		if err := ev.DecodeJSON(&in); err != nil {
			return Reply{}, err
		}
		out, err := f(ctx, ev, in)
		if err != nil {
			return Reply{}, err
		}
		switch out := any(out).(type) {
		case Reply: // Out is an interface
			return out, nil
		case *Reply:
			if out == nil {
				return Reply{}, nil
			}
			return *out, nil
		default:
			return JSONReply(out), nil
		}
	}
}

// Text makes a [UserEventFunc] from a function of a text payload. It accepts
// text/plain in UTF-8 and refuses everything else. A string that the function
// returns is sent as text; a function that returns a [Reply] decides for itself.
func Text[Out string | Reply](f func(ctx context.Context, ev *UserEvent, in string) (Out, error)) UserEventFunc {
	switch f := any(f).(type) {
	case func(context.Context, *UserEvent, string) (string, error):
		if f == nil {
			return nil
		}
		return func(ctx context.Context, ev *UserEvent) (Reply, error) {
			in, err := ev.text()
			if err != nil {
				return Reply{}, err
			}
			out, err := f(ctx, ev, in)
			if err != nil {
				return Reply{}, err
			}
			return TextReply(out), nil
		}
	case func(context.Context, *UserEvent, string) (Reply, error):
		if f == nil {
			return nil
		}
		return func(ctx context.Context, ev *UserEvent) (Reply, error) {
			in, err := ev.text()
			if err != nil {
				return Reply{}, err
			}
			return f(ctx, ev, in)
		}
	}
	return nil
}

var errNotUTF8 = errors.New("not UTF-8")

func (ev *UserEvent) text() (string, error) {
	if ev.DataType != DataText {
		return "", ev.unsupported("text/plain")
	}
	if !utf8.Valid(ev.Data) {
		return "", &DecodeError{What: "text payload", Err: errNotUTF8}
	}
	return string(ev.Data), nil
}

func (ev *UserEvent) unsupported(want string) error {
	return &Error{
		Status:  http.StatusUnsupportedMediaType,
		Message: "event payload is " + ev.DataType.String() + ", want " + want,
	}
}

// DecodeJSON decodes the payload, application/json or text/plain, into what v
// points to and validates the result: by [Config.Validate], or else by the
// validate tags of go-playground/validator. Members that v does not have are
// ignored.
//
// Its errors are a [*DecodeError] or [*ValidationError], or an [*Error] with
// status 415 for a payload of another type; a function may return them as they are.
// That v is no pointer, or nil, is a mistake of the caller, not of the client.
func (ev *UserEvent) DecodeJSON(v any) error {
	if ev.DataType != DataJSON && ev.DataType != DataText {
		return ev.unsupported("application/json or text/plain")
	}
	if !utf8.Valid(ev.Data) { // encoding/json would put other characters in its place
		return &DecodeError{What: "JSON payload", Err: errNotUTF8}
	}
	if err := jsonscan.Unmarshal(ev.Data, v); err != nil {
		var misused *json.InvalidUnmarshalError
		if errors.As(err, &misused) {
			return misused
		}
		return &DecodeError{What: "JSON payload", Err: err}
	}
	if ev.validate != nil {
		return customInvalid(ev.validate(v))
	}
	return validateTags(v)
}

// customInvalid makes an error of a Config.Validate function a client's error
// unless it chose to be another.
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

// tagValidator is shared by all handlers: it keeps what it has learned of a
// type, and has no settings that could differ.
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

// validateTags checks what p, a non-nil pointer, points to.
func validateTags(p any) error {
	v := reflect.ValueOf(p).Elem()
	for v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
		if v.IsNil() {
			if v.Kind() == reflect.Interface {
				return nil // decoded into any: there is no type to hold it to
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
		return err // a mistake in the type, not in the payload
	}
	fields := make([]FieldError, len(broken))
	for i, b := range broken {
		path := strings.TrimPrefix(b.Namespace(), v.Type().Name()+".")
		fields[i] = FieldError{Field: withoutKeys(path), Rule: b.Tag(), Param: b.Param()}
	}
	return &ValidationError{Fields: fields}
}

// withoutKeys takes the keys of maps out of a path, since they are a client's
// words. After the last bracket there are only names of fields; a key between
// it and the first one may itself look like part of a path.
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

// isIndex reports whether a bracket holds the index of a list, which in a body of
// ordinary size has few digits.
func isIndex(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != "" && len(s) <= 7
}

// diveInto returns the validator tag that reaches the structs in a list or map,
// empty if there are none.
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
