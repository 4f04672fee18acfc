package cli

import (
	"encoding/json"
	"errors"
	"io"

	"github.com/spf13/cobra"
)

// output is the flag --output of a command that prints a result. Text is for people, JSON
// is for scripts: one document of the shape that the help documents, or one a line for a
// list. Only the result goes to stdout; progress and notes go to stderr.
type output struct{ format string }

const (
	formatText = "text"
	formatJSON = "json"
)

// addTo adds the flag.
func (o *output) addTo(cmd *cobra.Command) {
	o.format = formatText
	cmd.Flags().VarP(o, "output", "o", "`format` of the result: text or json")
	completeValues(cmd, "output", formatText, formatJSON)
}

// json reports whether the result is printed as JSON.
func (o *output) json() bool { return o.format == formatJSON }

// print writes the result as JSON with two spaces of indentation, or as text.
func (o *output) print(w io.Writer, result any, text func(io.Writer) error) error {
	if !o.json() {
		return text(w)
	}
	e := jsonLines(w)
	e.SetIndent("", "  ")
	return e.Encode(result)
}

// jsonLines returns an encoder that writes one JSON document a line. It is safe for a
// terminal.
func jsonLines(w io.Writer) *json.Encoder {
	e := json.NewEncoder(printableJSON{w})
	e.SetEscapeHTML(false)
	return e
}

// String returns the format. It implements [pflag.Value].
func (o *output) String() string { return o.format }

// Set sets the format.
func (o *output) Set(format string) error {
	if format != formatText && format != formatJSON {
		return errors.New("want text or json")
	}
	o.format = format
	return nil
}

// Type returns the word for the value in a usage text.
func (o *output) Type() string { return "format" }
