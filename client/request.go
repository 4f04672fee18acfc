package client

import (
	"context"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/go-webpubsub/webpubsub/client/internal/frame"
)

// Result of a request that the service has carried out.
type Result struct {
	// AckID (ackId) of the request; 0 of one that is sent and forgotten.
	AckID uint64
	// Duplicate: the service had carried it out before, so that this time it did
	// nothing. That is what a request looks like whose ack was lost.
	Duplicate bool
}

// request is a frame that the service is to carry out, as many times as it takes.
type request struct {
	frame.Request

	// harmless: to be carried out twice does what once does.
	harmless bool
	// only is the connection for which the request has a meaning; nil: any.
	only *connection
	done func()
	wait *ackWait // nil: for nothing

	tries *backoff.ExponentialBackOff
	n     int // retries
	sent  *connection
}

// answered reports whether the ack has come, as that of an earlier try may at any time.
func (r *request) answered() bool { return r.wait != nil && len(r.wait.answer) > 0 }

// running gives the session that requests belong to.
func (c *Client) running() (*session, error) {
	s := c.current()
	if s == nil || s.isStopping() {
		return nil, ErrStopped
	}
	return s, nil
}

// do sends a request under an ack id, and waits for the ack.
func (c *Client) do(ctx context.Context, r *request) (Result, error) {
	s, err := c.running()
	if err != nil {
		return Result{}, err
	}
	return s.do(ctx, r)
}

func (s *session) do(ctx context.Context, r *request) (Result, error) {
	own := r.AckID == 0
	if own {
		r.AckID = s.c.lastAckID.Add(1)
	} else {
		s.c.passOver(r.AckID)
	}
	r.WantsAck = true
	w, ok := s.acks.add(r.AckID, r.done)
	for ; !ok; w, ok = s.acks.add(r.AckID, r.done) {
		if !own {
			return Result{}, invalidError{fmt.Errorf("AckID %d is in use", r.AckID)}
		}
		r.AckID = s.c.lastAckID.Add(1)
	}
	defer s.acks.remove(r.AckID, w)
	r.wait = w
	over := s.waits.begin()
	defer s.waits.end()
	for {
		a, err := s.settle(ctx, r, over)
		if err != nil {
			return Result{}, err
		}
		if a.failure == nil {
			return Result{AckID: r.AckID, Duplicate: a.duplicate}, nil
		}
		if err := s.retry(ctx, r, a.failure); err != nil {
			return Result{}, err
		}
	}
}

// settle takes a place in the window and sends a request until it is answered, over
// as many links as that takes.
func (s *session) settle(ctx context.Context, r *request, over <-chan struct{}) (ackAnswer, error) {
	place, err := s.window.enter(ctx, s.ctx.Done(), over)
	if err != nil {
		return ackAnswer{}, err
	}
	defer s.window.leave(place)
	for {
		if a, ok, err := s.answer(ctx, r, over); ok || err != nil {
			return a, err
		}
	}
}

// answer sends a request and waits for its ack, which counts whatever else has
// happened by the time it is looked at. ok is false if the link was lost before.
func (s *session) answer(ctx context.Context, r *request, over <-chan struct{}) (a ackAnswer, ok bool, err error) {
	l, err := s.post(ctx, r)
	if err == nil {
		select {
		case a = <-r.wait.answer:
			return a, true, nil
		case <-l.lost:
		case <-over:
			err = ErrQueueFull
		case <-ctx.Done():
			err = ctx.Err()
		case <-s.ctx.Done():
			err = ErrStopped
		}
	}
	select {
	case a = <-r.wait.answer:
		return a, true, nil
	default:
		return ackAnswer{}, false, err
	}
}

// maxPassedOver is the largest ack id of a caller that the client's own go on after.
// They do not get so far by themselves, and there they could overflow.
const maxPassedOver = 1 << 62

// passOver keeps an ack id that a caller has chosen from being one of the client's
// own later, which the service would take for the same request.
func (c *Client) passOver(id uint64) {
	for last := c.lastAckID.Load(); last < id && id <= maxPassedOver; last = c.lastAckID.Load() {
		if c.lastAckID.CompareAndSwap(last, id) {
			return
		}
	}
}

// post sends a request over the link that there is, or the next one.
//
// After a recovery the service still knows the ack ids of the connection, and
// does nothing twice. A new connection knows none: there, a request that the old
// one may have carried out is only sent again if that does no harm.
func (s *session) post(ctx context.Context, r *request) (*link, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		l, err := s.connected(ctx)
		switch {
		case err != nil:
			return nil, err
		case r.answered():
			return l, nil
		case r.only != nil && l.conn != r.only,
			r.sent != nil && l.conn != r.sent && !r.harmless && !s.c.opts.RetrySends:
			return nil, ErrConnectionLost
		}
		b := encode(l.codec, &r.Request)
		if err := checkSize(b.b); err != nil {
			b.free()
			return nil, invalidError{err}
		}
		ok, err := l.send(ctx, b)
		if err != nil {
			return nil, err
		}
		if ok {
			r.sent = l.conn
			return l, nil
		}
		select { // the link has ended, as everybody will soon know
		case <-l.lost:
		case <-s.ctx.Done():
		case <-ctx.Done():
		}
	}
}

// retry waits before a request that was refused is sent again; an error says that
// there is no use in it.
func (s *session) retry(ctx context.Context, r *request, f *frame.Failure) error {
	err := refusalOf(f, r.Kind, r.Name)
	switch f.Name {
	case nameForbidden, nameBadRequest, nameNotFound:
		return err
	case nameInternal: // of an event, all that the handler's refusals and failures look like
		if r.Kind == frame.SendEvent {
			return err
		}
	}
	if r.n >= s.c.opts.MessageRetry.MaxRetries {
		return err
	}
	if r.n++; r.tries == nil {
		r.tries = s.c.opts.MessageRetry.start()
	}
	t := time.NewTimer(r.tries.NextBackOff())
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-s.ctx.Done():
		return ErrStopped
	}
}

// forget sends a request that nobody answers.
func (c *Client) forget(ctx context.Context, r *request) (Result, error) {
	s, err := c.running()
	if err != nil {
		return Result{}, err
	}
	_, err = s.post(ctx, r)
	return Result{}, err
}
