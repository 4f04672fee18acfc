package conformance

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"github.com/go-webpubsub/webpubsub/internal/excerpt"
	"github.com/go-webpubsub/webpubsub/internal/upstream"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// probe is the run of one check.
type probe struct {
	*run
	problems   []string
	onlyWarned bool // all problems are warnings
	cause      *Cause
	err        error
}

// failf adds a problem, without secrets that an answer or error may quote.
func (p *probe) failf(format string, args ...any) {
	p.problems = append(p.problems, p.withoutSecrets(fmt.Sprintf(format, args...)))
	p.onlyWarned = false
}

// warnf adds a problem with which the service works.
func (p *probe) warnf(format string, args ...any) {
	onlyWarned := len(p.problems) == 0 || p.onlyWarned
	p.failf(format, args...)
	p.onlyWarned = onlyWarned
}

// blame sets the cause, unless there is one.
func (p *probe) blame(c *Cause) {
	if p.cause == nil {
		p.cause = c
	}
}

// event returns a valid event request. It returns nil if the request cannot be made,
// which ends the run.
func (p *probe) event(ev Event) *http.Request {
	if ev.UserID == "" {
		ev.UserID = p.target.UserID
	}
	return p.made(p.target.Event(ev))
}

// validation returns a valid validation request, or nil like event.
func (p *probe) validation() *http.Request { return p.made(p.target.Validation()) }

func (p *probe) made(req *http.Request, err error) *http.Request {
	if err != nil {
		p.err = errors.Join(p.err, err)
		return nil
	}
	return req
}

// do sends a request that the service could send. If the handler does not answer, it
// fails the check and returns nil.
func (p *probe) do(what string, req *http.Request) *Answer {
	answer := p.send(what, req)
	if answer != nil {
		p.seen[len(p.seen)-1].valid = true
	}
	return answer
}

// send is do for any request.
func (p *probe) send(what string, req *http.Request) *Answer {
	if req == nil {
		return nil
	}
	answer, err := p.target.Do(req)
	if err != nil {
		if canceled := req.Context().Err(); canceled != nil {
			p.err = errors.Join(p.err, canceled)
			return nil
		}
		p.failf("%s: %v", what, err)
		p.blame(errorCause(err, req.Header.Get(wire.HeaderEventName) == ""))
		return nil
	}
	seen := *answer
	seen.Body = bytes.Clone(seen.Body[:min(len(seen.Body), maxQuoted)]) // the whole may be 16 MiB
	p.seen = append(p.seen, exchange{what: what, event: req.Header.Get(wire.HeaderEventName), answer: &seen})
	return answer
}

// ask sends a request to find a cause, whatever the answer is. It returns nil if
// there is none.
func (p *probe) ask(req *http.Request) *Answer {
	if req == nil {
		return nil
	}
	answer, err := p.target.Do(req)
	if err != nil {
		return nil
	}
	return answer
}

// accepted sends a request that must be answered with 2xx.
func (p *probe) accepted(what string, req *http.Request) {
	if answer := p.do(what, req); answer != nil && !answer.ok() {
		p.failf("%s: answered with %s, want 2xx", what, p.describe(answer))
		p.blame(p.answerCause(req, answer))
	}
}

// refused sends a request that must be answered with 4xx. It reports whether the
// handler accepted it.
func (p *probe) refused(what string, req *http.Request) (accepted bool) {
	answer := p.send(what, req)
	switch {
	case answer == nil:
		return false
	case answer.Status == http.StatusTooManyRequests: // proves nothing
		p.failf("%s: answered with %s", what, p.describe(answer))
		p.blame(&rateLimit)
		return false
	case answer.refused():
		return false
	case answer.ok():
		p.failf("%s: answered with %s, want 4xx", what, p.describe(answer))
		return true
	}
	p.warnf("%s: answered with %s, want 4xx", what, p.describe(answer))
	return false
}

// describe returns the status and the start of the text of an answer, without secrets
// that the handler may have taken from the request.
func (p *probe) describe(a *Answer) string {
	s := fmt.Sprint(a.Status)
	if text := p.quotable(string(a.Body)); text != "" {
		s += fmt.Sprintf(" %q", text)
	}
	return s
}

// maxQuoted is the number of bytes in which secrets are looked for; a text that is
// quoted is much shorter.
const maxQuoted = 4096

var digest = regexp.MustCompile(`(?i)(sha256(?:=|%3D))[0-9a-z]+`)

func (p *probe) withoutSecrets(text string) string {
	for _, secret := range p.target.Secrets {
		text = strings.ReplaceAll(text, secret, "…")
	}
	return digest.ReplaceAllString(text, "$1…")
}

// quotable returns the start of a text, as one line without secrets. Invalid bytes are removed
// before secrets: one inside a secret would hide it.
func (p *probe) quotable(text string) string {
	return upstream.Text([]byte(p.withoutSecrets(excerpt.Line(text, maxQuoted))))
}

// same reports whether two answers cannot be told apart.
func same(a, b *Answer) bool {
	return a != nil && b != nil && a.Status == b.Status && bytes.Equal(a.Body, b.Body)
}

// connected returns the event that every handler must accept.
func connected() Event {
	return Event{Type: wire.TypeConnected, Name: wire.NameConnected, Body: "{}"}
}

// connect returns the event of a client that connects.
func (p *probe) connect() Event {
	body, err := (&upstream.ConnectRequest{Claims: p.claims()}).Encode()
	p.err = errors.Join(p.err, err)
	return Event{Type: wire.TypeConnect, Name: wire.NameConnect, Body: string(body)}
}

// claims returns the claims of the user.
func (p *probe) claims() map[string][]string {
	if p.target.UserID == "" {
		return nil
	}
	return map[string][]string{"sub": {p.target.UserID}}
}

// message returns the first of the user events.
func (p *probe) message(contentType, body string) Event {
	return Event{Name: p.target.UserEvents[0], ContentType: contentType, Body: body}
}

// edit changes the header of a request, unless it is nil.
func edit(req *http.Request, f func(http.Header)) *http.Request {
	if req != nil {
		f(req.Header)
	}
	return req
}
