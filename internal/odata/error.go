package odata

import (
	"errors"
	"fmt"

	"github.com/go-webpubsub/webpubsub/internal/excerpt"
)

// An Error is a mistake in a filter.
type Error struct {
	// Offset is the position of the mistake, in bytes.
	Offset int
	// Reason is the mistake and what would be right, for the author of the filter.
	Reason string

	filter string // empty: the text says it all
	text   string // as the service says it
}

// Error returns the text of the service's answer.
func (e *Error) Error() string {
	if e.filter == "" {
		return e.text
	}
	return "invalid syntax for '" + excerpt.Short(e.filter) + "': " + e.text
}

// Unwrap returns the mistake as an error without the filter.
func (e *Error) Unwrap() error {
	if e.filter == "" {
		return nil
	}
	return errors.New(e.text)
}

// mistake returns an error at an offset. Its reason is its text.
func mistake(at int, format string, args ...any) *Error {
	text := fmt.Sprintf(format, args...)
	return &Error{Offset: at, Reason: text, text: text}
}

func tooLong(filter string) *Error {
	return mistake(maxLength, "filter has %d bytes, want at most %d", len(filter), maxLength)
}
