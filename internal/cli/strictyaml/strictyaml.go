// Package strictyaml decodes YAML or JSON files that people write by hand. Unknown members
// are errors, with their position and a suggestion.
package strictyaml

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strconv"

	"github.com/goccy/go-yaml"

	"github.com/go-webpubsub/webpubsub/internal/cli/similar"
	"github.com/go-webpubsub/webpubsub/internal/upstream"
)

// Decode decodes one document into the value that v points to. An empty document leaves
// it as it is.
func Decode(data []byte, v any) error { return decode(data, v, yaml.Strict()) }

// DecodeKnown is like Decode, but ignores unknown members.
func DecodeKnown(data []byte, v any) error { return decode(data, v) }

func decode(data []byte, v any, options ...yaml.DecodeOption) (err error) {
	defer func() {
		if recover() != nil { // as the decoder does for a sequence with an unknown tag
			err = errors.New("malformed YAML")
		}
	}()
	d := yaml.NewDecoder(bytes.NewReader(data), options...) // JSON is YAML
	if err := d.Decode(v); err != nil && !errors.Is(err, io.EOF) {
		return explain(err, reflect.TypeOf(v).Elem())
	}
	if err := d.Decode(new(any)); !errors.Is(err, io.EOF) {
		return errors.New("want one document")
	}
	return nil
}

// explain returns an error of the YAML decoder with its position, but without Go types.
// It quotes only names of the file, since URLs may contain secrets.
func explain(err error, t reflect.Type) error {
	var wrong yaml.Error
	if !errors.As(err, &wrong) || wrong.GetToken() == nil {
		return err
	}
	message := wrong.GetMessage()
	var unknown *yaml.UnknownFieldError
	var mistyped *yaml.TypeError
	switch {
	case errors.As(err, &unknown):
		name := wrong.GetToken().Value
		message = fmt.Sprintf("unknown field %.128q", upstream.WithoutSecrets(name))
		paths := make(map[string]string)
		members(t, "", paths)
		switch meant := similar.Name(name, slices.Sorted(maps.Keys(paths))); meant {
		case "":
		case name:
			message += " here, did you mean " + strconv.Quote(paths[meant]) + "?"
		default:
			message += fmt.Sprintf(", did you mean %q?", meant)
		}
	case errors.As(err, &mistyped):
		message = "want " + kindName(mistyped.DstType)
	}
	at := wrong.GetToken().Position
	return fmt.Errorf("line %d, column %d: %s", at.Line, at.Column, message)
}

// kindName returns the YAML name of a Go type.
func kindName(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Slice:
		return "a list"
	case reflect.Map, reflect.Struct:
		return "a mapping"
	case reflect.Int:
		return "a whole number"
	case reflect.Bool:
		return "true or false"
	default:
		return "text"
	}
}

// members adds to paths the names of all fields of a type and of the types in it, each with
// its path below prefix.
func members(t reflect.Type, prefix string, paths map[string]string) {
	switch t.Kind() {
	case reflect.Map, reflect.Slice, reflect.Pointer:
		members(t.Elem(), prefix, paths)
	case reflect.Struct:
		for _, f := range reflect.VisibleFields(t) {
			name := f.Tag.Get("yaml")
			if paths[name] == "" {
				paths[name] = prefix + name
			}
			members(f.Type, prefix+name+".", paths)
		}
	default:
	}
}
