package jsonscan

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
)

// Unmarshal is [json.Unmarshal] with errors that do not quote the JSON, and faster for
// values of most types without methods of their own.
func Unmarshal(data []byte, v any) error {
	if decode(data, v) {
		return nil
	}
	if err := json.Unmarshal(data, v); err != nil {
		return &unmarshalError{err}
	}
	return nil
}

// unmarshalError describes an error of encoding/json without quoting the JSON.
// encoding/json quotes numbers and keys of maps, and UnmarshalJSON methods may quote
// anything.
type unmarshalError struct{ err error }

func (e *unmarshalError) Error() string {
	var (
		syntax   *json.SyntaxError
		mismatch *json.UnmarshalTypeError
	)
	switch {
	case errors.As(e.err, &syntax):
		return fmt.Sprintf("%v at byte %d", syntax, syntax.Offset)
	case errors.As(e.err, &mismatch):
		kind, _, _ := strings.Cut(mismatch.Value, " ") // "number 42" is the value itself
		if namesKeys() {
			return fmt.Sprintf("JSON %s does not fit %v at byte %d", kind, mismatch.Type, mismatch.Offset)
		}
		return fmt.Sprintf("JSON %s does not fit %v in member %q at byte %d", kind, mismatch.Type, mismatch.Field, mismatch.Offset)
	}
	return fmt.Sprintf("the type of a member rejects its value (%T)", e.err)
}

// namesKeys reports whether this build's encoding/json puts keys of maps, which are
// untrusted, into the path of a member, as GOEXPERIMENT=jsonv2 does.
var namesKeys = sync.OnceValue(func() bool {
	var mismatch *json.UnmarshalTypeError
	err := json.Unmarshal([]byte(`{"key":""}`), &map[string]int{})
	return !errors.As(err, &mismatch) || mismatch.Field != ""
})

func (e *unmarshalError) Unwrap() error { return e.err }
