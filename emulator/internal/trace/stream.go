package trace

import (
	"context"
	"reflect"
	"time"
)

// Record is one thing that happened: a value of a type of this package.
type Record interface {
	// kind returns what happened.
	kind() Kind
}

// Sink receives records. Its methods are called where the thing happens, by any
// number of goroutines at a time: they must not block and must not call back into
// the emulator.
type Sink interface {
	// Wants reports whether the sink takes records of a kind.
	Wants(ctx context.Context, k Kind) bool
	// Take takes a record of a kind that the sink wants. The context is that of the
	// request or connection and may have ended. The time is the machine's.
	Take(ctx context.Context, at time.Time, r Record)
}

// Stream hands records to sinks. It does not change. A nil Stream has no sinks.
type Stream struct {
	secrets *secrets
	sinks   []Sink
}

// New returns a stream that removes the access keys, and what looks like a token,
// from all records.
func New(accessKeys []string, sinks ...Sink) *Stream {
	return &Stream{secrets: newSecrets(accessKeys), sinks: sinks}
}

// Wants reports whether any sink wants records of a kind. Callers ask before they
// compute what goes into a record; [Emit] asks by itself.
func (s *Stream) Wants(ctx context.Context, k Kind) bool {
	if s == nil {
		return false
	}
	for _, sink := range s.sinks {
		if sink.Wants(ctx, k) {
			return true
		}
	}
	return false
}

// Emit hands a record to the sinks that want it. It is generic so that a record that
// no sink wants stays on the stack. No lock may be held.
func Emit[R Record](ctx context.Context, s *Stream, r R) {
	kind := r.kind()
	if s.Wants(ctx, kind) {
		hand(ctx, s, kind, r)
	}
}

// hand removes the secrets of a record, whose copy is on the heap from here on.
func hand[R Record](ctx context.Context, s *Stream, kind Kind, r R) {
	at := time.Now()
	s.secrets.clean(reflect.ValueOf(&r).Elem())
	for _, sink := range s.sinks {
		if sink.Wants(ctx, kind) {
			sink.Take(ctx, at, r)
		}
	}
}
