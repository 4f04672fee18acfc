package cli

import (
	"errors"
	"strings"
)

// emulatorMistake returns an error of the emulator's configuration as one of the flag that
// its field is from.
func emulatorMistake(err error) error {
	text := strings.TrimPrefix(err.Error(), "emulator: ")
	for field, flag := range map[string]string{
		"Origin ": "--origin ", "TrustHosts ": "--trust-host ",
		"Inspector.MaxRecords ": "--inspector-records ", "Inspector.MaxBytes ": "--inspector-bytes ",
	} {
		if rest, ok := strings.CutPrefix(text, field); ok {
			text = flag + rest
		}
	}
	return &UsageError{err: errors.New(text)}
}
