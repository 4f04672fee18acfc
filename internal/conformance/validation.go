package conformance

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/go-webpubsub/webpubsub/internal/upstream"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

const otherHost = "other.example.test"

func validationChecks() []Check {
	return []Check{
		{
			ID:     "options-consent",
			Rule:   "OPTIONS with the service's origin and without credentials gets 2xx with WebHook-Allowed-Origin",
			Reason: "the service does not sign validation requests, and sends no events to a handler that has not consented",
			run: func(p *probe) {
				p.consents("OPTIONS", p.validation(), p.target.Origin)
			},
		},
		{
			ID:     "get-consent",
			Rule:   "GET with WebHook-Request-Origin is answered like OPTIONS",
			Reason: "some proxies answer OPTIONS with 404; the service then asks once more by GET",
			run: func(p *probe) {
				p.consents("GET", withMethod(p.validation(), http.MethodGet), p.target.Origin)
			},
		},
		{
			ID:     "lookalike-origin",
			Rule:   "a host that only resembles the service's gets no consent",
			Reason: "if only a prefix or suffix is compared, anyone can register a host that passes",
			run:    checkLookalikes,
		},
		{
			ID:     "origin-list",
			Rule:   "the service's host is found anywhere in WebHook-Request-Origin: in a list with commas, or in a line of its own",
			Reason: "a service with replicas or custom domains sends all its hosts",
			run:    checkOriginLists,
		},
		{
			ID:     "origin-case",
			Rule:   "hosts are compared without case",
			Reason: "host names are not case-sensitive",
			run: func(p *probe) {
				host := strings.ToUpper(p.target.Origin)
				p.consents("OPTIONS from "+host, from(p.validation(), host), p.target.Origin)
			},
		},
		{
			ID:     "allowed-rate",
			Rule:   "the consent to a request with WebHook-Request-Rate has WebHook-Allowed-Rate",
			Reason: "the CloudEvents specification of webhooks requires it; senders other than the service ask for a rate",
			run: func(p *probe) {
				req := edit(p.validation(), func(h http.Header) { h.Set(wire.HeaderRequestRate, "120") })
				answer := p.do("OPTIONS with a rate", req)
				if answer != nil && consents(answer, p.target.Origin) && answer.Header.Get(wire.HeaderAllowedRate) == "" {
					p.failf("OPTIONS with a rate: the answer has no WebHook-Allowed-Rate")
				}
			},
		},
	}
}

func (p *probe) consents(what string, req *http.Request, origin string) {
	if answer := p.do(what, req); answer != nil && !consents(answer, origin) {
		denied := upstream.NoConsentError{Status: answer.Status, AllowedOrigins: answer.Header[wire.HeaderAllowedOrigin], Body: answer.Body}
		problem := fmt.Sprintf("%s: answered with %s and WebHook-Allowed-Origin %q", what, describe(answer), denied.AllowedOrigins)
		if hint := denied.Hint(); hint != "" {
			problem += "; " + hint
		}
		p.failf("%s", problem)
	}
}

func consents(a *Answer, origin string) bool {
	return upstream.Consents(&upstream.Answer{Status: a.Status, Header: a.Header}, []string{origin})
}

func withMethod(req *http.Request, method string) *http.Request {
	if req != nil {
		req.Method = method
	}
	return req
}

func from(req *http.Request, lines ...string) *http.Request {
	return edit(req, func(h http.Header) { h[wire.HeaderRequestOrigin] = lines })
}

func checkLookalikes(p *probe) {
	host := p.target.Origin
	lookalikes := []string{
		host + ".evil.test",
		"evil-" + host,
		"evil." + host,
		host + "x",
		host[:len(host)-1],
		"evil.test/" + host,
		host + "@evil.test",
		"*",
	}
	for _, origin := range lookalikes {
		answer := p.do("OPTIONS from "+origin, from(p.validation(), origin))
		// A handler may return the hosts that it allows to any origin.
		if answer == nil || !answer.ok() {
			continue
		}
		for _, line := range answer.Header[wire.HeaderAllowedOrigin] {
			if line == "*" || strings.EqualFold(line, origin) {
				p.failf("OPTIONS from %q got consent: WebHook-Allowed-Origin is %q", origin, line)
			}
		}
	}
}

func checkOriginLists(p *probe) {
	host := p.target.Origin
	for _, lines := range [][]string{
		{otherHost + ", " + host},
		{host + "," + otherHost},
		{otherHost, host},
	} {
		what := "OPTIONS from " + strings.Join(lines, " and ")
		p.consents(what, from(p.validation(), lines...), host)
		what = "event from " + strings.Join(lines, " and ")
		p.accepted(what, from(p.event(connected()), lines...))
	}
}
