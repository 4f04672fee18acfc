package webpubsub

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/go-webpubsub/webpubsub/internal/excerpt"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// Header values that are the same in every answer. net/http allows sharing them as
// long as nothing writes to them.
var (
	allowMethods = []string{"OPTIONS, POST"}
	anyValue     = []string{"*"}
)

// AbuseProtection answers validation requests: before it sends events to a URL, the
// service asks for consent with OPTIONS, or with GET and WebHook-Request-Origin after
// a 404. A [Handler] answers these requests itself; AbuseProtection is for a
// gateway that answers in its place.
//
// The header WebHook-Allowed-Origin is the consent, whatever the status. Without
// consent the answer is 200 without that header, and a body with the reason.
// Validation requests are not authenticated. The URL in WebHook-Request-Callback is never
// called. A request without ce-awpsversion is not the service's and gets 404; one
// without an origin gets 400.
type AbuseProtection struct{ origins originSet }

// NewAbuseProtection allows the given origins: host names ("contoso.webpubsub.azure.com"),
// URLs of which the host is used, or "*" for every origin. Ports are ignored, since the
// service does not name its own. Without arguments, no origin is allowed.
func NewAbuseProtection(allowedOrigins ...string) (*AbuseProtection, error) {
	set, err := parseOrigins(allowedOrigins)
	if err != nil {
		return nil, fmt.Errorf("webpubsub: abuse protection: %w", err)
	}
	return &AbuseProtection{origins: set}, nil
}

// Allows reports whether origin, a host name, is allowed. It compares the whole name
// without case.
func (p *AbuseProtection) Allows(origin string) bool { return p.origins.allows(origin) }

// ServeHTTP answers a validation request. Other requests get 405.
func (p *AbuseProtection) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !isValidation(r) {
		w.Header()[wire.HeaderAllow] = allowMethods
		writeText(w, http.StatusMethodNotAllowed, "only validation requests are answered here: OPTIONS or GET with WebHook-Request-Origin")
		return
	}
	_ = p.origins.serveValidation(w, r)
}

// isValidation reports whether r is a validation request, whatever its path.
func isValidation(r *http.Request) bool {
	switch r.Method {
	case http.MethodOptions:
		return true
	case http.MethodGet:
		return len(r.Header[wire.HeaderRequestOrigin]) > 0
	}
	return false
}

// noVersion is the answer to a request that the service cannot have sent.
const noVersion = "not an Azure Web PubSub request: header ce-awpsversion is missing"

// serveValidation answers a validation request. Without consent it returns an error,
// which is [ErrOrigin] if the request is one of the service's.
func (s *originSet) serveValidation(w http.ResponseWriter, r *http.Request) error {
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
	return nil
}

func refuseConsent(w http.ResponseWriter, r *http.Request, requested []string) error {
	var err error
	switch {
	case len(r.Header[wire.HeaderVersion]) == 0:
		err = NotFound(noVersion)
	case strings.Trim(strings.Join(requested, ""), ", \t") == "":
		err = BadRequest("header WebHook-Request-Origin is missing or empty")
	default:
		writeText(w, http.StatusOK, fmt.Sprintf("no consent: none of the origins %q is allowed here; compare them with the handler's connection strings and allowed origins", excerpt.Short(strings.Join(requested, ", "))))
		return ErrOrigin
	}
	v := judge(err)
	writeText(w, v.status, v.public)
	return err
}
