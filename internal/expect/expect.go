// Package expect marks requests that the conformance checks expect to be refused, so
// that a handler of this module does not log a warning. The mark is a value of the
// request's context, so that no request from outside of the process can have it.
package expect

import "context"

type key struct{}

// WithRefusal returns a context whose requests are expected to be refused.
func WithRefusal(ctx context.Context) context.Context { return context.WithValue(ctx, key{}, true) }

// Refusal reports whether a request of the context is expected to be refused.
func Refusal(ctx context.Context) bool { return ctx.Value(key{}) != nil }
