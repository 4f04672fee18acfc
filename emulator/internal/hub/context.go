package hub

import (
	"context"
	"errors"
	"sync"
)

// Why the context of a connection or an invocation has ended.
var (
	// ErrGone is a client that has gone for good.
	ErrGone = errors.New("the client has gone")
	// ErrCancelled is an invocation that the client has cancelled.
	ErrCancelled = errors.New("the client has cancelled the invocation")
)

// Context returns a context that ends when the client has gone for good, with
// [ErrGone] as its cause. What the client has asked for lasts no longer.
func (c *Connection) Context() context.Context { return c.ctx }

// Abandon ends the context of a connection that has broken, before the connection
// itself ends: requests of the client that wait for an event handler fail.
func (c *Connection) Abandon() { c.cancel(ErrGone) }

// Invocations are calls of a client that wait for their answer, by their ids. The
// zero value has none.
type Invocations struct {
	mu      sync.Mutex
	waiting map[string]context.CancelCauseFunc
}

// Begin begins an invocation, whose context ends when nobody waits for its answer
// any more. It reports false if the id is that of an invocation that waits already:
// a client that is not sure sends it again.
func (v *Invocations) Begin(ctx context.Context, id string) (context.Context, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if _, waits := v.waiting[id]; waits {
		return nil, false
	}
	if v.waiting == nil {
		v.waiting = make(map[string]context.CancelCauseFunc)
	}
	ctx, v.waiting[id] = context.WithCancelCause(ctx)
	return ctx, true
}

// End ends an invocation with a cause; nil is its answer. It reports whether the
// invocation still waited.
func (v *Invocations) End(id string, cause error) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	cancel, waits := v.waiting[id]
	if waits {
		delete(v.waiting, id)
		cancel(cause)
	}
	return waits
}

// EndAll ends all invocations with a cause.
func (v *Invocations) EndAll(cause error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, cancel := range v.waiting {
		cancel(cause)
	}
	v.waiting = nil
}
