package webpubsub

import (
	"context"
	"errors"
	"net/http"
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
// Verify is called before the body is read and must not read it. It must be
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

func (h *Handler) verify(r *http.Request, a *attributes) error {
	allowed := h.allowedOrigins()
	if _, ok := allowed.match(a.origins); !ok {
		return allowed.refusal(a.origins)
	}
	for _, v := range h.verifiers {
		var err error
		if keys, ok := v.(*AccessKeys); ok {
			err = keys.verify(r, allowed)
		} else {
			err = verifySafely(v, r)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// verifySafely calls a verifier that is not ours. Its panic refuses the request.
func verifySafely(v Verifier, r *http.Request) error {
	_, err := guard(r.Context(), func(context.Context) (struct{}, error) { return struct{}{}, v.Verify(r) })
	return err
}
