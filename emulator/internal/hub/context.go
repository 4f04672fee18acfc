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
	waiting map[string]*Invocation
}

// Invocation is one of them.
type Invocation struct {
	// Context ends when nobody waits for the answer any more.
	Context context.Context //nolint:containedctx // it is what an invocation is

	id     string
	cancel context.CancelCauseFunc
}

// Begin begins an invocation, whose context ends with ctx, too. It returns nil if an
// invocation of that id waits already: a client that is not sure sends it again.
func (v *Invocations) Begin(ctx context.Context, id string) *Invocation {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.waiting[id] != nil {
		return nil
	}
	in := &Invocation{id: id}
	in.Context, in.cancel = context.WithCancelCause(ctx)
	if v.waiting == nil {
		v.waiting = make(map[string]*Invocation)
	}
	v.waiting[id] = in
	return in
}

// Finish ends an invocation that has its answer. It reports whether the client still
// waits for it.
func (v *Invocations) Finish(in *Invocation) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	in.cancel(nil)
	waits := v.waiting[in.id] == in // not a later one with its id
	if waits {
		delete(v.waiting, in.id)
	}
	return waits
}

// Cancel ends the invocation of an id, if there is one, with a cause.
func (v *Invocations) Cancel(id string, cause error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if in := v.waiting[id]; in != nil {
		delete(v.waiting, id)
		in.cancel(cause)
	}
}

// CancelAll ends all invocations with a cause.
func (v *Invocations) CancelAll(cause error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, in := range v.waiting {
		in.cancel(cause)
	}
	v.waiting = nil
}
