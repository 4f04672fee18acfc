package conformance

import (
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
			Remedy: "answer OPTIONS with 200 and the header WebHook-Allowed-Origin, which has the host of WebHook-Request-Origin or *",
			needs:  []string{"redirect"},
			run:    checkConsent,
		},
		{
			ID:      "get-consent",
			Rule:    "GET with WebHook-Request-Origin is answered like OPTIONS",
			Reason:  "some proxies answer OPTIONS with 404; the service then asks once more by GET",
			Remedy:  "answer GET with WebHook-Request-Origin like OPTIONS",
			Warning: true,
			run: func(p *probe) {
				p.consents("GET", withMethod(p.validation(), http.MethodGet), p.target.Origin)
			},
		},
		{
			ID:     "lookalike-origin",
			Rule:   "a host that only resembles the service's gets no consent",
			Reason: "if only a prefix or suffix is compared, anyone can register a host that passes",
			Remedy: "compare the whole host, without case, and consent to your service's host only",
			run:    checkLookalikes,
		},
		{
			ID:     "origin-list",
			Rule:   "the service's host is found anywhere in WebHook-Request-Origin: in a list with commas, or in a line of its own",
			Reason: "a service with replicas or custom domains sends all its hosts",
			Remedy: "split all lines of WebHook-Request-Origin at commas, trim the spaces, and answer with the one host that you allow",
			run:    checkOriginLists,
		},
		{
			ID:      "origin-case",
			Rule:    "hosts are compared without case",
			Reason:  "host names are not case-sensitive",
			Remedy:  "compare hosts without case",
			Warning: true,
			run: func(p *probe) {
				host := strings.ToUpper(p.target.Origin)
				p.consents("OPTIONS from "+host, from(p.validation(), host), p.target.Origin)
			},
		},
		{
			ID:      "allowed-rate",
			Rule:    "the consent to a request with WebHook-Request-Rate has WebHook-Allowed-Rate",
			Reason:  "the CloudEvents specification of webhooks requires it; senders other than the service ask for a rate",
			Remedy:  "add WebHook-Allowed-Rate: * to the answer with the consent",
			Warning: true,
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

// checkConsent asks for consent as the service does: by OPTIONS and, after a 404, by GET.
func checkConsent(p *probe) {
	req := p.validation()
	answer := p.do("OPTIONS", req)
	if answer == nil || consents(answer, p.target.Origin) {
		return
	}
	if answer.Status == http.StatusNotFound {
		get := p.ask(withMethod(p.validation(), http.MethodGet))
		if get != nil && consents(get, p.target.Origin) {
			p.warnf("OPTIONS: answered with %s; the service asks once more by GET, which gets consent", p.describe(answer))
			return
		}
	}
	p.unconsented("OPTIONS", answer)
	p.blame(p.consentCause(req, answer))
}

func (p *probe) consents(what string, req *http.Request, origin string) {
	if answer := p.do(what, req); answer != nil && !consents(answer, origin) {
		p.unconsented(what, answer)
		p.blame(p.answerCause(req, answer))
	}
}

func (p *probe) unconsented(what string, a *Answer) {
	p.failf("%s: answered with %s and WebHook-Allowed-Origin %q", what, p.describe(a), p.quotable(strings.Join(a.Header[wire.HeaderAllowedOrigin], "; ")))
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
		answer := p.send("OPTIONS from "+origin, from(p.validation(), origin))
		if answer != nil && answer.Status == http.StatusTooManyRequests { // proves nothing
			p.failf("OPTIONS from %q: answered with %s", origin, p.describe(answer))
			p.blame(&rateLimit)
		}
		// A handler may return the hosts that it allows to any origin.
		if answer == nil || !answer.ok() {
			continue
		}
		for _, line := range answer.Header[wire.HeaderAllowedOrigin] {
			switch {
			case line == "*":
				// Consent to all is not a mistake of comparison.
				p.warnf("OPTIONS from %q got consent: WebHook-Allowed-Origin is %q", origin, p.quotable(line))
				p.blame(&allOrigins)
			case strings.EqualFold(line, origin):
				p.failf("OPTIONS from %q got consent: WebHook-Allowed-Origin is %q", origin, p.quotable(line))
			}
		}
	}
}

var allOrigins = Cause{
	ID:     "all-origins",
	Text:   "the handler consents to every service: anyone can let their service send events to it, which the signature alone then refuses",
	Remedy: "allow your service's host only",
}

func checkOriginLists(p *probe) {
	host := p.target.Origin
	for _, lines := range originLists(host) {
		p.consents("OPTIONS from "+strings.Join(lines, " and "), from(p.validation(), lines...), host)
	}
}

func originLists(host string) [][]string {
	return [][]string{
		{otherHost + ", " + host},
		{host + "," + otherHost},
		{otherHost, host},
	}
}
