package cli

import (
	"context"
	"io"
	"log/slog"
	"time"

	"github.com/go-webpubsub/webpubsub/client"
	"github.com/go-webpubsub/webpubsub/emulator"
)

// ParseSettings parses the content of a settings file.
var ParseSettings = parseSettings

// LookInto returns the text of a token's claims and expiry.
func LookInto(token string, now time.Time) (claims, expiry string, err error) {
	t, err := decodeToken(tokenIn(token))
	if err != nil {
		return "", "", err
	}
	return printableLines(indented(t.Claims)), t.expiry(now), nil
}

// Operations is the annotation of a command with the operations that it calls.
const Operations = operations

// WatchInterval is the time between two looks of a watcher.
const WatchInterval = watchInterval

// Watcher applies a settings file to an emulator.
type Watcher = watcher

// NewWatcher returns a watcher of an emulator with the hubs of a file and of flags.
func NewWatcher(emu *emulator.Server, path string, logger *slog.Logger, flags ...string) (*Watcher, error) {
	in := &emulatorFlags{settings: path, pairs: pairs{hubs: flags}}
	now := readContent(path)
	hubs, err := in.hubs(now)
	return newWatcher(in, emu, hubs, now, logger), err
}

// Look looks at the file.
func (w *watcher) Look() { w.look() }

// Start is the function that looks at the file again and again.
var Start = (*watcher).start

// Run is Main with a context in place of signals.
func Run(ctx context.Context, args []string, env Environment, stdin io.Reader, stdout, stderr io.Writer) int {
	return report(stderr, Exec(ctx, args, env, stdin, stdout, stderr))
}

// Printable escapes a text of strangers.
var Printable = printable

// SetFilter sets the flag --filter.
func SetFilter(text string) error { return new(filterFlag).Set(text) }

// Restoring calls a function, and another one before its panic goes on.
var Restoring = restoring

// Complete completes the text before the cursor for a protocol.
func Complete(protocol, before string, groups ...string) (completed string, candidates []string) {
	return complete(before, commandsOf(protocol), groups)
}

// ParseLine parses a line for a protocol. It returns the command, the group or event, and
// the payload.
func ParseLine(protocol, text string) (command, word string, data client.Data, err error) {
	in, err := parseLine(text, commandsOf(protocol))
	if err != nil {
		return "", "", data, err
	}
	return in.command.name, in.word, in.data, nil
}

// StartRaw starts a client without a subprotocol, with a time between pings. It calls show
// with lines of JSON.
func StartRaw(ctx context.Context, address string, ping time.Duration, show func(line string)) (stop func(), err error) {
	c := &console{view: newJSONView(writer(show)), input: &input{restore: func() {}}}
	s := openRaw(client.StaticURL(address), c)
	s.ping = ping
	return func() { s.stop(ctx) }, s.start(ctx)
}

type writer func(string)

func (w writer) Write(b []byte) (int, error) {
	w(string(b))
	return len(b), nil
}

// QuoteName returns a name as a line has it.
var QuoteName = quoteName

func commandsOf(name string) []typed {
	for _, p := range protocols() {
		if p.name == name {
			s, err := p.open(client.StaticURL(""), nil, new(seenGroups))
			if err != nil {
				panic(err)
			}
			return s.commands()
		}
	}
	return nil
}

// RewriteSettings decodes the content of a settings file and writes it as YAML.
func RewriteSettings(data []byte) (string, error) {
	file, err := decodeSettings(data)
	if err != nil {
		return "", err
	}
	return file.yaml(file.hubs())
}

// Variable is the environment variable of a command's flag.
var Variable = variable
