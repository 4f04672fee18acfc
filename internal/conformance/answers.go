package conformance

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/go-webpubsub/webpubsub/internal/upstream"
	"github.com/go-webpubsub/webpubsub/internal/wire"
	"github.com/go-webpubsub/webpubsub/mqtt"
)

// notificationChecks are about events whose answers have no content.
func notificationChecks() []Check {
	return []Check{
		{
			ID:     "notifications",
			Rule:   "connected, disconnected and group presence events get 2xx",
			Reason: "the service retries after 5xx and logs 4xx as a failure; a notification cannot be refused",
			Remedy: "answer notifications with 200 or 204, also those that the handler does not need",
			run: func(p *probe) {
				group := `{"group":` + strconv.Quote(p.target.Group) + `}`
				for _, ev := range []Event{
					connected(),
					{Type: wire.TypeDisconnected, Name: wire.NameDisconnected, Body: `{"reason":"bye"}`},
					{Type: wire.TypeDisconnected, Name: wire.NameDisconnected, Body: `{"reason":null}`},
					{Type: wire.TypeGroupJoined, Name: wire.NameJoined, Body: group},
					{Type: wire.TypeGroupLeft, Name: wire.NameLeft, Body: group},
				} {
					p.accepted(ev.Name+" event with body "+ev.Body, p.event(ev))
				}
			},
		},
		{
			ID:      "connected-empty-body",
			Rule:    "a connected event with an empty body gets 2xx",
			Reason:  "its body has no information, and some senders leave it out",
			Remedy:  "do not decode the body of a connected event",
			Warning: true,
			run: func(p *probe) {
				p.accepted("connected event without body", p.event(Event{Type: wire.TypeConnected, Name: wire.NameConnected}))
			},
		},
		{
			ID:      "presence-unknown",
			Rule:    "a group presence event with an unknown name gets 2xx",
			Reason:  "a newer service may send it, and it is only a notification",
			Remedy:  "answer 204 to types that begin with azure.webpubsub.gp. and are unknown",
			Warning: true,
			run: func(p *probe) {
				p.accepted("renamed event", p.event(Event{Type: wire.TypePrefixGroup + "renamed", Name: "renamed", Body: `{"group":` + strconv.Quote(p.target.Group) + `}`}))
			},
		},
	}
}

// answerChecks are about answers whose content the service reads.
func answerChecks() []Check {
	return []Check{
		{
			ID:     "connect-answer",
			Rule:   "the answer that accepts a client is empty or a JSON object with valid members",
			Reason: "with any other answer the client's handshake fails with 500",
			Remedy: "answer 204 without a body, or JSON with userId, groups, roles and subprotocol",
			run: func(p *probe) {
				answer := p.do("connect event", p.event(p.connect()))
				if answer == nil || !answer.ok() {
					return
				}
				if _, err := upstream.DecodeConnect(&upstream.Answer{Body: answer.Body}); err != nil {
					p.failf("connect event: %v", err)
				}
			},
		},
		{
			ID:      "mqtt-refusal",
			Rule:    "the answer that refuses an MQTT client has a JSON body with mqtt.code",
			Reason:  "the code is sent in the CONNACK packet; without it the client does not learn the reason",
			Remedy:  "answer with Content-Type: application/json and a body such as {\"mqtt\":{\"code\":135}}",
			Warning: true,
			run:     checkMQTTRefusal,
		},
		{
			ID:     "user-answer-type",
			Rule:   "an answer to a user event with a body has a Content-Type that the service accepts",
			Reason: "if none is set, net/http guesses it from the body, and the service drops text/html",
			Remedy: "set Content-Type to text/plain, application/json or application/octet-stream, or answer 204 without a body",
			run: func(p *probe) {
				for _, name := range p.target.UserEvents {
					p.userAnswer(Event{Name: name, ContentType: wire.MediaText, Body: "<!DOCTYPE html><b>hello"})
					p.userAnswer(Event{Name: name, ContentType: wire.MediaJSON, Body: `{"text":"hello"}`})
					p.userAnswer(Event{Name: name, ContentType: wire.MediaBinary, Body: "\x89PNG\r\n\x1a\n"})
				}
			},
		},
	}
}

// allAnswerChecks are about the answers to all requests so far.
func allAnswerChecks() []Check {
	return []Check{
		{
			ID:      "state-on-success",
			Rule:    "only answers with 2xx have ce-connectionState",
			Reason:  "the service ignores it in any other answer, so the state is lost",
			Remedy:  "set the header after everything that can fail",
			Warning: true,
			run: func(p *probe) {
				for _, ex := range p.seen {
					if _, ok := ex.answer.Header[wire.HeaderConnectionState]; ok && !ex.answer.ok() {
						p.failf("%s: the answer with %d has ce-connectionState", ex.what, ex.answer.Status)
					}
				}
			},
		},
		{
			ID:      "retry",
			Rule:    "no event of the service is answered with 408 or 5xx",
			Reason:  "the service delivers it up to four times, 1, 3 and 5 seconds apart, and a client that connects waits for all of them",
			Remedy:  "look into the handler's log for the error; answer with 4xx what cannot succeed later",
			Warning: true,
			run: func(p *probe) {
				for _, ex := range p.seen {
					if ex.valid && ex.event != "" && upstream.Retried(ex.answer.Status) {
						p.failf("%s: answered with %s", ex.what, p.describe(ex.answer))
					}
				}
			},
		},
		{
			ID:      "answer-time",
			Rule:    "answers come within a tenth of the time that the service waits",
			Reason:  fmt.Sprintf("the service waits %v for the answer to a validation request and %v for that to an event; a client waits as long", upstream.ValidationTimeout, upstream.EventTimeout),
			Remedy:  "answer first and work afterwards; find out whether the handler has to be started for a request",
			Warning: true,
			run:     checkTimes,
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

// checkTimes looks at the slowest answer of each kind.
func checkTimes(p *probe) {
	for _, kind := range []struct {
		validation bool
		limit      time.Duration
	}{{true, upstream.ValidationTimeout}, {false, upstream.EventTimeout}} {
		slowest := exchange{answer: new(Answer)}
		for _, ex := range p.seen {
			if (ex.event == "") == kind.validation && ex.answer.Took > slowest.answer.Took {
				slowest = ex
			}
		}
		if took := slowest.answer.Took; took > kind.limit/10 {
			p.failf("%s: answered after %v; the service waits for %v", slowest.what, took.Round(time.Millisecond), kind.limit)
		}
	}
}

// checkMQTTRefusal checks the answer only if the handler refuses an unknown client.
func checkMQTTRefusal(p *probe) {
	user := cmp.Or(p.target.UserID, "nobody")
	body, err := (&upstream.ConnectRequest{
		Claims:       p.claims(),
		Subprotocols: []string{wire.SubprotocolMQTT},
		MQTT:         &upstream.MQTTConnect{ProtocolVersion: mqtt.Version5, Username: &user},
	}).Encode()
	p.err = errors.Join(p.err, err)
	answer := p.do("MQTT connect event", p.event(Event{Type: wire.TypeConnect, Name: wire.NameConnect, Body: string(body), MQTT: true}))
	if answer == nil || answer.ok() {
		return
	}
	var failure struct {
		MQTT *struct {
			Code *int `json:"code"`
		} `json:"mqtt"`
	}
	if err := json.Unmarshal(answer.Body, &failure); err != nil || failure.MQTT == nil || failure.MQTT.Code == nil {
		p.failf("MQTT connect event: answered with %s, want JSON with mqtt.code", p.describe(answer))
	}
}
