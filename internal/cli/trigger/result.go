package trigger

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-webpubsub/webpubsub/internal/excerpt"
	"github.com/go-webpubsub/webpubsub/internal/upstream"
	"github.com/go-webpubsub/webpubsub/internal/wire"
	"github.com/go-webpubsub/webpubsub/mqtt"
)

// Result is what a handler did with an event.
type Result struct {
	Kind         Kind
	Name         string // of the event
	Hub          string
	ConnectionID string
	EventID      string
	UserID       string // at the time of the event

	// OK reports whether the service could use the answer: a 2xx status, and what the
	// event's kind demands.
	OK bool
	// Status of the answer; zero if there is none.
	Status int
	// Problem is why the answer is not OK, or there is none. Failure is its kind, of few
	// values. Remedy says what to do, if that is known.
	Problem, Failure, Remedy string
	// Meaning is what the service does after the answer.
	Meaning string
	// ContentType and Reply are the answer's body.
	ContentType string
	Reply       []byte
	// Metadata of the message that answers a user event.
	Metadata map[string]string
	// State is the answer's connection state; nil if it sets none.
	State *string
	// Took is the time until the answer was read.
	Took time.Duration
}

func newResult(hub string, ev *Event, req *http.Request) *Result {
	return &Result{
		Kind: ev.Kind, Name: req.Header.Get(wire.HeaderEventName), Hub: hub, ConnectionID: req.Header.Get(wire.HeaderConnectionID),
		EventID: req.Header.Get(wire.HeaderID), UserID: req.Header.Get(wire.HeaderUserID),
	}
}

// Payload returns the reply as [Payload] does. After a connect event, whose Content-Type the
// service ignores, it is JSON.
func (r *Result) Payload() (kind string, data any) {
	contentType := r.ContentType
	if r.Kind == Connect && r.OK {
		contentType = TypeJSON
	}
	return Payload(contentType, r.Reply)
}

func (r *Result) noAnswer(u *url.URL, err error) {
	r.Problem, r.Failure, r.Remedy = problem(u, err)
	r.Meaning = r.Kind.failed(http.StatusInternalServerError)
}

// judge reads an answer as the service does, and applies it to the connection.
func (r *Result) judge(c *Connection, ev *Event, answer *upstream.Answer) {
	r.Status, r.Reply = answer.Status, answer.Body
	r.ContentType = answer.Header.Get(wire.HeaderContentType)
	if state, ok := answer.State(); ok {
		r.State = &state
	}
	if !answer.OK() {
		r.Failure = statusText(answer.Status)
		r.Problem = "the handler answers " + r.Failure
		r.Meaning = r.Kind.failed(answer.Status)
		if answer.Status < http.StatusBadRequest || answer.Status == http.StatusNotFound || answer.Status == http.StatusMethodNotAllowed {
			r.Remedy = "run webpubsub check, which finds the cause"
		}
		if upstream.Retried(answer.Status) {
			r.Meaning = "the service sends the event again after 1, 3 and 5 seconds; if that is in vain, " + r.Meaning
		}
		if refusal := refusalOf(ev, answer.Body); refusal != nil {
			r.Meaning += fmt.Sprintf("; its CONNACK has code %d, %s", int(refusal.Code), refusal.Code)
		}
		return
	}
	meaning, err := r.read(c, ev, answer)
	if err != nil {
		r.Problem, r.Failure = err.Error(), "invalid answer"
		r.Meaning = r.Kind.failed(http.StatusInternalServerError)
		return
	}
	r.OK, r.Meaning = true, meaning
}

// read returns what the service does after a successful answer.
func (r *Result) read(c *Connection, ev *Event, answer *upstream.Answer) (string, error) {
	switch ev.Kind {
	case Connect:
		decoded, err := upstream.DecodeConnect(answer)
		if err != nil {
			return "", err
		}
		grant, err := c.accept(decoded, ev)
		if err != nil {
			return "", err
		}
		return accepted(c, grant), nil
	case UserEvent:
		if c.mqtt() {
			return "the client gets a message on topic $webpubsub/server/events/" + ev.Name + "/succeeded", nil
		}
		decoded, err := upstream.DecodeUser(answer)
		if err != nil {
			return "", err
		}
		r.Metadata = decoded.Metadata
		if !decoded.Message {
			return "the client gets no message", nil
		}
		return fmt.Sprintf("the client gets a %s message", decoded.DataType), nil
	default:
		return "the service ignores the content of this answer", nil
	}
}

func accepted(c *Connection, grant upstream.Grant) string {
	var b strings.Builder
	b.WriteString("the client is connected")
	if grant.UserID != "" {
		fmt.Fprintf(&b, " as user %q", excerpt.Short(grant.UserID))
	}
	list := func(what string, names []string) {
		if len(names) > 0 {
			fmt.Fprintf(&b, ", %s %q", what, excerpt.Short(strings.Join(names, ", ")))
		}
	}
	list("in groups", grant.Groups)
	list("with roles", grant.Roles)
	if c.Subprotocol != "" {
		fmt.Fprintf(&b, ", subprotocol %q", excerpt.Short(c.Subprotocol))
	}
	return b.String()
}

// failed returns what the service does if an event fails in the end.
func (k Kind) failed(status int) string {
	switch k {
	case Connect:
		return fmt.Sprintf("the client's handshake fails with %d", status)
	case UserEvent:
		return "a client of a Web PubSub subprotocol gets a failed ack, and any other is disconnected"
	default:
		return "the service logs the failure"
	}
}

// refusalOf returns the CONNACK packet of an answer that refuses an MQTT client, or
// nil.
func refusalOf(ev *Event, body []byte) *mqtt.Refusal {
	var in struct {
		MQTT *mqtt.Refusal `json:"mqtt"`
	}
	if ev.MQTT == nil || json.Unmarshal(body, &in) != nil {
		return nil
	}
	return in.MQTT
}

func statusText(status int) string {
	return strings.TrimSpace(fmt.Sprintf("%d %s", status, http.StatusText(status)))
}
