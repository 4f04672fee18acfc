package client

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/go-webpubsub/webpubsub/client/internal/frame"
	"github.com/go-webpubsub/webpubsub/internal/excerpt"
	"github.com/go-webpubsub/webpubsub/internal/rule"
)

const opInvokeEvent = "InvokeEvent"

// InvokeOptions are the options of an invocation. Nil and the zero value are the
// defaults.
type InvokeOptions struct {
	// InvocationID (invocationId) identifies the invocation. Empty is a new one.
	InvocationID string
}

// InvokeEvent sends an event to the application's event handler and returns its
// answer. Both payloads may be empty ([DataNone]).
//
// The event is sent once. If the WebSocket is lost before the answer arrives, the
// error is [ErrConnectionLost], whether the connection is recovered or not. When
// ctx ends, the client cancels the invocation.
func (c *Client) InvokeEvent(ctx context.Context, event string, data Data, opts *InvokeOptions) (Data, error) {
	id := valueOf(opts).InvocationID
	if err := cmp.Or(rule.CheckEvent(event), data.err, rule.CheckID("invocation id", id)); err != nil {
		return Data{}, invalid(opInvokeEvent, err)
	}
	s, err := c.running()
	if err != nil {
		return Data{}, fail(opInvokeEvent, err)
	}
	answer, err := s.invoke(ctx, &request{Request: frame.Request{Kind: frame.Invoke, Name: event, ID: id, Data: data.d}})
	return answer, fail(opInvokeEvent, err)
}

func (s *session) invoke(ctx context.Context, r *request) (answer Data, err error) {
	if s.trace().RequestDone != nil {
		start := time.Now()
		defer func() { s.traceDone(ctx, r, start, false, err) }()
	}
	var w *waiter[invokeResult]
	for own := r.ID == ""; w == nil; {
		if own {
			r.ID = strconv.FormatUint(s.c.lastInvocation.Add(1), 10)
		}
		if w = s.invocations.add(r.ID, nil); w == nil && !own {
			return Data{}, invalidError{fmt.Errorf("invocation id %s is in use", excerpt.Name(r.ID))}
		}
	}
	defer s.invocations.remove(r.ID, w)
	stuck := s.waits.begin()
	defer s.waits.end()
	ws, err := s.post(ctx, r)
	if err != nil {
		return Data{}, err
	}
	a, err := await(ctx, w.answer, ws.lost, stuck, s.closing)
	if err != nil {
		ws.tell(&frame.Request{Kind: frame.CancelInvocation, ID: r.ID})
		return Data{}, err
	}
	r.answered()
	return a.data, a.err
}

// invokeResult is the answer to an invocation.
type invokeResult struct {
	data Data
	err  error
}

func invokeResultOf(f *frame.Frame) invokeResult {
	if !f.Success {
		return invokeResult{err: refusal(f.Failure)}
	}
	return invokeResult{data: Data{d: f.Data}}
}
