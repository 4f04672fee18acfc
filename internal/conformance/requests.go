package conformance

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// maxBody is more than any event has: clients can send 1 MB, and a connect event
// holds a handshake.
const maxBody = 32 << 20

const otherHub = "another_hub"

func requestChecks() []Check {
	return []Check{
		{
			ID:      "method",
			Rule:    "methods other than POST, OPTIONS and the validating GET get 405 with Allow",
			Reason:  "a misdirected client gets a clear answer, and tools can discover the methods",
			Remedy:  "answer other methods with 405 and Allow: OPTIONS, POST",
			Warning: true,
			run:     checkMethods,
		},
		{
			ID:     "hub-case",
			Rule:   "ce-hub is compared without case",
			Reason: "the service may write a hub's name in lower case, however it is configured",
			Remedy: "compare the names of hubs without case",
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
			Remedy: "decode without a check for unknown members",
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
			Remedy: "parse the media type, and compare it without case and parameters",
			run:    checkMediaType,
		},
		{
			ID:      "mqtt-media-type",
			Rule:    "a user event of an MQTT client may have any Content-Type",
			Reason:  "the publisher chooses it, and the service passes it on",
			Remedy:  "treat other types as binary in events with ce-subprotocol: mqtt",
			Warning: true,
			run:     checkMQTTMediaType,
		},
	}
}

// strangerChecks are about requests that the service does not send, and that anyone can
// send who has seen a signature.
func strangerChecks() []Check {
	return []Check{
		{
			ID:     "body-limit",
			Rule:   "an endless body is refused with 4xx, and not read beyond the handler's limit",
			Reason: "a signature does not cover the body: anyone who has seen one could exhaust the memory",
			Remedy: "stop reading after about 1 MiB, the longest message of a client, and answer 413",
			run:    checkBodyLimit,
		},
		{
			ID:      "malformed-connect",
			Rule:    "a connect event with a malformed body is refused with 4xx",
			Reason:  "after a 5xx the service retries it three times in vain, and the client waits for nine seconds",
			Remedy:  "answer 400 if the body cannot be decoded",
			Warning: true,
			run:     checkMalformedConnect,
		},
		{
			ID:      "other-hub",
			Rule:    "an event of another hub is refused",
			Reason:  "all hubs of a service sign with the same keys, so an event of a test hub would count as one of production",
			Remedy:  "compare ce-hub with the name of the handler's hub, without case",
			Warning: true,
			except: func(t *Target) string {
				if t.AnyHub {
					return "the handler may accept events of other hubs"
				}
				return ""
			},
			run: func(p *probe) {
				req := edit(p.event(connected()), func(h http.Header) { h.Set(wire.HeaderHub, otherHub) })
				p.refused("event of the hub "+otherHub, req)
			},
		},
	}
}

func checkMethods(p *probe) {
	for _, method := range []string{http.MethodPut, http.MethodPatch, http.MethodDelete} {
		answer := p.send(method, withMethod(p.event(connected()), method))
		if answer == nil {
			continue
		}
		if answer.Status != http.StatusMethodNotAllowed || !strings.Contains(answer.Header.Get(wire.HeaderAllow), http.MethodPost) {
			p.failf("%s: answered with %s and Allow %q, want 405 and POST among those allowed", method, p.describe(answer), p.quotable(answer.Header.Get(wire.HeaderAllow)))
		}
	}
}

func checkMediaType(p *probe) {
	ev := p.message(wire.MediaText, "hello")
	plain := p.do("message of type "+ev.ContentType, p.event(ev))
	const upper = "TEXT/Plain" // which the service does not send
	for _, contentType := range []string{"text/plain; charset=utf-8", "text/plain;charset=UTF-8", upper} {
		ev.ContentType = contentType
		answer := p.do("message of type "+contentType, p.event(ev))
		if plain == nil || answer == nil || answer.Status == plain.Status {
			continue
		}
		report := p.failf
		if contentType == upper {
			report = p.warnf
		}
		report("message of type %q: answered with %s, but with %d if its type is text/plain", contentType, p.describe(answer), plain.Status)
	}
}

// checkMQTTMediaType compares with a binary payload, since the handler's function
// may refuse both.
func checkMQTTMediaType(p *probe) {
	ev := p.message(wire.MediaBinary, "\x89PNG")
	ev.MQTT = true
	binary := p.do("MQTT message of type "+ev.ContentType, p.event(ev))
	ev.ContentType = "image/png"
	answer := p.do("MQTT message of type "+ev.ContentType, p.event(ev))
	if binary != nil && answer != nil && answer.Status != binary.Status {
		p.failf("MQTT message of type image/png: answered with %s, but with %d if its type is application/octet-stream", p.describe(answer), binary.Status)
	}
}

// checkBodyLimit counts the bytes that are taken from the request. Over a network some
// are on their way when the handler answers.
func checkBodyLimit(p *probe) {
	for _, ev := range []Event{
		{Type: wire.TypeConnect, Name: wire.NameConnect, Body: "{"},
		p.message(wire.MediaText, "x"),
	} {
		req := p.event(ev)
		if req == nil {
			return
		}
		sent := new(spaces)
		req.Body = io.NopCloser(io.LimitReader(sent, maxBody))
		req.ContentLength, req.GetBody = -1, nil
		answer, err := p.target.Do(req)
		if canceled := req.Context().Err(); canceled != nil {
			p.err = errors.Join(p.err, canceled)
			return
		}
		switch n := sent.n.Load(); {
		case n >= maxBody:
			p.failf("%s event with an endless body: all of %d bytes were read", ev.Name, n)
		case err != nil || answer.refused():
		case !p.target.CountsReads && answer.ok():
			// The handler may not have read any of it.
		case n > 0:
			p.failf("%s event with an endless body: answered with %s after %d bytes, want 4xx", ev.Name, p.describe(answer), n)
		}
	}
}

// spaces is an endless body that stays a prefix of valid JSON.
type spaces struct{ n atomic.Int64 }

func (s *spaces) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	s.n.Add(int64(len(p)))
	return len(p), nil
}

func checkMalformedConnect(p *probe) {
	for _, body := range []string{`nope`, `{"claims":`, `[]`, `{"claims":1}`, ``} {
		what := "connect event with body " + body
		answer := p.send(what, p.event(Event{Type: wire.TypeConnect, Name: wire.NameConnect, Body: body}))
		switch {
		case answer == nil || answer.refused():
		case answer.ok() && (answer.BodyRead == 0 || !p.target.CountsReads):
			// A handler without a function for connect need not read the body.
		default:
			p.failf("%s: answered with %s, want 4xx", what, p.describe(answer))
		}
	}
}
