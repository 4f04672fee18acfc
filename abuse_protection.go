package webpubsub

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// Header values that are the same in every answer. They are shared, which
// net/http allows as long as nobody writes to them.
var (
	allowMethods = []string{"OPTIONS, POST"}
	anyValue     = []string{"*"}
)

// AbuseProtection answers the requests by which the service asks, before it
// sends any event, whether this URL wants events at all (OPTIONS, or GET with
// WebHook-Request-Origin, which the service tries after a 404). A [Handler]
// does this by itself; AbuseProtection is the same rule on its own, for a
// gateway that answers in its place.
//
// Consent is given by the WebHook-Allowed-Origin header, not by the status: a
// refusal is 200 without that header, and a body that says why. Nobody is
// authenticated here, and the URL in WebHook-Request-Callback is never called. A
// request without ce-awpsversion is not the service's and gets 404, one that
// names no origin 400.
type AbuseProtection struct{ origins originSet }

// NewAbuseProtection allows the given origins: host names ("contoso.webpubsub.azure.com"),
// URLs whose host counts, or "*" for every origin. Ports are ignored, since the
// service does not name its own. Without any origin, nobody is allowed.
func NewAbuseProtection(allowedOrigins ...string) (*AbuseProtection, error) {
	set, err := parseOrigins(allowedOrigins)
	if err != nil {
		return nil, fmt.Errorf("webpubsub: abuse protection: %w", err)
	}
	return &AbuseProtection{origins: set}, nil
}

// Allows reports whether a single origin is allowed: its host name is one of
// those given, compared whole and without case.
func (p *AbuseProtection) Allows(origin string) bool { return p.origins.allows(origin) }

// ServeHTTP answers a validation request. Other requests get 405.
func (p *AbuseProtection) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !isValidation(r) {
		w.Header()[wire.HeaderAllow] = allowMethods
		writeText(w, http.StatusMethodNotAllowed, "only validation requests are answered here: OPTIONS or GET with WebHook-Request-Origin")
		return
	}
	_, _, _ = p.origins.serveValidation(w, r)
}

// isValidation tells validation requests apart without a look at the path.
func isValidation(r *http.Request) bool {
	switch r.Method {
	case http.MethodOptions:
		return true
	case http.MethodGet:
		return len(r.Header[wire.HeaderRequestOrigin]) > 0
	}
	return false
}

// noVersion is the answer to a request without the header that all of the service's have.
const noVersion = "not an Azure Web PubSub request: header ce-awpsversion is missing"

// serveValidation answers a validation request. The error says why there is no consent.
func (s *originSet) serveValidation(w http.ResponseWriter, r *http.Request) (status int, reason RefusalReason, err error) {
	header := w.Header()
	header[wire.HeaderAllow] = allowMethods
	requested := r.Header[wire.HeaderRequestOrigin]
	origin, ok := s.match(requested)
	switch {
	case !ok || len(r.Header[wire.HeaderVersion]) == 0:
		return refuseConsent(w, r, requested)
	case s.any:
		header[wire.HeaderAllowedOrigin] = anyValue
	case len(requested) == 1 && requested[0] == origin:
		header[wire.HeaderAllowedOrigin] = requested
	default:
		header[wire.HeaderAllowedOrigin] = []string{origin}
	}
	if len(r.Header[wire.HeaderRequestRate]) > 0 {
		header[wire.HeaderAllowedRate] = anyValue
	}
	w.WriteHeader(http.StatusOK)
	return http.StatusOK, "", nil
}

func refuseConsent(w http.ResponseWriter, r *http.Request, requested []string) (status int, reason RefusalReason, err error) {
	var text string
	switch {
	case len(r.Header[wire.HeaderVersion]) == 0:
		status, reason, text = http.StatusNotFound, ReasonForeign, noVersion
		err = NotFound(text)
	case strings.Trim(strings.Join(requested, ""), ", \t") == "":
		status, reason, text = http.StatusBadRequest, ReasonHeader, "header WebHook-Request-Origin is missing or empty"
		err = BadRequest(text)
	default:
		status, reason, err = http.StatusOK, ReasonOrigin, ErrOrigin
		text = fmt.Sprintf("no consent: none of the origins %q is allowed here; compare them with the handler's connection strings and allowed origins", clip(strings.Join(requested, ", ")))
	}
	writeText(w, status, text)
	return status, reason, err
}
