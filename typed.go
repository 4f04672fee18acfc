package webpubsub

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"unicode/utf8"

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
