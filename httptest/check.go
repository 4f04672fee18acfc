package httptest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/go-webpubsub/webpubsub/internal/conformance"
	"github.com/go-webpubsub/webpubsub/internal/expect"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// CheckError reports a rule of the protocol that a handler breaks.
type CheckError struct {
	// ID names the check, such as "lookalike-origin".
	ID string
	// Rule is the behaviour that the protocol requires of a handler.
	Rule string
	// Reason is the reason for the rule.
	Reason string
	// Problems are the requests that the handler answered wrongly, with its answers.
	Problems []string
	// Cause is the likely cause of the problems; empty if it is not known.
	Cause string
	// Remedy is what to do about the cause, or to follow the rule.
	Remedy string
	// Warning reports whether the service works with the handler nevertheless.
	Warning bool
}

// Error returns all that the fields say.
func (e *CheckError) Error() string {
	s := fmt.Sprintf("%s: %s, since %s: %s", e.ID, e.Rule, e.Reason, strings.Join(e.Problems, "; "))
	if e.Cause != "" {
		s += "; cause: " + e.Cause
	}
	return s + "; remedy: " + e.Remedy
}

// CheckHandler checks a handler against the rules of the protocol, as
// testing/slogtest does for log handlers. It works for any implementation, with
// or without middleware. It returns nil if the handler breaks no rule, and an
// error that joins a [*CheckError] for each broken rule otherwise. It does not try
// what would fail only because of an earlier error: without consent to validation,
// it sends no events. The command "webpubsub check" does the same over the network.
//
// The handler must be configured with the origin and key of opts, by default those
// of [ConnectionString]. CheckHandler sends about eighty requests in memory, both
// valid and invalid: connect events of anonymous clients and "message" events,
// which the handler may refuse, and connected, disconnected and group presence
// events, which it must accept. A handler that consents to every origin on purpose
// breaks "lookalike-origin". Use [errors.As] or the error's Unwrap() []error to
// ignore rules that do not apply.
//
// A [webpubsub.Handler] logs the requests that it refuses here at level Debug, so
// that a handler without mistakes adds nothing to a test's output. Errors of its
// functions that are answered with 5xx are logged as usual.
//
// The requests go to [Options.URL]; Retry and Transport are ignored.
func CheckHandler(ctx context.Context, h http.Handler, opts *Options) error {
	if h == nil {
		return errors.New("httptest: check: handler is nil")
	}
	var o Options
	if opts != nil {
		o = *opts
	}
	o.Transport = nil
	s, err := newService(h, &o)
	if err != nil {
		return fmt.Errorf("httptest: check: options: %w", err)
	}
	ctx = expect.WithRefusal(ctx)
	var errs []error
	err = conformance.Run(conformance.Target{
		URL:         cmp.Or(o.URL, DefaultURL),
		Origin:      s.origin,
		Hub:         s.hub,
		AnyHub:      true,
		Keys:        s.keys,
		Group:       "lobby",
		UserEvents:  []string{wire.NameMessage},
		CountsReads: true,
		Validation:  func() (*http.Request, error) { return s.NewValidationRequest(ctx) },
		Event:       func(ev conformance.Event) (*http.Request, error) { return s.checkEvent(ctx, ev) },
		Do: func(req *http.Request) (*conformance.Answer, error) {
			answer, err := s.Do(req)
			if err != nil {
				return nil, err
			}
			return &conformance.Answer{Status: answer.Status, Header: answer.Header, Body: answer.Body, BodyRead: answer.BodyRead}, nil
		},
	}, func(r conformance.Result) {
		if broken := checkError(&r); broken != nil {
			errs = append(errs, broken)
		}
	})
	if err != nil {
		return fmt.Errorf("httptest: check: %w", err)
	}
	return errors.Join(errs...)
}

// checkError returns the error of a broken rule; nil if it is not broken.
func checkError(r *conformance.Result) error {
	if r.Status != conformance.Failed && r.Status != conformance.Warned {
		return nil
	}
	e := &CheckError{
		ID: r.ID, Rule: r.Rule, Reason: r.Reason, Problems: r.Problems,
		Remedy: r.Remedy(), Warning: r.Status == conformance.Warned,
	}
	if r.Cause != nil {
		e.Cause = r.Cause.Text
	}
	return e
}

// checkEvent returns a valid request for an event.
func (s *Service) checkEvent(ctx context.Context, in conformance.Event) (*http.Request, error) {
	ev := Event{Type: in.Type, Name: in.Name, ContentType: in.ContentType, Data: []byte(in.Body), UserID: in.UserID}
	if in.MQTT {
		(&mqttIDs{physical: newID(), session: newID()}).describe(&ev)
	}
	return s.NewRequest(ctx, ev)
}
