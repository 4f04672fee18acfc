package jsonscan

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
)

// Unmarshal is json.Unmarshal with errors that are safe to log.
func Unmarshal(data []byte, v any) error {
	if err := json.Unmarshal(data, v); err != nil {
		return &unmarshalError{err}
	}
	return nil
}

// unmarshalError tells where JSON does not fit, without the JSON: encoding/json
// quotes numbers and the keys of maps, and types that decode themselves quote
// what they like.
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
	return fmt.Sprintf("a value was refused by the type that decodes it (%T)", e.err)
}

// namesKeys tells whether this build's encoding/json puts keys of maps, which
// are a client's words, into the path of a member, as GOEXPERIMENT=jsonv2 does.
var namesKeys = sync.OnceValue(func() bool {
	var mismatch *json.UnmarshalTypeError
	err := json.Unmarshal([]byte(`{"key":""}`), &map[string]int{})
	return !errors.As(err, &mismatch) || mismatch.Field != ""
})

func (e *unmarshalError) Unwrap() error { return e.err }
