package webpubsub

import (
	"context"
	"errors"
	"maps"
	"net/http"

	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// Errors of verification, matched with [errors.Is].
var (
	// ErrSignature says that no signature of a request was made with a known key.
	ErrSignature = errors.New("no signature matches")
	// ErrOrigin says that a request names no origin that is known.
	ErrOrigin = errors.New("origin is not allowed")
)

// Verifier decides whether a request comes from the service. A nil error lets
// it pass; an [*Error] is answered with its own status; any other error with
// 401 and nothing of its text.
//
// Verify is called before the body is read and must not read it. If the request
// names origins that [Config.AllowedOrigins] does not allow, r is a copy whose
// header WebHook-Request-Origin has only the others, so that an [AccessKeys] in
// a Verifier does not count keys of origins that are not allowed. Verify must be
// safe for concurrent use.
type Verifier interface {
	Verify(r *http.Request) error
}

// InsecureSkipVerify is a [Verifier] that believes every request. Anybody who
// can reach the handler can then connect as any user and send any event: it is
// for tests, and for handlers behind a gateway that verifies.
type InsecureSkipVerify struct{}

// Verify accepts the request.
func (InsecureSkipVerify) Verify(*http.Request) error { return nil }

// verify checks where an event comes from. No verifier sees an origin that is
// not allowed.
func (h *Handler) verify(r *http.Request, a *attributes) error {
	set := h.allowedOrigins()
	origins := set.narrow(a.origins)
	if len(origins) == 0 {
		return set.refusal(a.origins)
	}
	if h.keys != nil {
		if err := h.keys.check(a.connection, a.signatures, origins); err != nil {
			return err
		}
	}
	if h.verifier == nil {
		return nil
	}
	if len(origins) != len(a.origins) || &origins[0] != &a.origins[0] {
		header := maps.Clone(r.Header)
		header[wire.HeaderRequestOrigin] = origins
		r = r.WithContext(r.Context()) // a shallow copy
		r.Header = header
	}
	return guard(r.Context(), func(context.Context) error { return h.verifier.Verify(r) })
}
