package conformance

import (
	"io"
	"net/http"
	"strings"

	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// maxBody is more than any event has: clients can send 1 MB, and a connect
// event adds what fits into a handshake.
const maxBody = 32 << 20

func requestChecks() []Check {
	return []Check{
		{
			ID:     "method",
			Rule:   "methods other than POST, OPTIONS and the validating GET get 405 with Allow",
			Reason: "a client that takes the handler for something else learns so, and tools can find out what it takes",
			run:    checkMethods,
		},
		{
			ID:     "hub-case",
			Rule:   "ce-hub is compared without case",
			Reason: "the service writes hubs in lower case, however they are configured",
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
			Rule:   "headers and members of bodies that are not known are ignored",
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
			Rule:   "Content-Type is compared as a media type: without case and parameters",
			Reason: "the service has written it with and without a charset",
			run:    checkMediaType,
		},
		{
			ID:     "mqtt-media-type",
			Rule:   "a user event of an MQTT client may have any Content-Type",
			Reason: "it is the publisher's own, and the service passes it on",
			run:    checkMQTTMediaType,
		},
		{
			ID:     "body-limit",
			Rule:   "a body without end is refused with 4xx, and read no further than the handler's limit",
			Reason: "a signature proves nothing about the body: whoever has seen one could exhaust the memory",
			run:    checkBodyLimit,
		},
		{
			ID:     "malformed-connect",
			Rule:   "a connect event whose body is broken is refused with 4xx",
			Reason: "after a 5xx the service sends it three more times, to the same end, and a client waits nine seconds",
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

// checkMQTTMediaType compares with binary payloads, which a handler's function
// may refuse.
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
		answer := p.do(ev.Name+" event without end", req)
		switch {
		case answer == nil:
		case answer.BodyRead >= maxBody:
			p.failf("%s event without end: all of %d bytes were read", ev.Name, answer.BodyRead)
		case answer.BodyRead > 0 && !answer.refused():
			p.failf("%s event without end: answered with %s after %d bytes, want 4xx", ev.Name, describe(answer), answer.BodyRead)
		}
	}
}

// spaces is a body that never ends, and never becomes broken JSON either.
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
			// Who asks nothing about a client does not need its body.
		default:
			p.failf("%s: answered with %s, want 4xx", what, describe(answer))
		}
	}
}
