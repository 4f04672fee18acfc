package httptest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/go-webpubsub/webpubsub/internal/conformance"
	"github.com/go-webpubsub/webpubsub/internal/expect"
)

// CheckError is a rule of the protocol that a handler breaks.
type CheckError struct {
	// ID names the check, such as "lookalike-origin".
	ID string
	// Rule says what a handler must do.
	Rule string
	// Reason says what goes wrong if it does not.
	Reason string
	// Problems are the requests that went wrong, and how.
	Problems []string
}

// Error returns the id, the rule, the reason and the problems.
func (e *CheckError) Error() string {
	return fmt.Sprintf("%s: %s, since %s: %s", e.ID, e.Rule, e.Reason, strings.Join(e.Problems, "; "))
}

// CheckHandler holds a handler to the rules of the protocol, in the way in
// which testing/slogtest does it with log handlers. It works for any
// implementation, this module's or one's own, with middleware or without. The
// error joins a [*CheckError] for each rule that is broken; nil is a handler
// that breaks none.
//
// The handler has to know the origin and key of opts, by default those of
// [ConnectionString]. It gets some eighty requests, in memory, the wrong ones
// included: connect events of anonymous clients and "message" events, which it
// may refuse, and connected, disconnected and group presence events, which it
// has to accept. A handler that consents to every origin on purpose breaks
// "lookalike-origin"; take what does not apply out of the error with
// [errors.As], or with its Unwrap() []error.
//
// A [webpubsub.Handler] logs what it refuses of these requests at level Debug, so
// that a handler that passes adds nothing to a test's output. Errors of its
// functions that are answered with 5xx are logged as always.
//
// [Options.URL] is where the requests go; Retry and Transport do not matter.
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
	failures, err := conformance.Run(expect.WithRefusal(ctx), conformance.Target{
		Origin:     s.origin,
		Keys:       slices.Clone(s.keys),
		Validation: s.NewValidationRequest,
		Event:      s.checkEvent,
		Do: func(req *http.Request) (*conformance.Answer, error) {
			answer, err := s.Do(req)
			return (*conformance.Answer)(answer), err
		},
	})
	if err != nil {
		return fmt.Errorf("httptest: check: %w", err)
	}
	errs := make([]error, len(failures))
	for i, f := range failures {
		errs[i] = &CheckError{ID: f.ID, Rule: f.Rule, Reason: f.Reason, Problems: f.Problems}
	}
	return errors.Join(errs...)
}

// checkEvent makes a correct request of what a check asks for.
func (s *Service) checkEvent(ctx context.Context, in conformance.Event) (*http.Request, error) {
	ev := Event{Type: in.Type, Name: in.Name, ContentType: in.ContentType, Data: []byte(in.Body), UserID: in.UserID}
	if in.MQTT {
		(&mqttIDs{physical: newID(), session: newID()}).describe(&ev)
	}
	return s.NewRequest(ctx, ev)
}
