package conformance

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/internal/connstr"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// eventCause returns the cause of an answer that refuses a signed event, although the
// handler has consented; nil if it is not known.
func (p *probe) eventCause(req *http.Request, a *Answer) *Cause {
	if cause := p.answerCause(req, a); cause != nil {
		return cause
	}
	switch a.Status {
	case http.StatusMethodNotAllowed:
		return &Cause{
			ID:     "method",
			Text:   "the route of the handler excludes POST" + p.by(a),
			Remedy: "mount the handler for all methods, or for OPTIONS and POST",
		}
	case http.StatusNotFound:
		return p.lostEventCause(a)
	case http.StatusUnauthorized, http.StatusForbidden:
		if isPage(a) {
			return loginCause(p.by(a))
		}
		return p.keyCause(a)
	}
	return nil
}

// lostEventCause returns the cause of a 404 to an event.
func (p *probe) lostEventCause(a *Answer) *Cause {
	if strings.Contains(strings.ToLower(p.path()), "{event}") && framework(a) != "" {
		return &Cause{
			ID:     "not-found",
			Text:   "the handler is at the URL for validation, and nothing is at the URL for this event" + framework(a),
			Remedy: "mount the handler at all paths that {event} makes, or remove {event} from the URL in the hub's settings",
		}
	}
	return &Cause{
		ID:     "hub",
		Text:   fmt.Sprintf("the handler consents at this URL, but does not serve the hub %q%s", p.target.Hub, framework(a)),
		Remedy: "compare the name of the hub in the handler's configuration with the one in Azure; if it is right, check that the route is for POST, too",
	}
}

// keyCause finds out which signatures a handler accepts that refuses the right one.
func (p *probe) keyCause(a *Answer) *Cause {
	for _, other := range p.target.others() {
		if answer := p.ask(p.signedBy(other.key)); answer != nil && answer.ok() {
			return &Cause{
				ID:     "other-key",
				Text:   "the handler verifies with the key of " + other.name,
				Remedy: "configure the handler with the connection string of this service, " + p.target.Origin,
			}
		}
	}
	key := p.target.Keys[0]
	forms := []struct {
		lines func(id string) []string
		cause Cause
	}{
		{func(id string) []string { return []string{webpubsub.Sign(wrongKey, id), webpubsub.Sign(key, id)} }, Cause{
			ID:     "joined-signature",
			Text:   "the handler takes each line of ce-signature for one signature; the service sends two in one line, and proxies join lines with a comma",
			Remedy: "split all lines of ce-signature at commas, trim the spaces, and accept an event if any token is right",
		}},
		{func(id string) []string { return []string{webpubsub.Sign(key, id)} }, Cause{
			ID:     "one-token",
			Text:   "the handler takes ce-signature for one signature; the service sends two in one line, made with its two keys",
			Remedy: "split ce-signature at commas, and accept an event if any token is right",
		}},
		{func(id string) []string { return []string{upperCase(webpubsub.Sign(key, id))} }, Cause{
			ID:     "signature-case",
			Text:   "the handler expects the signature in upper case; the service writes lower case",
			Remedy: "decode the token from hexadecimal, and compare the bytes in constant time",
		}},
		{func(id string) []string { return []string{webpubsub.Sign(decoded(key), id)} }, Cause{
			ID:     "decoded-key",
			Text:   "the handler decodes the access key from base64",
			Remedy: "use the access key as the text that it is",
		}},
	}
	for _, form := range forms {
		if answer := p.ask(resigned(p.event(connected()), form.lines)); answer != nil && answer.ok() {
			return &form.cause
		}
	}
	return p.wrongKeyCause(a)
}

// wrongKeyCause is the cause if a handler accepts no signature. It tells apart a handler
// that does not receive the signature, if the handler answers that differently.
func (p *probe) wrongKeyCause(a *Answer) *Cause {
	wrong := p.ask(p.signedBy(wrongKey))
	unsigned := p.ask(resigned(p.event(connected()), func(string) []string { return nil }))
	consent := p.ask(p.validation())
	named := consent != nil && slices.ContainsFunc(consent.Header[wire.HeaderAllowedOrigin], func(line string) bool { return line != "*" })
	cause := &Cause{
		ID:   "wrong-key",
		Text: fmt.Sprintf("the handler does not verify with the key of %s: its key is wrong, has been replaced, or is that of another service", p.target.Origin),
		Remedy: "compare the handler's connection string with the output of az webpubsub key show; " +
			"if they are the same, check that every proxy passes on ce-signature and ce-connectionId as they are",
	}
	switch {
	case same(a, wrong) && unsigned != nil && !same(a, unsigned) && named:
		cause.Text = fmt.Sprintf("the handler knows the origin %s, and verifies its events with another key: the key is wrong, or has been replaced", p.target.Origin)
		cause.Remedy = "compare the handler's connection string with the output of az webpubsub key show"
	case same(a, unsigned) && !same(a, wrong):
		return &Cause{
			ID:     "header-stripped",
			Text:   "the handler answers as if there were no ce-signature: something in front of it removes the header" + p.by(a),
			Remedy: "configure the proxy to pass on WebHook-Request-Origin and all headers that begin with ce-",
		}
	}
	return cause
}

// decoded returns the bytes that a key has in base64, or a key that no handler has.
func decoded(key string) string {
	for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding} {
		if b, err := encoding.DecodeString(key); err == nil && len(b) > 0 {
			return string(b)
		}
	}
	return wrongKey
}

// otherKey is a key that the target must not accept.
type otherKey struct{ name, key string }

// others returns the keys of other services: the emulator's and those of the target's
// configuration.
func (t *Target) others() []otherKey {
	keys := []otherKey{{"the emulator, which is public", connstr.EmulatorKey}}
	for _, other := range t.Others {
		keys = append(keys, otherKey{other.Origin, other.Key})
	}
	return slices.DeleteFunc(keys, func(o otherKey) bool { return slices.Contains(t.Keys, o.key) })
}
