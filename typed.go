package webpubsub

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"unicode/utf8"

	"github.com/go-webpubsub/webpubsub/internal/jsonscan"
)

// UserEventFunc handles a user event and returns the answer. [JSON] and [Text] wrap a
// function of a decoded payload.
type UserEventFunc func(ctx context.Context, ev *UserEvent) (Reply, error)

// JSON returns a [UserEventFunc] that calls f with the decoded payload:
//
//	webpubsub.JSON(func(ctx context.Context, ev *webpubsub.UserEvent, in Said) (Receipt, error) { … })
//
// [UserEvent.DecodeJSON] decodes and validates the payload; f is called only if it
// is valid. The result of f is sent as JSON, unless it is a [Reply] or [*Reply],
// which is sent as it is. A nil *Reply sends nothing.
func JSON[In, Out any](f func(ctx context.Context, ev *UserEvent, in In) (Out, error)) UserEventFunc {
	if f == nil {
		return nil // an error of NewHandler
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
		switch reply := any(out).(type) {
		case Reply:
			return reply, nil
		case *Reply:
			if reply == nil {
				return Reply{}, nil
			}
			return *reply, nil
		}
		return JSONReply(out), nil
	}
}

// Text returns a [UserEventFunc] that calls f with a payload of text/plain in UTF-8, and
// refuses other payloads. A string that f returns is sent as text, a [Reply] as it is.
func Text[Out string | Reply](f func(ctx context.Context, ev *UserEvent, in string) (Out, error)) UserEventFunc {
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
		if text, ok := any(out).(string); ok {
			return TextReply(text), nil
		}
		reply, _ := any(out).(Reply)
		return reply, nil
	}
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

// DecodeJSON decodes the payload, which must be application/json or text/plain, into the
// value that v points to, and validates the value with [Config.Validate] or the validate
// tags of go-playground/validator. It ignores members that v does not have.
//
// It returns a [*DecodeError], a [*ValidationError], or an [*Error] with status 415 for a
// payload of another type. A function can return them unchanged. If v is not a pointer
// or nil, the error is answered with 500.
func (ev *UserEvent) DecodeJSON(v any) error {
	if ev.DataType != DataJSON && ev.DataType != DataText {
		return ev.unsupported("application/json or text/plain")
	}
	if !utf8.Valid(ev.Data) { // encoding/json would replace it
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
