package hub

import (
	"context"
	"errors"
	"sync"
)

// Why the context of a connection or an invocation has ended.
var (
	// errGone is a client that has gone for good.
	errGone = errors.New("the client has gone")
	// errCancelled is an invocation that the client has cancelled.
	errCancelled = errors.New("the client has cancelled the invocation")
)

// invocations are calls of a client that wait for their answer, by their ids. The
// zero value has none.
type invocations struct {
	mu      sync.Mutex
	waiting map[string]*invocation
}

// invocation is one of them.
type invocation struct {
	// ctx ends when nobody waits for the answer any more.
	ctx context.Context //nolint:containedctx // it is what an invocation is

	id     string
	cancel context.CancelCauseFunc
}

// begin begins an invocation, whose context ends with ctx, too. It returns nil if an
// invocation of that id waits already: a client that is not sure sends it again.
func (v *invocations) begin(ctx context.Context, id string) *invocation {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.waiting[id] != nil {
		return nil
	}
	in := &invocation{id: id}
	in.ctx, in.cancel = context.WithCancelCause(ctx)
	if v.waiting == nil {
		v.waiting = make(map[string]*invocation)
	}
	v.waiting[id] = in
	return in
}

// finish ends an invocation that has its answer. It reports whether the client still
// waits for it.
func (v *invocations) finish(in *invocation) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	in.cancel(nil)
	waits := v.waiting[in.id] == in // not a later one with its id
	if waits {
		delete(v.waiting, in.id)
	}
	return waits
}

// cancel ends the invocation of an id, if there is one, with a cause.
func (v *invocations) cancel(id string, cause error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if in := v.waiting[id]; in != nil {
		delete(v.waiting, id)
		in.cancel(cause)
	}
}

// cancelAll ends all invocations with a cause.
func (v *invocations) cancelAll(cause error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, in := range v.waiting {
		in.cancel(cause)
	}
	v.waiting = nil
}
