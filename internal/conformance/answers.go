package conformance

import (
	"encoding/json"

	"github.com/go-webpubsub/webpubsub/internal/upstream"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// notificationChecks are about events whose answers have no content.
func notificationChecks() []Check {
	return []Check{
		{
			ID:     "notifications",
			Rule:   "connected, disconnected and group presence events get 2xx",
			Reason: "the service retries after 5xx and logs 4xx as a failure; a notification cannot be refused",
			run: func(p *probe) {
				for _, ev := range []Event{
					connected(),
					{Type: wire.TypeDisconnected, Name: wire.NameDisconnected, Body: `{"reason":"bye"}`},
					{Type: wire.TypeDisconnected, Name: wire.NameDisconnected, Body: `{"reason":null}`},
					{Type: wire.TypeGroupJoined, Name: wire.NameJoined, Body: `{"group":"lobby"}`},
					{Type: wire.TypeGroupLeft, Name: wire.NameLeft, Body: `{"group":"lobby"}`},
				} {
					p.accepted(ev.Name+" event with body "+ev.Body, p.event(ev))
				}
			},
		},
		{
			ID:     "connected-empty-body",
			Rule:   "a connected event with an empty body gets 2xx",
			Reason: "its body has no information, and some senders leave it out",
			run: func(p *probe) {
				p.accepted("connected event without body", p.event(Event{Type: wire.TypeConnected, Name: wire.NameConnected}))
			},
		},
		{
			ID:     "presence-unknown",
			Rule:   "a group presence event with an unknown name gets 2xx",
			Reason: "a newer service may send it, and it is only a notification",
			run: func(p *probe) {
				p.accepted("renamed event", p.event(Event{Type: wire.TypePrefixGroup + "renamed", Name: "renamed", Body: `{"group":"lobby"}`}))
			},
		},
	}
}

// answerChecks are about answers that the service reads.
func answerChecks() []Check {
	return []Check{
		{
			ID:     "connect-answer",
			Rule:   "the answer that accepts a client is empty or a JSON object with valid members",
			Reason: "with any other answer the client's handshake fails with 500",
			run: func(p *probe) {
				answer := p.do("connect event", p.event(Event{Type: wire.TypeConnect, Name: wire.NameConnect, Body: emptyConnect}))
				if answer == nil || !answer.ok() {
					return
				}
				if _, err := upstream.DecodeConnect(&upstream.Answer{Body: answer.Body}); err != nil {
					p.failf("connect event: %v", err)
				}
			},
		},
		{
			ID:     "mqtt-refusal",
			Rule:   "the answer that refuses an MQTT client has a JSON body with mqtt.code",
			Reason: "the code is sent in the CONNACK packet; without it the client does not learn the reason",
			run:    checkMQTTRefusal,
		},
		{
			ID:     "user-answer-type",
			Rule:   "an answer to a user event with a body has a Content-Type that the service accepts",
			Reason: "if none is set, net/http guesses it from the body, and the service drops text/html",
			run: func(p *probe) {
				for _, ev := range []Event{
					{Name: wire.NameMessage, ContentType: wire.MediaText, Body: "<!DOCTYPE html><b>hello"},
					{Name: wire.NameMessage, ContentType: wire.MediaJSON, Body: `{"text":"hello"}`},
					{Name: wire.NameMessage, ContentType: wire.MediaBinary, Body: "\x89PNG\r\n\x1a\n"},
				} {
					p.userAnswer(ev)
				}
			},
		},
		{
			ID:     "state-on-success",
			Rule:   "only answers with 2xx have ce-connectionState",
			Reason: "the service ignores it in any other answer, so the state is lost",
			run: func(p *probe) {
				for _, ex := range p.seen {
					if _, ok := ex.answer.Header[wire.HeaderConnectionState]; ok && !ex.answer.ok() {
						p.failf("%s: the answer with %d has ce-connectionState", ex.what, ex.answer.Status)
					}
				}
			},
		},
	}
}

func (p *probe) userAnswer(ev Event) {
	what := ev.Name + " event of type " + ev.ContentType
	answer := p.do(what, p.event(ev))
	if answer == nil || !answer.ok() {
		return
	}
	if _, err := upstream.DecodeUser(&upstream.Answer{Header: answer.Header, Body: answer.Body}); err != nil {
		p.failf("%s: %v", what, err)
	}
}

// checkMQTTRefusal checks the answer only if the handler refuses an unknown client.
func checkMQTTRefusal(p *probe) {
	body := `{"claims":{},"query":{},"headers":{},"subprotocols":["mqtt"],"clientCertificates":[],` +
		`"mqtt":{"protocolVersion":5,"username":"nobody","password":null,"userProperties":null}}`
	answer := p.do("MQTT connect event", p.event(Event{Type: wire.TypeConnect, Name: wire.NameConnect, Body: body, MQTT: true}))
	if answer == nil || answer.ok() {
		return
	}
	var failure struct {
		MQTT *struct {
			Code *int `json:"code"`
		} `json:"mqtt"`
	}
	if err := json.Unmarshal(answer.Body, &failure); err != nil || failure.MQTT == nil || failure.MQTT.Code == nil {
		p.failf("MQTT connect event: answered with %s, want JSON with mqtt.code", describe(answer))
	}
}
