package inspect

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/go-webpubsub/webpubsub/internal/upstream"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

func encode(data []byte) string { return base64.StdEncoding.EncodeToString(data) }

// trigger serves a command line of webpubsub trigger that sends the event of a record.
func (h *Handler) trigger(w http.ResponseWriter, r *http.Request) error {
	rec, err := h.copied(r)
	if err != nil {
		return err
	}
	if rec.Event.InMemory {
		return fail(http.StatusConflict, "the event handler is in memory, where webpubsub trigger cannot reach it: copy it as a Go test")
	}
	c := commandLine{event: rec.Event}
	c.add("--hub", rec.Hub)
	c.add("--connection", rec.Connection)
	c.describe(rec)
	var b strings.Builder
	if rec.Event.Request.Data.Redacted {
		b.WriteString("# " + note + "\n")
	}
	if !h.publicKey() {
		b.WriteString("# the access key is read from WEBPUBSUB_CONNECTION_STRING\n")
	}
	b.WriteString(c.String() + "\n")
	return writeText(w, b.String())
}

// commandLine is a command line of webpubsub trigger.
type commandLine struct {
	event *Event
	flags []string
	stdin []byte // nil: none
}

// add adds a flag. An empty value is left out.
func (c *commandLine) add(name, value string) {
	if value != "" {
		c.flags = append(c.flags, name+" "+upstream.Quote(value))
	}
}

// describe adds the flags of the kind of event.
func (c *commandLine) describe(rec *Record) {
	ev := c.event
	c.add("--user", rec.User)
	if ev.StateBefore != nil {
		c.add("--state", ev.StateBefore.Text)
	}
	switch ev.Type {
	case wire.TypeConnect:
		c.describeConnect(rec.User)
	case wire.TypeGroupJoined, wire.TypeGroupLeft:
		c.add("--group", upstream.GroupOf(ev.Request.Data.raw()))
	case wire.TypeDisconnected:
		var in upstream.Disconnected
		_ = json.Unmarshal(ev.Request.Data.raw(), &in)
		if in.Reason != nil {
			c.add("--reason", *in.Reason)
		}
	case wire.TypeConnected:
	default:
		c.describeUser()
	}
	if ev.Type != wire.TypeConnect {
		c.add("--subprotocol", ev.Subprotocol)
	}
}

func (c *commandLine) describeConnect(user string) {
	var in upstream.ConnectRequest
	_ = json.Unmarshal(c.event.Request.Data.raw(), &in)
	sortedPairs(in.Claims, func(name, value string) {
		if name != "sub" || value != user { // --user adds it
			c.add("--claim", name+"="+value)
		}
	})
	sortedPairs(in.Query, func(name, value string) { c.add("--query", name+"="+value) })
	sortedPairs(in.Headers, func(name, value string) { c.add("--header", name+": "+value) })
	for _, name := range in.Subprotocols {
		c.add("--subprotocol", name)
	}
}

func (c *commandLine) describeUser() {
	ev := c.event
	data := ev.Request.Data.raw()
	typ := contentType(ev)
	flag, own := "--binary", wire.MediaBinary
	switch kind, _ := wire.DataTypeOf(typ); {
	case kind == wire.DataJSON && json.Valid(data):
		flag, own = "--json", wire.MediaJSON
	case kind == wire.DataText:
		flag, own = "--data", upstream.ContentType(wire.DataText)
	}
	if typ != own {
		c.add("--content-type", typ)
	}
	if plain := string(data); isArgument(plain) {
		c.flags = append(c.flags, flag+" "+upstream.Quote(plain))
	} else {
		c.flags, c.stdin = append(c.flags, flag+" -"), data
	}
	for name, value := range metadata(ev.Request.Headers) {
		c.add("--metadata", name+"="+value)
	}
}

// isArgument reports whether the program takes a text as it is.
func isArgument(s string) bool {
	return s != "" && s != "-" && s[0] != '@' && utf8.ValidString(s) && !strings.ContainsRune(s, 0)
}

// String returns the command for a POSIX shell.
func (c *commandLine) String() string {
	var b strings.Builder
	b.WriteString("webpubsub trigger ")
	if strings.HasPrefix(c.event.Type, wire.TypePrefixUser) {
		b.WriteString("event ")
	}
	b.WriteString(upstream.Quote(c.event.Name) + " " + upstream.Quote(c.event.Handler))
	for _, flag := range c.flags {
		b.WriteString(" \\\n  " + flag)
	}
	if c.stdin != nil {
		return piped(c.stdin, b.String())
	}
	return b.String()
}
