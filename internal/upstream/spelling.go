package upstream

import (
	"net/http"
	"strings"

	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// Spelled is an [http.RoundTripper] that writes header names as the service does.
// Servers accept the canonical form of net/http too; the service's spelling makes
// captures readable.
type Spelled struct {
	// Next sends the requests; defaults to [http.DefaultTransport].
	Next http.RoundTripper
}

// RoundTrip sends the request with respelled names, and without a User-Agent of net/http.
func (t Spelled) RoundTrip(req *http.Request) (*http.Response, error) {
	out := req.Clone(req.Context())
	out.Header = make(http.Header, len(req.Header)+1)
	for name, values := range req.Header {
		out.Header[Spelling(name)] = values
	}
	if _, own := out.Header["User-Agent"]; !own {
		out.Header["User-Agent"] = nil // net/http would write its own
	}
	if t.Next != nil {
		return t.Next.RoundTrip(out)
	}
	// Close of any server of net/http/httptest closes the idle connections of
	// http.DefaultTransport. A connection is idle before its answer is read.
	out.Close = true
	return http.DefaultTransport.RoundTrip(out)
}

// Spelling returns a canonical header name as the service writes it.
func Spelling(name string) string {
	switch name {
	case wire.HeaderRequestOrigin:
		return "WebHook-Request-Origin"
	case wire.HeaderAllowedOrigin:
		return "WebHook-Allowed-Origin"
	case wire.HeaderUserID:
		return "ce-userId"
	case wire.HeaderConnectionID:
		return "ce-connectionId"
	case wire.HeaderEventName:
		return "ce-eventName"
	case wire.HeaderConnectionState:
		return "ce-connectionState"
	case wire.HeaderPhysicalConnectionID:
		return "ce-physicalConnectionId"
	case wire.HeaderSessionID:
		return "ce-sessionId"
	}
	for _, prefix := range []string{wire.PrefixAttribute, wire.PrefixMQTT, "X-Ms-"} {
		if strings.HasPrefix(name, prefix) {
			return strings.ToLower(name)
		}
	}
	if key, ok := strings.CutPrefix(name, wire.PrefixMetadata); ok {
		return "X-WebPubSub-Metadata-" + strings.ToLower(key)
	}
	return name
}
