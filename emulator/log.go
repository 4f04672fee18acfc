package emulator

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/go-webpubsub/webpubsub/internal/excerpt"
)

const (
	// maxLogged is how many bytes of a text are logged.
	maxLogged = 512
	// maxSearched is how many bytes of a text are searched for tokens: more than
	// enough for the length above.
	maxSearched = 16 * maxLogged
)

// tokens are JWTs, also what is left of one that was cut, and the reconnection
// tokens of the hub, which are longer than its other ids.
var tokens = regexp.MustCompile(`eyJ[\w.-]*|[[:xdigit:]]{33,}`)

// discreet is a log whose texts are short and hold no access key and no token,
// wherever a client, a REST call or an event handler has put one.
type discreet struct {
	slog.Handler
	keys *strings.Replacer
}

// newDiscreet hides the keys in the forms in which a log may have them.
func newDiscreet(log slog.Handler, keys []string) discreet {
	var pairs []string
	for _, key := range keys {
		quoted := strconv.Quote(key)
		for _, form := range []string{key, quoted[1 : len(quoted)-1], strings.ToLower(key), url.PathEscape(key), url.QueryEscape(key)} {
			pairs = append(pairs, form, "(key)")
		}
	}
	return discreet{log, strings.NewReplacer(pairs...)}
}

// Handle writes a record.
func (d discreet) Handle(ctx context.Context, r slog.Record) error {
	out := slog.NewRecord(r.Time, r.Level, r.Message, r.PC)
	r.Attrs(func(a slog.Attr) bool {
		out.AddAttrs(d.attr(a))
		return true
	})
	return d.Handler.Handle(ctx, out)
}

// WithAttrs adds attributes to all records.
func (d discreet) WithAttrs(attrs []slog.Attr) slog.Handler {
	return discreet{d.Handler.WithAttrs(d.all(attrs)), d.keys}
}

// WithGroup puts a name before the attributes that follow.
func (d discreet) WithGroup(name string) slog.Handler {
	return discreet{d.Handler.WithGroup(name), d.keys}
}

func (d discreet) all(attrs []slog.Attr) []slog.Attr {
	out := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		out[i] = d.attr(a)
	}
	return out
}

func (d discreet) attr(a slog.Attr) slog.Attr {
	switch v := a.Value.Resolve(); v.Kind() {
	case slog.KindString:
		return slog.String(a.Key, d.text(v.String()))
	case slog.KindAny: // an error, or something else that has a text
		return slog.String(a.Key, d.text(fmt.Sprint(v.Any())))
	case slog.KindGroup:
		return slog.Attr{Key: a.Key, Value: slog.GroupValue(d.all(v.Group())...)}
	default:
		return a
	}
}

func (d discreet) text(s string) string {
	s = excerpt.Cut(d.keys.Replace(s), maxSearched)
	return excerpt.Cut(tokens.ReplaceAllString(s, "(token)"), maxLogged)
}
