package webpubsub

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"

	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// Errors of verification, matched with [errors.Is].
var (
	// ErrSignature means that no signature of a request was made with a known key.
	ErrSignature = errors.New("no signature matches")
	// ErrOrigin means that a request names no allowed origin.
	ErrOrigin = errors.New("origin is not allowed")
)

// Verifier checks whether a request comes from the service. Verify returns nil to
// accept the request. An [*Error] is answered with its status and message, any other
// error with 401 and a fixed text.
//
// Verify is called before the body is read, and must not read it. If the request
// names both allowed and other origins, r is a copy whose header
// WebHook-Request-Origin has the allowed ones alone: a Verifier that wraps an
// [AccessKeys] cannot accept the key of an origin that is not allowed. Verify must
// be safe for concurrent use.
type Verifier interface {
	Verify(r *http.Request) error
}

// InsecureSkipVerify is a [Verifier] that accepts every request. Anyone who can
// reach the handler can then connect as any user and send any event. Use it in
// tests, and behind a gateway that verifies requests.
type InsecureSkipVerify struct{}

// Verify accepts the request.
func (InsecureSkipVerify) Verify(*http.Request) error { return nil }

// verify checks that an event comes from the service. Verifiers see only the
// origins that are allowed.
func (h *Handler) verify(r *http.Request, a *attributes) error {
	if h.origins == nil && h.verifier == nil { // the allowed origins are those with keys
		return h.keys.check(a.connection, a.signatures, a.origins)
	}
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
	if !slices.Equal(origins, a.origins) {
		header := maps.Clone(r.Header)
		header[wire.HeaderRequestOrigin] = origins
		r = r.WithContext(r.Context()) // a shallow copy
		r.Header = header
	}
	return guard(r.Context(), func(context.Context) error { return h.verifier.Verify(r) })
}
