package upstream

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/go-webpubsub/webpubsub/internal/excerpt"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// NoConsentError reports that a handler did not consent to a validation request.
type NoConsentError struct {
	// Method of the request whose answer decided: OPTIONS, or GET after a 404.
	Method string
	// Status of that answer.
	Status int
	// AllowedOrigins are its WebHook-Allowed-Origin lines.
	AllowedOrigins []string
	// Body of that answer.
	Body []byte
}

// Error returns the reason and a hint, and quotes the first 128 bytes of the
// answer's body.
func (e *NoConsentError) Error() string {
	s := "no consent: " + e.missing()
	if text := Text(e.Body); text != "" {
		s += fmt.Sprintf(": %q", text)
	}
	if hint := e.Hint(); hint != "" {
		s += "; " + hint
	}
	return s
}

func (e *NoConsentError) missing() string {
	switch {
	case e.Status < 200 || e.Status > 299:
		return fmt.Sprintf("%s was answered with %d, want 2xx", e.Method, e.Status)
	case len(e.AllowedOrigins) == 0:
		return fmt.Sprintf("the answer to %s has no header WebHook-Allowed-Origin", e.Method)
	}
	return fmt.Sprintf("no line WebHook-Allowed-Origin of the answer to %s is * or the origin, it has %q", e.Method, excerpt.Short(strings.Join(e.AllowedOrigins, "; ")))
}

// Hint returns the most likely cause of the answer and its remedy; empty if there
// is no likely one.
func (e *NoConsentError) Hint() string {
	switch {
	case e.Status == http.StatusUnauthorized, e.Status == http.StatusForbidden, e.Status >= 300 && e.Status < 400:
		return "something in front of the handler asks for a login or redirects: let OPTIONS through without credentials, as the service sends none"
	case e.Status == http.StatusNotFound:
		return "nothing is served at this URL: compare it with the handler's route"
	case e.Status == http.StatusMethodNotAllowed:
		return "the handler's route excludes OPTIONS: mount the handler for all methods"
	case e.Status >= 200 && e.Status < 300 && len(e.AllowedOrigins) == 0 && len(e.Body) == 0:
		return "something in front of the handler, such as a CORS middleware, answers OPTIONS itself"
	}
	return ""
}

// Validate asks a handler for its consent: by OPTIONS and, after a 404, by GET. req
// is the OPTIONS request; origins are the service's host names in it. Validate
// returns nil if the handler consents, and a [*NoConsentError] or
// [*DeliveryError] otherwise.
func (s *Sender) Validate(ctx context.Context, req *http.Request, origins []string) error {
	for _, method := range []string{http.MethodOptions, http.MethodGet} {
		req := req.Clone(ctx)
		req.Method = method
		answer, err := s.Send(ctx, req, ValidationTimeout)
		if err != nil {
			return err
		}
		if answer.Status == http.StatusNotFound && method == http.MethodOptions {
			continue
		}
		if Consents(answer, origins) {
			return nil
		}
		return &NoConsentError{
			Method:         method,
			Status:         answer.Status,
			AllowedOrigins: answer.Header[wire.HeaderAllowedOrigin],
			Body:           answer.Body,
		}
	}
	panic("unreachable: the answer to GET decides")
}

// Consents reports whether an answer is consent: it is a success with at least one
// line WebHook-Allowed-Origin that is "*" or, compared without case, one of the
// origins. A list of origins in one line does not count.
func Consents(answer *Answer, origins []string) bool {
	if !answer.OK() {
		return false
	}
	for _, line := range answer.Header[wire.HeaderAllowedOrigin] {
		if line == "*" {
			return true
		}
		for _, origin := range origins {
			if strings.EqualFold(line, origin) {
				return true
			}
		}
	}
	return false
}
