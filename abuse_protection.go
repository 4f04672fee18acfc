package webpubsub

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/go-webpubsub/webpubsub/internal/connstr"
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
	p.origins.serveValidation(w, r)
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

// originSet is a set of host names in lower case. The zero value is empty.
type originSet struct {
	any   bool
	hosts []string
}

func parseOrigins(entries []string) (originSet, error) {
	var set originSet
	for i, entry := range entries {
		if entry == "*" {
			set.any = true
			continue
		}
		if strings.ContainsAny(entry, ";=") { // not quoted: it may hold a key
			return originSet{}, fmt.Errorf("allowed origin %d has a ; or =, as connection strings do: want its host name alone", i)
		}
		host, err := parseOrigin(entry)
		if err != nil {
			return originSet{}, fmt.Errorf("allowed origin %d, %q: %w", i, clip(entry), err)
		}
		set.hosts = append(set.hosts, host)
	}
	return set, nil
}

func parseOrigin(entry string) (string, error) {
	if strings.ContainsAny(entry, "*, \t") {
		return "", errors.New("want one host name, or * alone: there are no patterns and no lists")
	}
	u, err := connstr.ParseEndpoint(entry)
	if err != nil {
		return "", err
	}
	return strings.ToLower(u.Hostname()), nil
}

func (s *originSet) allows(host string) bool {
	if s.any {
		return true
	}
	for _, h := range s.hosts {
		if isHost(host, h) {
			return true
		}
	}
	return false
}

// isHost compares a host name with one in lower case. Only ASCII letters have
// two cases in host names: strings.EqualFold would also take look-alikes such
// as the long s for s and the Kelvin sign for k.
func isHost(s, lower string) bool {
	if s == lower { // nearly always, and told much sooner
		return true
	}
	if len(s) != len(lower) {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

// match returns the first of the requested origins that is allowed.
func (s *originSet) match(lines []string) (string, bool) {
	list := listScanner{lines: lines}
	for range maxOrigins {
		origin, ok := list.next()
		if !ok {
			return "", false
		}
		if s.allows(origin) {
			return origin, true
		}
	}
	return "", false
}

// refusal is the error of an event whose origins are not in the set. It is for
// the log: it names the hosts of the configuration.
func (s *originSet) refusal(lines []string) error {
	return fmt.Errorf("%w: the request names %q, and connection strings and AllowedOrigins have %q; one of them has to be the same",
		ErrOrigin, clip(strings.Join(lines, ", ")), clip(strings.Join(s.hosts, ", ")))
}

func (s *originSet) serveValidation(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header[wire.HeaderAllow] = allowMethods
	if len(r.Header[wire.HeaderVersion]) == 0 {
		writeText(w, http.StatusNotFound, "not an Azure Web PubSub request: header ce-awpsversion is missing")
		return
	}
	requested := r.Header[wire.HeaderRequestOrigin]
	origin, ok := s.match(requested)
	switch {
	case !ok && strings.Trim(strings.Join(requested, ""), ", \t") == "":
		writeText(w, http.StatusBadRequest, "header WebHook-Request-Origin is missing or empty")
		return
	case !ok:
		writeText(w, http.StatusOK, fmt.Sprintf("no consent: none of the origins %q is allowed here; compare them with the handler's connection strings and allowed origins", clip(strings.Join(requested, ", "))))
		return
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
}

// listScanner walks a header whose value is a list: separated by commas, with
// or without spaces, in one line or several.
type listScanner struct {
	lines []string
	rest  string
}

// next returns the next element; empty ones are passed over.
func (s *listScanner) next() (string, bool) {
	for {
		for s.rest == "" {
			if len(s.lines) == 0 {
				return "", false
			}
			s.rest, s.lines = s.lines[0], s.lines[1:]
		}
		var element string
		if i := strings.IndexByte(s.rest, ','); i >= 0 {
			element, s.rest = s.rest[:i], s.rest[i+1:]
		} else {
			element, s.rest = s.rest, ""
		}
		if element = trimSpace(element); element != "" {
			return element, true
		}
	}
}

// trimSpace takes away what HTTP allows around an element. strings.Trim prepares
// for any set of characters, which takes longer than the rest of next.
func trimSpace(s string) string {
	for s != "" && isSpace(s[0]) {
		s = s[1:]
	}
	for s != "" && isSpace(s[len(s)-1]) {
		s = s[:len(s)-1]
	}
	return s
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' }
