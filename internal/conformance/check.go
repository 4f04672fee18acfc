package conformance

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/go-webpubsub/webpubsub/internal/upstream"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// Target is a handler to check, and how to reach it.
type Target struct {
	// Origin is the service's host, which the handler has to know.
	Origin string
	// Keys that the service signs with; the handler knows at least one of them.
	Keys []string
	// Validation makes a correct OPTIONS request.
	Validation func(context.Context) (*http.Request, error)
	// Event makes a correct event request.
	Event func(context.Context, Event) (*http.Request, error)
	// Do sends a request, once. Its error is a handler that does not answer.
	Do func(*http.Request) (*Answer, error)
}

// Event is what checks vary of an event.
type Event struct {
	Type, Name, ContentType, Body string
	UserID                        string
	MQTT                          bool
}

// Answer is a handler's answer and how much of the body it has read for it.
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
	// Rule says what a handler must do.
	Rule string
	// Reason says what goes wrong if it does not.
	Reason string

	run func(*probe)
}

// Failure is a check that a handler does not pass.
type Failure struct {
	Check
	// Problems are the requests that went wrong, and how.
	Problems []string
}

// Run makes all checks, in order, and gives those that failed. Its error is one
// of the context or of a request that could not be made.
func Run(ctx context.Context, target Target) ([]Failure, error) {
	var failures []Failure
	var seen []exchange
	for _, c := range Checks() {
		p := newProbe(ctx, target, seen)
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

// Checks lists all checks in the order in which they are made.
func Checks() []Check {
	return slices.Concat(validationChecks(), goodSignatureChecks(), badSignatureChecks(), requestChecks(), notificationChecks(), answerChecks())
}

// exchange is a request that was made by any check, with its answer.
type exchange struct {
	what   string
	answer *Answer
}

// probe is the run of one check.
type probe struct {
	// event makes a correct event request; nil if that is not possible, which
	// ends the run. validation does so for a validation request.
	event      func(Event) *http.Request
	validation func() *http.Request
	canceled   func() error

	target   Target
	problems []string
	err      error
	seen     []exchange
}

func newProbe(ctx context.Context, target Target, seen []exchange) *probe {
	p := &probe{canceled: ctx.Err, target: target, seen: seen}
	p.event = func(ev Event) *http.Request { return p.made(target.Event(ctx, ev)) }
	p.validation = func() *http.Request { return p.made(target.Validation(ctx)) }
	return p
}

func (p *probe) failf(format string, args ...any) {
	p.problems = append(p.problems, fmt.Sprintf(format, args...))
}

func (p *probe) made(req *http.Request, err error) *http.Request {
	if err != nil {
		p.err = errors.Join(p.err, err)
		return nil
	}
	return req
}

// do sends a request. A handler that does not answer fails the check, and the
// answer is nil.
func (p *probe) do(what string, req *http.Request) *Answer {
	if req == nil {
		return nil
	}
	answer, err := p.target.Do(req)
	if err != nil {
		if canceled := p.canceled(); canceled != nil {
			p.err = errors.Join(p.err, canceled)
			return nil
		}
		p.failf("%s: %v", what, err)
		return nil
	}
	p.seen = append(p.seen, exchange{what, answer})
	return answer
}

// accepted sends a request that must be answered with success.
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

// connected is the event that any handler takes: it asks for nothing.
func connected() Event {
	return Event{Type: wire.TypeConnected, Name: wire.NameConnected, Body: "{}"}
}

// edit changes a request, if there is one.
func edit(req *http.Request, f func(http.Header)) *http.Request {
	if req != nil {
		f(req.Header)
	}
	return req
}
