package conformance

import (
	"encoding/json"

	"github.com/go-webpubsub/webpubsub/internal/upstream"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// notificationChecks are about events that need no answer.
func notificationChecks() []Check {
	return []Check{
		{
			ID:     "notifications",
			Rule:   "connected, disconnected and group presence events get 2xx",
			Reason: "the service repeats what gets 5xx and logs what gets 4xx as a failure; there is nothing to refuse in them",
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
			Reason: "its body says nothing, and not all senders write one",
			run: func(p *probe) {
				p.accepted("connected event without body", p.event(Event{Type: wire.TypeConnected, Name: wire.NameConnected}))
			},
		},
		{
			ID:     "presence-unknown",
			Rule:   "a group presence event of an unknown name gets 2xx",
			Reason: "it is a notification of a newer service, and needs no answer",
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
			Rule:   "the answer that accepts a client is empty or a JSON object of the service's members",
			Reason: "with any other the client's handshake fails with 500",
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
			Reason: "the code goes into the CONNACK packet; without it the client learns nothing",
			run:    checkMQTTRefusal,
		},
		{
			ID:     "user-answer-type",
			Rule:   "an answer to a user event that has a body has a Content-Type that the service knows",
			Reason: "net/http guesses one from the body if none is set, and the service drops what is text/html",
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
			Rule:   "ce-connectionState stands only in answers with 2xx",
			Reason: "the service drops it otherwise, and whoever wrote it believes that it was kept",
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

// checkMQTTRefusal looks at the answer only if the handler refuses a client of
// whom it knows nothing.
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
