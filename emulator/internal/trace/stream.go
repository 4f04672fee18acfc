package trace

import (
	"context"
	"reflect"
	"time"
)

// Sink receives records. Its methods are called in the goroutine that emits the record.
// They must be safe for concurrent use, must not block, and must not call back into the
// emulator.
type Sink interface {
	// Wants reports whether the sink receives records of a kind.
	Wants(ctx context.Context, k Kind) bool
	// Take receives a record of a kind that the sink wants. The context is that of the
	// request or connection and may have ended. The time is the machine's.
	Take(ctx context.Context, at time.Time, r Record)
}

// Stream passes records to sinks. It is safe for concurrent use. A nil Stream has no sinks.
type Stream struct {
	secrets *secrets
	sinks   []Sink
}

// New returns a stream that removes the access keys, and texts that look like tokens,
// from all records.
func New(accessKeys []string, sinks ...Sink) *Stream {
	return &Stream{secrets: newSecrets(accessKeys), sinks: sinks}
}

// Wants reports whether any sink wants records of a kind. [Emit] checks it. Callers check it
// only to save the cost of a record's values.
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

// Emit passes a record to the sinks that want it. It is generic so that a record that no
// sink wants stays on the stack. The caller must hold no lock.
func Emit[R Record](ctx context.Context, s *Stream, r R) {
	kind := r.kind()
	if s.Wants(ctx, kind) {
		pass(ctx, s, kind, r)
	}
}

// FrameSink is a sink that takes frames to clients, of which there are many, without an
// allocation for each.
type FrameSink interface {
	TakeFrame(at time.Time, r FrameOut)
}

// EmitFrame is Emit for a frame to a client.
func EmitFrame(ctx context.Context, s *Stream, r FrameOut) {
	if !s.Wants(ctx, KindFrameOut) {
		return
	}
	at := time.Now()
	s.secrets.cleanFrame(&r)
	for _, sink := range s.sinks {
		if !sink.Wants(ctx, KindFrameOut) {
			continue
		}
		if frames, ok := sink.(FrameSink); ok {
			frames.TakeFrame(at, r)
		} else {
			sink.Take(ctx, at, r)
		}
	}
}

// pass removes the secrets of a record, whose copy is on the heap.
func pass[R Record](ctx context.Context, s *Stream, kind Kind, r R) {
	at := time.Now()
	s.secrets.clean(reflect.ValueOf(&r).Elem())
	for _, sink := range s.sinks {
		if sink.Wants(ctx, kind) {
			sink.Take(ctx, at, r)
		}
	}
}

// Clean returns a client without secrets. Records of the result cost less.
func (s *Stream) Clean(c Client) Client {
	if s == nil || len(s.sinks) == 0 {
		return c
	}
	c.clean(s.secrets)
	c.cleaned = true
	return c
}

// Hide returns a text without secrets. It is for texts outside records.
func (s *Stream) Hide(text string) string {
	out, _ := s.secrets.hide(text)
	return out
}

// Read decodes a state and removes its secrets. It is for states outside records.
func (s *Stream) Read(state State) State {
	state.read(s.secrets)
	return state
}
