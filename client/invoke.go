package client

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"sync"

	"github.com/go-webpubsub/webpubsub/client/internal/frame"
)

const opInvokeEvent = "InvokeEvent"

// InvokeOptions of an invocation. Nil and the zero value are the defaults.
type InvokeOptions struct {
	// InvocationID (invocationId) by which the answer is known. Empty: one of the
	// client's own.
	InvocationID string
}

// InvokeEvent sends an event to the application's event handler and gives what it
// answers. The payload may be none, and so may the answer.
//
// It is sent once: an invocation whose link was lost before the answer came is
// [ErrConnectionLost], whether the connection is recovered or not. When the
// context ends, the service is told that nobody waits any more.
func (c *Client) InvokeEvent(ctx context.Context, event string, data Data, opts *InvokeOptions) (Data, error) {
	r := new(frame.Request)
	r.Kind, r.Name = frame.Invoke, event
	if opts != nil {
		r.ID = opts.InvocationID
	}
	var dataErr error
	r.Data, dataErr = data.sendable(true)
	if err := cmp.Or(checkEvent(event), dataErr, checkID("invocation id", r.ID)); err != nil {
		return Data{}, invalid(opInvokeEvent, err)
	}
	s, err := c.running()
	if err != nil {
		return Data{}, fail(opInvokeEvent, err)
	}
	answer, err := s.invoke(ctx, r)
	return answer, wrap(opInvokeEvent, err)
}

func (s *session) invoke(ctx context.Context, r *frame.Request) (Data, error) {
	own := r.ID == ""
	var answer <-chan callAnswer
	for answer == nil {
		if own {
			r.ID = strconv.FormatUint(s.c.lastCallID.Add(1), 10)
		}
		if answer = s.calls.add(r.ID); answer == nil && !own {
			return Data{}, invalidError{fmt.Errorf("invocation id %s is in use", quote(r.ID))}
		}
	}
	defer s.calls.remove(r.ID)
	over := s.waits.begin()
	defer s.waits.end()
	l, err := s.post(ctx, &request{Request: *r})
	if err != nil {
		return Data{}, err
	}
	select {
	case a := <-answer:
		return a.data, a.err
	case <-l.lost:
		err = ErrConnectionLost
	case <-over:
		err = ErrQueueFull
	case <-ctx.Done():
		err = ctx.Err()
	case <-s.ctx.Done():
		err = ErrStopped
	}
	l.tell(&frame.Request{Kind: frame.CancelInvocation, ID: r.ID})
	return Data{}, err
}

// calls are the invocations that wait for their answer.
type calls struct {
	mu      sync.Mutex
	waiting map[string]chan callAnswer
}

type callAnswer struct {
	data Data
	err  error
}

// add begins to wait; nil says that the id is waited for already.
func (c *calls) add(id string) <-chan callAnswer {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.waiting[id]; ok {
		return nil
	}
	if c.waiting == nil {
		c.waiting = make(map[string]chan callAnswer)
	}
	answer := make(chan callAnswer, 1)
	c.waiting[id] = answer
	return answer
}

func (c *calls) remove(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.waiting, id)
}

func (c *calls) answer(f *frame.Frame) {
	a := callAnswer{data: Data{d: f.Data}}
	if !f.Success {
		a = callAnswer{err: refusal(f.Failure)}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if answer := c.waiting[f.ID]; answer != nil {
		delete(c.waiting, f.ID)
		answer <- a
	}
}
