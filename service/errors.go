package service

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"

	"github.com/go-webpubsub/webpubsub/internal/excerpt"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// Limits of an [Error]: bytes of a text, and nested codes.
const (
	maxErrorText  = 512
	maxInnerCodes = 8
)

// Kinds of an [*Error], for [errors.Is].
var (
	// ErrInvalid means that a parameter breaks a rule and nothing was sent.
	ErrInvalid = errors.New("invalid parameter")
	// ErrUnauthorized is 401: the key or token was not accepted.
	ErrUnauthorized = errors.New("unauthorized")
	// ErrForbidden is 403: the identity lacks a role, or the network is closed.
	ErrForbidden = errors.New("forbidden")
	// ErrNotFound is 404: there is no such connection or user.
	ErrNotFound = errors.New("not found")
	// ErrTooManyRequests is 429: a limit of the service is reached.
	ErrTooManyRequests = errors.New("too many requests")
)

// Error is the error of a call: a parameter breaks a rule ([ErrInvalid]), there was no
// answer (Err is from the credential, the transport or the context), or the service
// refused the call (StatusCode). Its text contains no key, no token and not the URL
// of the request.
type Error struct {
	// Operation is the name of the operation in the REST API, such as "SendToGroup".
	Operation string
	// StatusCode is the status of the answer; 0 without an answer.
	StatusCode int
	// Code (code, or the header x-ms-error-code) is the service's code, such as
	// "Error.Connection.NotExisted". Often empty.
	Code string
	// Message (message) is the service's text, cut after 512 bytes. Empty for an
	// answer without body.
	Message string
	// Target (target) names the part of the request that failed, such as "Connection".
	Target string
	// Inner (inner, innererror) are nested codes, each more precise than the one
	// before it.
	Inner []string
	// Hint names a likely mistake in the setup: the endpoint, its scheme, the
	// credential or the clock. Often empty.
	Hint string
	// Err is the cause; an [*azcore.ResponseError] if the service answered.
	Err error

	invalid bool
}

// Error returns the operation and why it failed.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("service: " + e.Operation)
	if e.StatusCode != 0 {
		fmt.Fprintf(&b, ": %d %s", e.StatusCode, http.StatusText(e.StatusCode))
		if e.Code != "" {
			b.WriteString(": " + e.Code)
		}
		if e.Message != "" {
			b.WriteString(": " + e.Message)
		}
	} else if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	if e.Hint != "" {
		b.WriteString(" (" + e.Hint + ")")
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is reports whether the error is of a kind, such as [ErrNotFound].
func (e *Error) Is(target error) bool {
	switch target {
	case ErrInvalid:
		return e.invalid
	case ErrUnauthorized:
		return e.StatusCode == http.StatusUnauthorized
	case ErrForbidden:
		return e.StatusCode == http.StatusForbidden
	case ErrNotFound:
		return e.StatusCode == http.StatusNotFound
	case ErrTooManyRequests:
		return e.StatusCode == http.StatusTooManyRequests
	}
	return false
}

func invalid(operation string, err error) *Error {
	return &Error{Operation: operation, Err: err, invalid: true}
}

// responseError returns the error of an answer: the service's JSON, a validation
// problem of its web framework, plain text or nothing.
func (c *Client) responseError(in *call, resp *http.Response) error {
	e := &Error{
		Operation:  in.operation,
		StatusCode: resp.StatusCode,
		Code:       excerpt.Line(resp.Header.Get("x-ms-error-code"), maxErrorText),
	}
	if resp.StatusCode < http.StatusBadRequest {
		if resp.StatusCode != in.want {
			e.Message = fmt.Sprintf("want status %d", in.want)
		}
		e.Hint = c.hintFor(resp, e)
		// The body of an unexpected answer may contain a secret.
		resp.Body = http.NoBody
	} else {
		body, _ := runtime.Payload(resp) // in memory by now
		e.read(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")))
		e.Hint = c.hintFor(resp, e)
	}
	request := *resp.Request // the ResponseError refers to it
	request.Header = request.Header.Clone()
	request.Header.Set(wire.HeaderAuthorization, redacted)
	request.Response = nil // of a redirect, which has a request with the header
	resp.Request = &request
	e.Err = runtime.NewResponseError(resp)
	return e
}

// read sets the fields from a body.
func (e *Error) read(body []byte) {
	var shape map[string]json.RawMessage
	if err := json.Unmarshal(body, &shape); err != nil {
		text := string(body)
		var quoted string
		if json.Unmarshal(body, &quoted) == nil {
			text = quoted
		}
		e.Message = excerpt.Line(strings.TrimSpace(text), maxErrorText)
		return
	}
	if wrapped, ok := object(shape["error"]); ok { // by gateways before the service
		shape = wrapped
	}
	if code := text(shape["code"]); code != "" {
		e.Code = code
	}
	e.Message, e.Target = text(shape["message"]), text(shape["target"])
	e.readInner(shape)
	if e.Message == "" {
		e.readProblem(shape)
	}
}

func (e *Error) readInner(shape map[string]json.RawMessage) {
	for range maxInnerCodes {
		next, ok := object(shape["innererror"])
		if !ok {
			next, ok = object(shape["inner"])
		}
		if !ok {
			return
		}
		if code := text(next["code"]); code != "" {
			e.Inner = append(e.Inner, code)
		}
		shape = next
	}
}

// readProblem reads a validation problem: errors by the name of the parameter.
func (e *Error) readProblem(shape map[string]json.RawMessage) {
	e.Message = text(shape["title"])
	var problems map[string][]string
	if json.Unmarshal(shape["errors"], &problems) != nil || len(problems) == 0 {
		return
	}
	names := slices.Sorted(maps.Keys(problems))
	e.Target = excerpt.Line(names[0], maxErrorText)
	var all []string
	for _, name := range names {
		all = append(all, problems[name]...)
	}
	e.Message = excerpt.Line(strings.Join(all, " "), maxErrorText)
}

func object(raw json.RawMessage) (map[string]json.RawMessage, bool) {
	var o map[string]json.RawMessage
	return o, json.Unmarshal(raw, &o) == nil && o != nil
}

func text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return excerpt.Line(s, maxErrorText)
}
