package upstream

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
)

// Template is the URL template of a hub's event handler, in whose path and query
// {hub} and {event} are replaced by the names of an event. It consists of texts and
// the parameters between them, in lower case.
type Template struct {
	texts  []string
	params []string
}

var parameter = regexp.MustCompile(`(?i)\{(hub|event)\}`)

// urlPart matches the part after the host. Other characters could change how
// the rest is read once names are put in.
var urlPart = regexp.MustCompile(`(?i)^([/?](?:[a-z0-9\-._~!$&'()*+,;=:@/?]|%[0-9a-f]{2}|\{(?:hub|event)\})*)?$`)

// ParseTemplate reads a URL template. All URLs that are made from it have the same
// host and the same number of path elements and query parameters.
func ParseTemplate(text string) (Template, error) {
	fail := func(reason string) (Template, error) {
		return Template{}, fmt.Errorf("%q: %s", WithoutSecrets(text), reason)
	}
	scheme, rest, ok := strings.Cut(text, "://")
	if !ok || !(strings.EqualFold(scheme, "http") || strings.EqualFold(scheme, "https")) {
		return fail("want an absolute http or https URL")
	}
	host := rest
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		host = rest[:end]
	}
	if strings.ContainsAny(host, "{}") {
		return fail("parameters are not allowed in the host")
	}
	switch part := rest[len(host):]; {
	case strings.Contains(part, "#"), strings.Contains(host, "@"):
		return fail("user information and fragment are not allowed")
	case strings.ContainsAny(parameter.ReplaceAllString(part, ""), "{}"):
		return fail("the only parameters are {hub} and {event}; other braces must be percent-encoded")
	case !urlPart.MatchString(part):
		return fail("path and query have a character that must be percent-encoded, or a % that encodes none")
	}
	out := Template{texts: parameter.Split(text, -1)}
	for _, p := range parameter.FindAllString(text, -1) {
		out.params = append(out.params, strings.ToLower(strings.Trim(p, "{}")))
	}
	u, err := out.Resolve("hub", "event")
	if err != nil {
		return fail("not a URL")
	}
	if err := checkTarget(u); err != nil {
		return fail(err.Error())
	}
	return out, nil
}

// Resolve returns the URL for an event of a hub. The names are escaped, so that
// they add neither path elements nor query parameters. The names . and .. are errors.
func (t Template) Resolve(hubName, event string) (*url.URL, error) {
	var b strings.Builder
	for i, text := range t.texts {
		b.WriteString(text)
		if i < len(t.params) {
			name := event
			if t.params[i] == "hub" {
				name = hubName
			}
			if name == "." || name == ".." { // escaping does not help
				return nil, fmt.Errorf("%s %q: would change the path of the URL", t.params[i], name)
			}
			b.WriteString(strings.ReplaceAll(url.QueryEscape(name), "+", "%20"))
		}
	}
	return url.Parse(b.String())
}
