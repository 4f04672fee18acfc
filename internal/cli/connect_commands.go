package cli

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/go-webpubsub/webpubsub/client"
	"github.com/go-webpubsub/webpubsub/internal/cli/similar"
	"github.com/go-webpubsub/webpubsub/internal/excerpt"
)

// typed is a command of a line that the user has typed.
type typed struct {
	name     string
	synopsis string
	help     string
	options  []string // that it takes before its arguments
	first    word     // its first argument
	payload  payload
	// aside runs the command beside those after it, since its answer can take long.
	aside bool
	run   func(ctx context.Context, in *line) (news, error)
}

// word is what the first argument of a command names.
type word uint8

const (
	wordNone word = iota
	wordGroup
	wordEvent
)

// payload is whether a command takes a payload.
type payload uint8

const (
	payloadNone payload = iota
	payloadOptional
	payloadRequired
)

// Options of typed commands.
const (
	optionJSON   = "--json"
	optionBinary = "--binary"
	optionNoEcho = "--no-echo"
)

// line is a line that was parsed for a command.
type line struct {
	command *typed
	options []string
	word    string // the group or event
	data    client.Data
}

func (in *line) has(option string) bool { return slices.Contains(in.options, option) }

// Commands of every protocol.
const (
	typedHelp = "help"
	typedQuit = "quit"
)

// parseLine parses a line: a command, its options, a group or event, and the rest of the
// line as the payload. A name with spaces is in double quotes. With an error it returns
// the command if it is known, or nil.
func parseLine(text string, commands []typed) (*line, error) {
	name, rest := cutWord(text)
	i := slices.IndexFunc(commands, func(c typed) bool { return c.name == name })
	if i < 0 {
		return nil, unknownTyped(name, commands)
	}
	in := &line{command: &commands[i]}
	for strings.HasPrefix(rest, "--") {
		var option string
		option, rest = cutWord(rest)
		if !slices.Contains(in.command.options, option) {
			return in, in.unknownOption(option)
		}
		in.options = append(in.options, option)
	}
	if in.command.first != wordNone {
		var err error
		if in.word, rest, err = cutName(rest); err != nil {
			return in, err
		}
		if in.word == "" {
			return in, in.usage("an argument is missing")
		}
	}
	return in, in.read(rest)
}

// read reads the payload.
func (in *line) read(text string) error {
	switch {
	case in.command.payload == payloadNone && text != "":
		return in.usage("unexpected argument " + excerpt.Name(text))
	case in.command.payload == payloadRequired && text == "":
		return in.usage("a message is missing")
	case text == "" && len(in.options) == 0:
		return nil
	case in.has(optionJSON) && in.has(optionBinary):
		return errors.New("--json and --binary are set, want one of them")
	case in.has(optionJSON):
		in.data = client.RawJSON([]byte(text))
		return checkJSON([]byte(text))
	case in.has(optionBinary):
		data, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return errors.New("want base64 after --binary")
		}
		in.data = client.Binary(data)
	default:
		in.data = client.Text(text)
	}
	return nil
}

// usage returns an error that shows the synopsis.
func (in *line) usage(mistake string) error {
	return fmt.Errorf("%s, want: %s", mistake, in.command.synopsis)
}

func (in *line) unknownOption(option string) error {
	if meant := similar.Name(option, in.command.options); meant != "" {
		return fmt.Errorf("unknown option %s, did you mean %s?", excerpt.Name(option), meant)
	}
	return in.usage("unknown option " + excerpt.Name(option))
}

func unknownTyped(name string, commands []typed) error {
	names := make([]string, 0, len(commands))
	for _, c := range commands {
		names = append(names, c.name)
	}
	return fmt.Errorf("unknown command %s, %s", excerpt.Name(name), similar.Hint(name, names))
}

// cutWord returns the first word of a text, and the rest without leading space.
func cutWord(text string) (first, rest string) {
	text = strings.TrimLeftFunc(text, unicode.IsSpace)
	i := strings.IndexFunc(text, unicode.IsSpace)
	if i < 0 {
		return text, ""
	}
	return text[:i], strings.TrimLeftFunc(text[i:], unicode.IsSpace)
}

// cutName is cutWord for a name, which may be quoted as in Go.
func cutName(text string) (name, rest string, err error) {
	if !strings.HasPrefix(text, `"`) {
		name, rest = cutWord(text)
		return name, rest, nil
	}
	quoted, err := strconv.QuotedPrefix(text)
	if err == nil {
		name, err = strconv.Unquote(quoted)
	}
	if err != nil {
		return "", "", errors.New("a name in double quotes does not end")
	}
	return name, strings.TrimLeftFunc(text[len(quoted):], unicode.IsSpace), nil
}

// quoteName returns a name as cutName reads it.
func quoteName(name string) string {
	if name == "" || name[0] == '"' || strings.HasPrefix(name, "--") || strings.ContainsFunc(name, func(r rune) bool { return unicode.IsSpace(r) || isUnsafe(r) }) {
		return strconv.Quote(name)
	}
	return name
}
