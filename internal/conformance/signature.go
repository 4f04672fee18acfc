package conformance

import (
	"net/http"
	"strings"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/internal/upstream"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

const wrongKey = "a key that is not the service's"

// goodSignatureChecks are about valid signatures and origins.
func goodSignatureChecks() []Check {
	return []Check{
		{
			ID:     "signed",
			Rule:   "an event of the service is accepted",
			Reason: "the service signs with both its keys, so that a handler with either of them keeps working while the other is replaced",
			Remedy: "look into the handler's log for the reason of the refusal",
			needs:  []string{"options-consent"},
			run:    checkSigned,
		},
		{
			ID:     "event-origins",
			Rule:   "the service's host is found anywhere in WebHook-Request-Origin of an event, too",
			Reason: "a service with replicas or custom domains sends all its hosts",
			Remedy: "split all lines of WebHook-Request-Origin at commas, trim the spaces, and accept the event if one is the service's",
			run: func(p *probe) {
				for _, lines := range originLists(p.target.Origin) {
					p.accepted("event from "+strings.Join(lines, " and "), from(p.event(connected()), lines...))
				}
			},
		},
		{
			ID:     "signature-second",
			Rule:   "every token of ce-signature is verified, not only the first",
			Reason: "the second is made with the secondary key, and a handler may have that key only",
			Remedy: "split ce-signature at commas, and accept an event if any token is right",
			run: func(p *probe) {
				p.signed("second of two", func(id string) []string {
					return []string{webpubsub.Sign(wrongKey, id) + "," + strings.Join(p.tokens(id), ",")}
				})
			},
		},
		{
			ID:      "signature-upper-case",
			Rule:    "upper-case hexadecimal is accepted",
			Reason:  "the case is not specified, and Microsoft's libraries write both",
			Remedy:  "decode the token from hexadecimal, and compare the bytes in constant time",
			Warning: true,
			run: func(p *probe) {
				p.signed("upper case", func(id string) []string { return []string{upperCase(strings.Join(p.tokens(id), ","))} })
			},
		},
		{
			ID:      "signature-lines",
			Rule:    "tokens may be separated by a comma and a space, or be in a header line each",
			Reason:  "proxies and the service's tunnel join and split header lines",
			Remedy:  "read all lines of ce-signature, split them at commas and trim the spaces",
			Warning: true,
			run:     checkSignatureLines,
		},
	}
}

// checkSigned sends the event that every handler must accept, also one of a user with a
// name that is not ASCII.
func checkSigned(p *probe) {
	req := p.event(connected())
	if answer := p.do("signed event", req); answer != nil && !answer.ok() {
		p.failf("signed event: answered with %s, want 2xx", p.describe(answer))
		p.blame(p.eventCause(req, answer))
	}
	if len(p.problems) > 0 {
		return
	}
	ev := connected()
	ev.UserID = p.target.UserID + "用户"
	p.accepted("signed event of a user", p.event(ev))
}

// badSignatureChecks are about signatures that prove nothing.
func badSignatureChecks() []Check {
	return []Check{
		{
			ID:     "signature-missing",
			Rule:   "an event without a signature is refused",
			Reason: "anyone who knows the URL could connect as any user",
			Remedy: "verify ce-signature before anything else: it has the HMAC-SHA256 of ce-connectionId by an access key of the service",
			run:    checkUnsigned,
		},
		{
			ID:     "signature-wrong",
			Rule:   "an event is refused if no token is a complete signature by a key of the service",
			Reason: "anyone could sign with a key of their own",
			Remedy: "compare the whole token with the HMAC-SHA256 of ce-connectionId, in constant time",
			needs:  []string{"signature-missing"},
			run: func(p *probe) {
				p.unsigned("wrong key", func(id string) []string { return []string{webpubsub.Sign(wrongKey, id)} })
				p.unsigned("cut short", func(id string) []string { return []string{p.tokens(id)[0][:len(wire.SignaturePrefix)+8]} })
				p.unsigned("without sha256=", func(id string) []string {
					return []string{strings.TrimPrefix(p.tokens(id)[0], wire.SignaturePrefix)}
				})
				p.unsigned("not hexadecimal", func(string) []string { return []string{wire.SignaturePrefix + strings.Repeat("zz", 32)} })
			},
		},
		{
			ID:     "signature-other-connection",
			Rule:   "a signature made for another connection is refused",
			Reason: "anyone who has seen an event of one client could send events of every client",
			Remedy: "compute the HMAC of the ce-connectionId that the event has",
			needs:  []string{"signature-wrong"},
			run: func(p *probe) {
				p.unsigned("signature of another connection", func(string) []string { return p.tokens("another connection") })
				req := edit(p.event(connected()), func(h http.Header) {
					h.Del(wire.HeaderConnectionID)
					h[wire.HeaderSignature] = p.tokens("")
				})
				p.refused("event without a connection", p.withoutToken(req))
			},
		},
		{
			ID:     "signature-other-service",
			Rule:   "an event signed with the key of another service is refused",
			Reason: "the emulator's key is public, and a key must prove no more than its own service",
			Remedy: "do not configure the emulator's connection string in production, and use for each origin its own keys only",
			needs:  []string{"signature-wrong"},
			except: func(t *Target) string {
				if len(t.others()) == 0 {
					return "no key of another service is known"
				}
				return ""
			},
			run: func(p *probe) {
				for _, other := range p.target.others() {
					p.refused("event signed with the key of "+other.name, p.withoutToken(p.signedBy(other.key)))
				}
			},
		},
	}
}

// badOriginChecks are about what a handler must verify besides the signature, and when.
func badOriginChecks() []Check {
	return []Check{
		{
			ID:     "signature-before-body",
			Rule:   "the body is not read before the signature is verified",
			Reason: "anyone could make the handler read and decode arbitrary bodies",
			Remedy: "verify the header first",
			except: withoutReads,
			needs:  []string{"signature-missing"},
			run:    checkBodyUnread,
		},
		{
			ID:     "origin-unknown",
			Rule:   "an event with an unknown origin, or without one, is refused whatever its signature",
			Reason: "a key proves only its own service; with several services, one could send events of another",
			Remedy: "look up the keys by WebHook-Request-Origin, and refuse an origin without keys",
			needs:  []string{"signature-missing"},
			run: func(p *probe) {
				p.refused("event from "+otherHost, from(p.event(connected()), otherHost))
				p.refused("event from a look-alike", from(p.event(connected()), p.target.Origin+".evil.test"))
				p.refused("event without WebHook-Request-Origin", from(p.event(connected())))
			},
		},
	}
}

// checkUnsigned also reports whether a handler that accepts unsigned events looks at
// signatures at all.
func checkUnsigned(p *probe) {
	accepted := p.unsigned("no ce-signature", func(string) []string { return nil })
	p.unsigned("empty ce-signature", func(string) []string { return []string{""} })
	if !accepted {
		return
	}
	wrong := p.unsigned("wrong key", func(id string) []string { return []string{webpubsub.Sign(wrongKey, id)} })
	replayed := p.unsigned("signature of another connection", func(string) []string { return p.tokens("another connection") })
	if wrong || replayed {
		p.blame(&Cause{
			ID:     "unverified",
			Text:   "the handler does not verify signatures: anyone who knows the URL can send events of every user",
			Remedy: "verify ce-signature before anything else: it has the HMAC-SHA256 of ce-connectionId by an access key of the service; some libraries, such as web-pubsub-express, leave this to the application",
		})
		return
	}
	p.blame(&Cause{
		ID:     "optional-signature",
		Text:   "the handler verifies a signature only if there is one",
		Remedy: "refuse events without ce-signature",
	})
}

// tokens returns the valid signatures of a connection.
func (p *probe) tokens(connectionID string) []string {
	return upstream.Signatures(p.target.Keys, connectionID)
}

func upperCase(line string) string {
	return strings.ReplaceAll(strings.ToUpper(line), "SHA256=", wire.SignaturePrefix)
}

func resigned(req *http.Request, lines func(connectionID string) []string) *http.Request {
	return edit(req, func(h http.Header) {
		h[wire.HeaderSignature] = lines(h.Get(wire.HeaderConnectionID))
		if h[wire.HeaderSignature] == nil {
			h.Del(wire.HeaderSignature)
		}
	})
}

// signedBy returns an event that is signed with a key alone.
func (p *probe) signedBy(key string) *http.Request {
	return resigned(p.event(connected()), func(id string) []string { return []string{webpubsub.Sign(key, id)} })
}

// signed sends an event with a valid signature in an uncommon form.
func (p *probe) signed(what string, lines func(connectionID string) []string) {
	p.accepted("signature "+what, resigned(p.event(connected()), lines))
}

// unsigned sends events with an invalid signature: a connected event, which every
// handler accepts otherwise, and a connect event, which matters most. It reports
// whether one was accepted.
func (p *probe) unsigned(what string, lines func(connectionID string) []string) (accepted bool) {
	accepted = p.refused("connected event, "+what, p.withoutToken(resigned(p.event(connected()), lines)))
	return p.refused("connect event, "+what, p.withoutToken(resigned(p.event(p.connect()), lines))) || accepted
}

func checkBodyUnread(p *probe) {
	for _, ev := range []Event{
		p.connect(),
		p.message(wire.MediaText, "hello"),
		{Type: wire.TypeDisconnected, Name: wire.NameDisconnected, Body: `{"reason":null}`},
	} {
		req := p.withoutToken(resigned(p.event(ev), func(id string) []string { return []string{webpubsub.Sign(wrongKey, id)} }))
		answer := p.send(ev.Name+" event with a wrong signature", req)
		if answer != nil && answer.BodyRead > 0 {
			p.failf("%s event with a wrong signature: %d bytes of its body were read", ev.Name, answer.BodyRead)
		}
	}
}
