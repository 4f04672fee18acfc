package dispatch

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"github.com/go-webpubsub/webpubsub/internal/upstream"
)

// template is a checked URL template: texts with the names of parameters between
// them, in lower case.
type template struct {
	texts  []string
	params []string
}

var parameter = regexp.MustCompile(`(?i)\{(hub|event)\}`)

// urlPart is what may follow the host: were it laxer, a name put into it could
// change how the rest is read.
var urlPart = regexp.MustCompile(`(?i)^([/?](?:[a-z0-9\-._~!$&'()*+,;=:@/?]|%[0-9a-f]{2}|\{(?:hub|event)\})*)?$`)

// parseTemplate reads a URL template. Whatever names are put into it later make
// a URL of the same host and form.
func parseTemplate(text string) (template, error) {
	fail := func(reason string) (template, error) {
		return template{}, fmt.Errorf("url template %q: %s", upstream.WithoutSecrets(text), reason)
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
	out := template{texts: parameter.Split(text, -1)}
	for _, p := range parameter.FindAllString(text, -1) {
		out.params = append(out.params, strings.ToLower(strings.Trim(p, "{}")))
	}
	u, err := out.resolve("hub", "event")
	if err != nil {
		return fail("not a URL")
	}
	if err := upstream.CheckTarget(u); err != nil {
		return fail(err.Error())
	}
	return out, nil
}

// resolve puts the names of a hub and an event into the template, escaped as
// data of a URL.
func (t template) resolve(hubName, event string) (*url.URL, error) {
	var b strings.Builder
	for i, text := range t.texts {
		b.WriteString(text)
		if i < len(t.params) {
			name := event
			if t.params[i] == "hub" {
				name = hubName
			}
			b.WriteString(strings.ReplaceAll(url.QueryEscape(name), "+", "%20"))
		}
	}
	return url.Parse(b.String())
}
