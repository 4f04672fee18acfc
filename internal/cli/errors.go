package cli

import (
	"errors"
	"fmt"
)

// Exit codes of the program.
const (
	exitDone  = 0
	exitNo    = 1 // the answer is no, or the command failed
	exitUsage = 2
)

// ErrNo is the result of a command that has printed its answer, and the answer is no: a
// check failed, a user is not connected, a signature is wrong. Main prints nothing more
// and returns exit code 1.
var ErrNo = errors.New("the answer is no")

// errInterrupted replaces the error of a command whose context has ended.
var errInterrupted = errors.New("interrupted")

// A UsageError is an error in arguments, flags, environment or settings. Main returns
// exit code 2.
type UsageError struct {
	err  error
	help string // command that prints the usage
}

// Error returns the flag, its value and the rule.
func (e *UsageError) Error() string { return e.err.Error() }

// Unwrap returns the cause.
func (e *UsageError) Unwrap() error { return e.err }

// usage returns a UsageError. Its text names the flag, the value and what is right.
func usage(format string, args ...any) error {
	return &UsageError{err: fmt.Errorf(format, args...)}
}
