package conformance

import (
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/go-webpubsub/webpubsub/internal/upstream"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// Target is a handler to check, and the functions that send it requests.
type Target struct {
	// Origin is the service's host, which the handler must allow.
	Origin string
	// Keys that the service signs with; the handler must have at least one of them.
	Keys []string
	// Identity whose tokens the handler verifies; nil for none.
	Identity *Identity
	// Validation returns a valid OPTIONS request.
	Validation func() (*http.Request, error)
	// Event returns a valid event request.
	Event func(Event) (*http.Request, error)
	// Do sends a request, without retries. It returns an error if the handler does
	// not answer.
	Do func(*http.Request) (*Answer, error)
}

// Event holds the attributes of an event that checks vary.
type Event struct {
	Type, Name, ContentType, Body string
	UserID                        string
	MQTT                          bool
}

// Answer is a handler's answer, and the number of bytes of the request's body that
// the handler read.
type Answer struct {
	Status   int
	Header   http.Header
	Body     []byte
	BodyRead int64
}

func (a *Answer) ok() bool      { return a.Status >= 200 && a.Status < 300 }
func (a *Answer) refused() bool { return a.Status >= 400 && a.Status < 500 }

// Check is one rule.
type Check struct {
	// ID names the check in tests.
	ID string
	// Rule is the behaviour that the protocol requires of a handler.
	Rule string
	// Reason is the reason for the rule.
	Reason string

	run func(*probe)
}

// Failure is a check that a handler fails.
type Failure struct {
	Check
	// Problems are the requests that the handler answered wrongly, with its answers.
	Problems []string
}

// Run runs all checks in order and returns those that failed. It returns an error
// if the context of a request ends or a request cannot be made.
func Run(target Target) ([]Failure, error) {
	required, err := proofOf(target)
	if err != nil {
		return nil, err
	}
	var failures []Failure
	var seen []exchange
	for _, c := range Checks() {
		p := &probe{target: target, proof: required, seen: seen}
		c.run(p)
		seen = p.seen
		if p.err != nil {
			return nil, fmt.Errorf("check %s: %w", c.ID, p.err)
		}
		if len(p.problems) > 0 {
			failures = append(failures, Failure{Check: c, Problems: p.problems})
		}
	}
	return failures, nil
}

// Checks returns all checks in the order in which Run runs them.
func Checks() []Check {
	return slices.Concat(validationChecks(), goodSignatureChecks(), badSignatureChecks(), tokenChecks(), requestChecks(), notificationChecks(), answerChecks())
}

// exchange describes a request of any check, with its answer.
type exchange struct {
	what   string
	answer *Answer
}

// probe is the run of one check.
type probe struct {
	target   Target
	proof    proof
	problems []string
	err      error
	seen     []exchange
}

func (p *probe) failf(format string, args ...any) {
	p.problems = append(p.problems, fmt.Sprintf(format, args...))
}

// event returns a valid event request. It returns nil if the request cannot be made,
// which ends the run.
func (p *probe) event(ev Event) *http.Request { return p.made(p.target.Event(ev)) }

// validation returns a valid validation request, or nil like event.
func (p *probe) validation() *http.Request { return p.made(p.target.Validation()) }

func (p *probe) made(req *http.Request, err error) *http.Request {
	if err != nil {
		p.err = errors.Join(p.err, err)
		return nil
	}
	return req
}

// do sends a request. If the handler does not answer, it fails the check and
// returns nil.
func (p *probe) do(what string, req *http.Request) *Answer {
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
		return nil
	}
	p.seen = append(p.seen, exchange{what, answer})
	return answer
}

// accepted sends a request that must be answered with 2xx.
func (p *probe) accepted(what string, req *http.Request) {
	if answer := p.do(what, req); answer != nil && !answer.ok() {
		p.failf("%s: answered with %s, want 2xx", what, describe(answer))
	}
}

// refused sends a request that must be answered with 4xx.
func (p *probe) refused(what string, req *http.Request) {
	if answer := p.do(what, req); answer != nil && !answer.refused() {
		p.failf("%s: answered with %s, want 4xx", what, describe(answer))
	}
}

func describe(a *Answer) string {
	s := fmt.Sprint(a.Status)
	if text := upstream.Text(a.Body); text != "" {
		s += fmt.Sprintf(" %q", text)
	}
	return s
}

// connected returns the event that every handler must accept.
func connected() Event {
	return Event{Type: wire.TypeConnected, Name: wire.NameConnected, Body: "{}"}
}

// edit changes the header of a request, unless it is nil.
func edit(req *http.Request, f func(http.Header)) *http.Request {
	if req != nil {
		f(req.Header)
	}
	return req
}
