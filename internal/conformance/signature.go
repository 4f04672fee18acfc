package conformance

import (
	"net/http"
	"strings"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/internal/upstream"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

const wrongKey = "a key that is not the service's"

// goodSignatureChecks are about valid signatures.
func goodSignatureChecks() []Check {
	return []Check{
		{
			ID:     "signed",
			Rule:   "an event of the service is accepted",
			Reason: "the service signs with both its keys, so that a handler with either of them keeps working while the other is replaced",
			run: func(p *probe) {
				p.accepted("signed event", p.event(connected()))
				p.accepted("signed event of a user", p.event(Event{Type: wire.TypeConnected, Name: wire.NameConnected, Body: "{}", UserID: "用户"}))
			},
		},
		{
			ID:     "signature-second",
			Rule:   "every token of ce-signature is verified, not only the first",
			Reason: "the second is made with the secondary key, and a handler may have that key only",
			run: func(p *probe) {
				p.signed("second of two", func(id string) []string {
					return []string{webpubsub.Sign(wrongKey, id) + "," + strings.Join(p.tokens(id), ",")}
				})
			},
		},
		{
			ID:     "signature-upper-case",
			Rule:   "upper-case hexadecimal is accepted",
			Reason: "the case is not specified, and Microsoft's libraries write both",
			run: func(p *probe) {
				p.signed("upper case", func(id string) []string {
					line := strings.ToUpper(strings.Join(p.tokens(id), ","))
					return []string{strings.ReplaceAll(line, "SHA256=", wire.SignaturePrefix)}
				})
			},
		},
		{
			ID:     "signature-lines",
			Rule:   "tokens may be separated by a comma and a space, or be in a header line each",
			Reason: "proxies and the service's tunnel join and split header lines",
			run: func(p *probe) {
				p.signed("space after the comma", func(id string) []string {
					return []string{webpubsub.Sign(wrongKey, id) + ", " + strings.Join(p.tokens(id), ", ")}
				})
				p.signed("a line each", func(id string) []string {
					return append([]string{webpubsub.Sign(wrongKey, id)}, p.tokens(id)...)
				})
			},
		},
	}
}

// badSignatureChecks are about requests that must not be trusted.
func badSignatureChecks() []Check {
	return []Check{
		{
			ID:     "signature-missing",
			Rule:   "an event without a signature is refused",
			Reason: "anyone who knows the URL could connect as any user",
			run: func(p *probe) {
				p.unsigned("no ce-signature", func(string) []string { return nil })
				p.unsigned("empty ce-signature", func(string) []string { return []string{""} })
			},
		},
		{
			ID:     "signature-wrong",
			Rule:   "an event is refused if no token is a complete signature by a key of the service",
			Reason: "anyone could sign with a key of their own",
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
			run: func(p *probe) {
				p.unsigned("other connection", func(string) []string { return p.tokens("another connection") })
				req := edit(p.event(connected()), func(h http.Header) {
					h.Del(wire.HeaderConnectionID)
					h[wire.HeaderSignature] = p.tokens("")
				})
				p.refused("no connection", p.withoutToken(req))
			},
		},
		{
			ID:     "signature-before-body",
			Rule:   "the body is not read before the signature is verified",
			Reason: "anyone could make the handler read and decode arbitrary bodies",
			run:    checkBodyUnread,
		},
		{
			ID:     "origin-unknown",
			Rule:   "an event with an unknown origin, or without one, is refused whatever its signature",
			Reason: "a key proves only its own service; with several services, one could send events of another",
			run: func(p *probe) {
				p.refused("event from "+otherHost, from(p.event(connected()), otherHost))
				p.refused("event from a look-alike", from(p.event(connected()), p.target.Origin+".evil.test"))
				p.refused("event without WebHook-Request-Origin", from(p.event(connected())))
			},
		},
	}
}

// tokens returns the valid signatures of a connection.
func (p *probe) tokens(connectionID string) []string {
	return upstream.Signatures(p.target.Keys, connectionID)
}

func resigned(req *http.Request, lines func(connectionID string) []string) *http.Request {
	return edit(req, func(h http.Header) {
		h[wire.HeaderSignature] = lines(h.Get(wire.HeaderConnectionID))
		if h[wire.HeaderSignature] == nil {
			h.Del(wire.HeaderSignature)
		}
	})
}

// signed sends an event with a valid signature in an uncommon form.
func (p *probe) signed(what string, lines func(connectionID string) []string) {
	p.accepted("signature "+what, resigned(p.event(connected()), lines))
}

// unsigned sends events with an invalid signature: a connected event, which every
// handler accepts otherwise, and a connect event, which matters most.
func (p *probe) unsigned(what string, lines func(connectionID string) []string) {
	p.refused("connected event, "+what, p.withoutToken(resigned(p.event(connected()), lines)))
	connect := Event{Type: wire.TypeConnect, Name: wire.NameConnect, Body: emptyConnect}
	p.refused("connect event, "+what, p.withoutToken(resigned(p.event(connect), lines)))
}

const emptyConnect = `{"claims":{},"query":{},"headers":{},"subprotocols":[],"clientCertificates":[]}`

func checkBodyUnread(p *probe) {
	for _, ev := range []Event{
		{Type: wire.TypeConnect, Name: wire.NameConnect, Body: emptyConnect},
		{Name: wire.NameMessage, ContentType: wire.MediaText, Body: "hello"},
		{Type: wire.TypeDisconnected, Name: wire.NameDisconnected, Body: `{"reason":null}`},
	} {
		req := p.withoutToken(resigned(p.event(ev), func(id string) []string { return []string{webpubsub.Sign(wrongKey, id)} }))
		answer := p.do(ev.Name+" event with a wrong signature", req)
		if answer != nil && answer.BodyRead > 0 {
			p.failf("%s event with a wrong signature: %d bytes of its body were read", ev.Name, answer.BodyRead)
		}
	}
}
