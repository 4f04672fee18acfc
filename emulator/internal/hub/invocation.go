package hub

import (
	"context"
	"errors"
	"sync"
)

// Causes of cancelled contexts.
var (
	errGone      = errors.New("the client has gone")
	errCancelled = errors.New("the client has cancelled the invocation")
)

// invocations are a client's pending invocations by id. The zero value is ready to use.
type invocations struct {
	mu      sync.Mutex
	pending map[string]*invocation
}

type invocation struct {
	ctx    context.Context //nolint:containedctx // of the call of the event handler
	id     string
	cancel context.CancelCauseFunc
}

// begin adds an invocation with a child of ctx. It returns nil if the id is pending.
func (v *invocations) begin(ctx context.Context, id string) *invocation {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.pending[id] != nil {
		return nil
	}
	in := &invocation{id: id}
	in.ctx, in.cancel = context.WithCancelCause(ctx)
	if v.pending == nil {
		v.pending = make(map[string]*invocation)
	}
	v.pending[id] = in
	return in
}

// finish removes an invocation. It reports false if it has been cancelled.
func (v *invocations) finish(in *invocation) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	in.cancel(nil)
	pending := v.pending[in.id] == in // not a later one with its id
	if pending {
		delete(v.pending, in.id)
	}
	return pending
}

// cancel cancels the invocation with the id, if it is pending.
func (v *invocations) cancel(id string, cause error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if in := v.pending[id]; in != nil {
		delete(v.pending, id)
		in.cancel(cause)
	}
}

func (v *invocations) cancelAll(cause error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, in := range v.pending {
		in.cancel(cause)
	}
	v.pending = nil
}
