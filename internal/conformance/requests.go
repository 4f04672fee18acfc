package conformance

import (
	"io"
	"net/http"
	"strings"

	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// maxBody is more than any event has: clients can send 1 MB, and a connect event
// holds a handshake.
const maxBody = 32 << 20

func requestChecks() []Check {
	return []Check{
		{
			ID:     "method",
			Rule:   "methods other than POST, OPTIONS and the validating GET get 405 with Allow",
			Reason: "a misdirected client gets a clear answer, and tools can discover the methods",
			run:    checkMethods,
		},
		{
			ID:     "hub-case",
			Rule:   "ce-hub is compared without case",
			Reason: "the service may write a hub's name in lower case, however it is configured",
			run: func(p *probe) {
				for _, f := range []func(string) string{strings.ToUpper, strings.ToLower} {
					req := edit(p.event(connected()), func(h http.Header) { h.Set(wire.HeaderHub, f(h.Get(wire.HeaderHub))) })
					if req != nil {
						p.accepted("hub "+req.Header.Get(wire.HeaderHub), req)
					}
				}
			},
		},
		{
			ID:     "unknown-members",
			Rule:   "unknown headers and unknown members of bodies are ignored",
			Reason: "the service adds new ones without notice",
			run: func(p *probe) {
				req := p.event(Event{Type: wire.TypeConnected, Name: wire.NameConnected, Body: `{"future":{"a":[1]}}`})
				p.accepted("connected event with an unknown header and member", edit(req, func(h http.Header) {
					h.Set("Ce-Future", "1")
					h.Set("X-Future", "1")
				}))
			},
		},
		{
			ID:     "media-type",
			Rule:   "Content-Type is compared without case and without parameters",
			Reason: "the service sends it with or without a charset",
			run:    checkMediaType,
		},
		{
			ID:     "mqtt-media-type",
			Rule:   "a user event of an MQTT client may have any Content-Type",
			Reason: "the publisher chooses it, and the service passes it on",
			run:    checkMQTTMediaType,
		},
		{
			ID:     "body-limit",
			Rule:   "an endless body is refused with 4xx, and not read beyond the handler's limit",
			Reason: "a signature does not cover the body: anyone who has seen one could exhaust the memory",
			run:    checkBodyLimit,
		},
		{
			ID:     "malformed-connect",
			Rule:   "a connect event with a malformed body is refused with 4xx",
			Reason: "after a 5xx the service retries it three times in vain, and the client waits for nine seconds",
			run:    checkMalformedConnect,
		},
	}
}

func checkMethods(p *probe) {
	for _, method := range []string{http.MethodPut, http.MethodPatch, http.MethodDelete} {
		answer := p.do(method, withMethod(p.event(connected()), method))
		if answer == nil {
			continue
		}
		if answer.Status != http.StatusMethodNotAllowed || !strings.Contains(answer.Header.Get(wire.HeaderAllow), http.MethodPost) {
			p.failf("%s: answered with %s and Allow %q, want 405 and POST among those allowed", method, describe(answer), answer.Header.Get(wire.HeaderAllow))
		}
	}
}

func checkMediaType(p *probe) {
	ev := Event{Name: wire.NameMessage, ContentType: wire.MediaText, Body: "hello"}
	plain := p.do("message of type "+ev.ContentType, p.event(ev))
	for _, contentType := range []string{"text/plain; charset=utf-8", "text/plain;charset=UTF-8", "TEXT/Plain"} {
		ev.ContentType = contentType
		answer := p.do("message of type "+contentType, p.event(ev))
		if plain != nil && answer != nil && answer.Status != plain.Status {
			p.failf("message of type %q: answered with %s, but with %d if its type is text/plain", contentType, describe(answer), plain.Status)
		}
	}
}

// checkMQTTMediaType compares with a binary payload, since the handler's function
// may refuse both.
func checkMQTTMediaType(p *probe) {
	ev := Event{Name: wire.NameMessage, ContentType: wire.MediaBinary, Body: "\x89PNG", MQTT: true}
	binary := p.do("MQTT message of type "+ev.ContentType, p.event(ev))
	ev.ContentType = "image/png"
	answer := p.do("MQTT message of type "+ev.ContentType, p.event(ev))
	if binary != nil && answer != nil && answer.Status != binary.Status {
		p.failf("MQTT message of type image/png: answered with %s, but with %d if its type is application/octet-stream", describe(answer), binary.Status)
	}
}

func checkBodyLimit(p *probe) {
	for _, ev := range []Event{
		{Type: wire.TypeConnect, Name: wire.NameConnect, Body: "{"},
		{Name: wire.NameMessage, ContentType: wire.MediaText, Body: "x"},
	} {
		req := p.event(ev)
		if req == nil {
			return
		}
		req.Body = io.NopCloser(io.LimitReader(spaces{}, maxBody))
		req.ContentLength, req.GetBody = -1, nil
		answer := p.do(ev.Name+" event with an endless body", req)
		switch {
		case answer == nil:
		case answer.BodyRead >= maxBody:
			p.failf("%s event with an endless body: all of %d bytes were read", ev.Name, answer.BodyRead)
		case answer.BodyRead > 0 && !answer.refused():
			p.failf("%s event with an endless body: answered with %s after %d bytes, want 4xx", ev.Name, describe(answer), answer.BodyRead)
		}
	}
}

// spaces is an endless body that stays a prefix of valid JSON.
type spaces struct{}

func (spaces) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

func checkMalformedConnect(p *probe) {
	for _, body := range []string{`nope`, `{"claims":`, `[]`, `{"claims":1}`, ``} {
		what := "connect event with body " + body
		answer := p.do(what, p.event(Event{Type: wire.TypeConnect, Name: wire.NameConnect, Body: body}))
		switch {
		case answer == nil || answer.refused():
		case answer.ok() && answer.BodyRead == 0:
			// A handler without a function for connect need not read the body.
		default:
			p.failf("%s: answered with %s, want 4xx", what, describe(answer))
		}
	}
}
