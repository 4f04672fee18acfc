package conformance

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"github.com/go-webpubsub/webpubsub/internal/upstream"
)

func reachChecks() []Check {
	return []Check{
		{
			ID:     "url-braces",
			Step:   StepReach,
			Rule:   "the URL has no percent-encoded {hub} or {event}",
			Reason: "the service replaces {hub} and {event}, but sends %7Bevent%7D as it is",
			Remedy: "write the braces themselves: {event}",
			run: func(p *probe) {
				if found := encodedBraces.FindString(p.target.URL); found != "" {
					p.failf("the URL has %q", found)
				}
			},
		},
		{
			ID:     "reach",
			Step:   StepReach,
			Rule:   "the URL is answered",
			Reason: "the service must reach the handler from the internet, or the emulator from its machine",
			Remedy: "start the handler, and compare its address with the URL",
			needs:  []string{"url-braces"},
			run:    func(p *probe) { p.do("OPTIONS", p.validation()) },
		},
		{
			ID:     "redirect",
			Step:   StepReach,
			Rule:   "the answer is not a redirect",
			Reason: "the specification of webhooks forbids to follow redirects: events go to the URL in the hub's settings and nowhere else",
			Remedy: "use the URL of the handler itself in the hub's settings",
			needs:  []string{"reach"},
			run: func(p *probe) {
				req := p.validation()
				answer := p.do("OPTIONS", req)
				if answer != nil && answer.redirects() {
					p.failf("OPTIONS: answered with %d to %q", answer.Status, p.location(req.URL, answer))
					p.blame(p.redirectCause(req.URL, answer))
				}
			},
		},
	}
}

var (
	encodedBraces = regexp.MustCompile(`(?i)%7B(hub|event)%7D`)
	loginWords    = regexp.MustCompile(`(?i)log-?in|sign-?in|logon|auth|sso|saml|account|consent`)
)

// location returns the target of a redirect without its query, which may be secret.
func (p *probe) location(from *url.URL, a *Answer) string {
	to, err := from.Parse(a.Header.Get("Location"))
	if err != nil || a.Header.Get("Location") == "" {
		return "nowhere"
	}
	return p.quotable(upstream.WithoutSecrets(to.String()))
}

// redirectCause tells apart a login, another form of the same URL, and other places.
func (p *probe) redirectCause(from *url.URL, a *Answer) *Cause {
	to, err := from.Parse(a.Header.Get("Location"))
	where := p.location(from, a)
	switch {
	case err != nil || a.Header.Get("Location") == "":
	case to.Hostname() == from.Hostname() && to.Path == from.Path && to.Scheme == "https" && from.Scheme == "http":
		return &Cause{
			ID:     "redirect-https",
			Text:   fmt.Sprintf("http is redirected to https: %s", where),
			Remedy: "use the https URL in the hub's settings",
		}
	case to.Host == from.Host && strings.TrimSuffix(to.Path, "/") == strings.TrimSuffix(from.Path, "/"):
		return &Cause{
			ID:     "redirect-slash",
			Text:   fmt.Sprintf("the URL differs from that of the handler by a slash at its end: %s", where),
			Remedy: "use this URL in the hub's settings, or mount the handler at both",
		}
	case loginWords.MatchString(to.Host + to.Path):
		cause := loginCause("")
		cause.Text = fmt.Sprintf("something in front of the handler redirects to a login: %s", where)
		return cause
	}
	return &Cause{
		ID:     "redirect",
		Text:   "something redirects to " + where,
		Remedy: "use the URL of the handler itself in the hub's settings, or remove the redirect",
	}
}
