package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/spf13/cobra"
)

// kind is the flag --type: what the bytes of a message are.
type kind struct{ name string }

const (
	kindText   = "text"
	kindJSON   = "json"
	kindBinary = "binary"
)

// addTo adds the flag.
func (k *kind) addTo(cmd *cobra.Command) {
	k.name = kindText
	cmd.Flags().Var(k, "type", "`type` of the message: text, json or binary")
	completeValues(cmd, "type", kindText, kindJSON, kindBinary)
}

// String returns the name. It implements [pflag.Value].
func (k *kind) String() string { return k.name }

// Set sets the type.
func (k *kind) Set(name string) error {
	switch name {
	case kindText, kindJSON, kindBinary:
		k.name = name
		return nil
	}
	return errors.New("want text, json or binary")
}

// Type returns the word for the value in a usage text.
func (k *kind) Type() string { return "type" }

// mediaType returns the Content-Type.
func (k *kind) mediaType() string {
	switch k.name {
	case kindJSON:
		return "application/json"
	case kindBinary:
		return "application/octet-stream"
	}
	return "text/plain"
}

// read returns the bytes of an argument, which are valid for the type.
func (k *kind) read(cmd *cobra.Command, argument string, most int64) ([]byte, error) {
	data, err := readArgument(cmd, argument, most)
	switch {
	case err != nil:
		return nil, err
	case k.name == kindJSON:
		return data, checkJSON(data)
	case k.name == kindText && !utf8.Valid(data):
		return nil, errors.New("not UTF-8 text, want --type binary for other bytes")
	}
	return data, nil
}

// checkJSON returns an error with a position unless data is one JSON value.
func checkJSON(data []byte) error {
	err := json.Unmarshal(data, new(any))
	wrong := (*json.SyntaxError)(nil)
	if !errors.As(err, &wrong) {
		return err
	}
	before := data[:max(0, wrong.Offset-1)]
	line := 1 + bytes.Count(before, []byte("\n"))
	column := 1 + utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:])
	return fmt.Errorf("line %d, column %d: not JSON: %w", line, column, err)
}
