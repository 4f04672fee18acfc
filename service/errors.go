package service

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
)

// maxErrorBody is how much of an error's body is read, maxErrorText how much of
// one that is plain text is shown.
const (
	maxErrorBody = 64 << 10
	maxErrorText = 512
)

// Errors that an [*Error] is, by [errors.Is], for its status.
var (
	// ErrNotFound is 404: the connection or user is not there.
	ErrNotFound = errors.New("not found")
	// ErrUnauthorized is 401: the key or token was not accepted.
	ErrUnauthorized = errors.New("unauthorized")
	// ErrForbidden is 403: the credential lacks a role, or the network is closed.
	ErrForbidden = errors.New("forbidden")
	// ErrTooManyRequests is 429: the service's limits are reached.
	ErrTooManyRequests = errors.New("too many requests")
)

// Error is a call that failed: refused here for a parameter that breaks a rule
// (StatusCode 0), refused by the service, or never answered (StatusCode 0, and
// Err from the transport). Its text holds no key and no token.
type Error struct {
	// Operation is the operation's name in the REST API, such as "SendToGroup".
	Operation string
	// StatusCode of the service's answer; 0 without one.
	StatusCode int
	// Code (code, or the header x-ms-error-code), such as "Error.Connection.NotExisted".
	Code string
	// Message (message), or what a validation answer or plain text said.
	Message string
	// Target (target) is what the error is about, such as "Connection".
	Target string
	// Err is the cause: an [*azcore.ResponseError] if the service answered.
	Err error
}

// Error names the operation and what is known of its failure.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("service: " + e.Operation)
	if e.StatusCode != 0 {
		fmt.Fprintf(&b, ": %d %s", e.StatusCode, http.StatusText(e.StatusCode))
	}
	if e.Code != "" {
		b.WriteString(": " + e.Code)
	}
	if e.Message != "" {
		b.WriteString(": " + e.Message)
	}
	return b.String()
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is makes errors.Is(err, ErrNotFound) and its like work.
func (e *Error) Is(target error) bool {
	switch target {
	case ErrNotFound:
		return e.StatusCode == http.StatusNotFound
	case ErrUnauthorized:
		return e.StatusCode == http.StatusUnauthorized
	case ErrForbidden:
		return e.StatusCode == http.StatusForbidden
	case ErrTooManyRequests:
		return e.StatusCode == http.StatusTooManyRequests
	}
	return false
}

// transportError keeps the URL, which names users and filters, out of the text.
func transportError(operation string, err error) error {
	message := err.Error()
	var u *url.Error
	if errors.As(err, &u) {
		message = u.Err.Error()
	}
	return &Error{Operation: operation, Message: message, Err: err}
}

// responseError reads an answer in any of its shapes: the service's own JSON, a
// validation problem of its web framework, plain text, nothing.
func responseError(operation string, resp *http.Response) error {
	defer func() { _ = resp.Body.Close() }()
	body, _ := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody)) // what came is all there is to tell
	resp.Body = io.NopCloser(strings.NewReader(string(body)))
	e := &Error{
		Operation:  operation,
		StatusCode: resp.StatusCode,
		Code:       resp.Header.Get("x-ms-error-code"),
		Err:        runtime.NewResponseError(resp),
	}
	var shape struct {
		Code    string              `json:"code"`
		Message string              `json:"message"`
		Target  string              `json:"target"`
		Title   string              `json:"title"`
		Errors  map[string][]string `json:"errors"`
	}
	if err := json.Unmarshal(body, &shape); err != nil {
		e.Message = clip(strings.TrimSpace(string(body)))
		return e
	}
	if shape.Code != "" {
		e.Code = shape.Code
	}
	e.Message, e.Target = clip(shape.Message), clip(shape.Target)
	if e.Message == "" {
		e.Message = clip(shape.Title)
		for name, problems := range shape.Errors {
			e.Target, e.Message = clip(name), clip(strings.Join(problems, " "))
		}
	}
	return e
}

func clip(s string) string {
	if len(s) <= maxErrorText {
		return s
	}
	return strings.ToValidUTF8(s[:maxErrorText], "") + "…"
}

var _ = (*azcore.ResponseError)(nil) // named in the documentation of Error
