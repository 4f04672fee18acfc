package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/go-webpubsub/webpubsub/client/internal/frame"
)

// Result is the result of a request that the service has carried out.
type Result struct {
	// AckID (ackId) of the request; 0 if it was sent without one.
	AckID uint64
	// Duplicate reports that the service had carried out the request before, and did
	// nothing this time. This happens when the first ack was lost.
	Duplicate bool
}

// request is a frame that the service is to carry out, which may take several
// attempts.
type request struct {
	frame.Request

	idempotent bool               // may be carried out twice
	only       *connection        // the connection that it is for; nil: any
	done       func()             // called when it has succeeded, before later frames are handled
	wait       *waiter[ackResult] // nil if it wants no ack
	over       *socket            // over which it was last sent
	end        uint64             // of its frame in the outbox of that socket
	attempts   int                // times that it was sent
	retries    int                // after refusals
	backoff    *backoff.ExponentialBackOff
}

// ackResult is what an ack says. The zero value is success.
type ackResult struct {
	duplicate bool
	failure   *frame.Failure
}

func ackResultOf(f *frame.Frame) ackResult {
	switch {
	case f.Success:
		return ackResult{}
	case f.Failure == nil:
		return ackResult{failure: new(frame.Failure)}
	case f.Failure.Name == nameDuplicate:
		return ackResult{duplicate: true}
	}
	return ackResult{failure: f.Failure}
}

// running returns the session that requests belong to.
func (c *Client) running() (*session, error) {
	s := c.current()
	if s == nil || s.isStopping() {
		return nil, ErrStopped
	}
	return s, nil
}

// send sends a request, and waits for its ack if it wants one.
func (c *Client) send(ctx context.Context, operation string, r *request) (result Result, err error) {
	s, err := c.running()
	switch {
	case err != nil:
	case r.WantsAck:
		result, err = s.do(ctx, r)
	default:
		_, err = s.post(ctx, r)
	}
	return result, fail(operation, err)
}

// do sends a request under an ack id, waits for the ack, and retries refusals.
func (s *session) do(ctx context.Context, r *request) (result Result, err error) {
	if s.trace().RequestDone != nil {
		start := time.Now()
		defer func() { s.traceDone(ctx, r, start, result.Duplicate, err) }()
	}
	own := r.AckID == 0
	if !own {
		s.c.skipAckID(r.AckID)
	}
	for r.wait == nil {
		if own {
			r.AckID = s.c.lastAckID.Add(1)
		}
		if r.wait = s.acks.add(r.AckID, r.done); r.wait == nil && !own {
			return Result{}, invalidError{fmt.Errorf("AckID %d is in use", r.AckID)}
		}
	}
	defer s.acks.remove(r.AckID, r.wait)
	stuck := s.waits.begin()
	defer s.waits.end()
	for {
		a, err := s.settle(ctx, r, stuck)
		if err == nil && a.failure == nil {
			return Result{AckID: r.AckID, Duplicate: a.duplicate}, nil
		}
		if err == nil {
			err = s.retry(ctx, r, a.failure)
		}
		if err != nil {
			return Result{}, err
		}
	}
}

// settle waits for a place in the window, and sends a request until it is answered.
// An ack that has arrived takes precedence over any error.
func (s *session) settle(ctx context.Context, r *request, stuck <-chan struct{}) (ackResult, error) {
	inFlight := s.inFlight
	if p := s.c.preparationOf(ctx); p != nil {
		inFlight = p.inFlight
	}
	place, err := inFlight.enter(ctx, stuck, s.closing)
	if err != nil {
		return ackResult{}, err
	}
	defer inFlight.leave(place)
	for {
		ws, err := s.post(ctx, r)
		again := false
		if err == nil {
			var a ackResult
			if a, err = await(ctx, r.wait.answer, ws.lost, stuck, s.closing); err == nil {
				r.answered()
				return a, nil
			}
			again = errors.Is(err, ErrConnectionLost)
		}
		select {
		case a := <-r.wait.answer:
			return a, nil
		default:
		}
		if !again {
			return ackResult{}, err
		}
	}
}

// answered records that the service has read the request. If it was sent more than once, the
// answer may be to the request as it was sent over an earlier socket.
func (r *request) answered() {
	if r.attempts == 1 {
		r.over.out.received(r.end)
	}
}

// maxSkippedAckID is the largest ack id of a caller that the client's own ids skip.
// The client's own do not get that far, and beyond it they could overflow.
const maxSkippedAckID = 1 << 62

// skipAckID keeps the client from using the ack id of a caller again, which the
// service would take for the same request.
func (c *Client) skipAckID(id uint64) {
	for last := c.lastAckID.Load(); last < id && id <= maxSkippedAckID; last = c.lastAckID.Load() {
		if c.lastAckID.CompareAndSwap(last, id) {
			return
		}
	}
}

// post sends a request over the current socket, or over the next one. If the ack
// has arrived by then, it sends nothing.
//
// After a recovery the service still knows the connection's ack ids, and carries
// out nothing twice. A new connection knows none of them. A request that the old
// one may have carried out is sent again there only if that does no harm.
func (s *session) post(ctx context.Context, r *request) (*socket, error) {
	if err := s.c.checkLarge(&r.Request); err != nil {
		return nil, invalidError{err}
	}
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		ws, err := s.connected(ctx)
		switch {
		case err != nil:
			return nil, err
		case r.wait != nil && len(r.wait.answer) > 0:
			return ws, nil
		case r.only != nil && ws.conn != r.only,
			r.over != nil && ws.conn != r.over.conn && !r.idempotent && !s.c.opts.RetrySends:
			return nil, ErrConnectionLost
		}
		b := encode(ws.codec, &r.Request)
		size := len(b.b) // the buffer is used again as soon as it is written
		if err := checkSize(b.b); err != nil {
			b.free()
			return nil, invalidError{err}
		}
		end, ok, err := ws.out.put(ctx, b, r.WantsAck || r.Kind == frame.Invoke)
		if err != nil {
			return nil, err
		}
		if ok {
			r.over, r.end = ws, end
			r.attempts++
			traced(ctx, s.dispatch, s.trace().RequestSent, RequestSentInfo{
				ConnectionID: ws.conn.id, Operation: operations[r.Kind], Name: r.Name, AckID: r.AckID, Attempt: r.attempts, Bytes: size,
			})
			return ws, nil
		}
		select { // the socket has ended, and lost is about to be closed
		case <-ws.lost:
		case <-s.closing:
		case <-ctx.Done():
		}
	}
}

// checkSize returns an error for a frame that the service would refuse by closing the
// connection.
func checkSize(request []byte) error {
	if len(request) > frame.MaxRequest {
		return tooLargeError(len(request))
	}
	return nil
}

// maxSmall is the number of bytes of a payload or state that fit in a frame in any
// encoding: JSON may need six bytes for one, and names and metadata take the rest.
const maxSmall = frame.MaxRequest / 8

// checkLarge checks the size of a large request before it waits for a connection.
func (c *Client) checkLarge(r *frame.Request) error {
	size := len(r.Data.Text) + len(r.Data.Bytes)
	for name, value := range r.State {
		size += len(name) + len(value) + len(`"":"",`)
	}
	if size <= maxSmall {
		return nil
	}
	b := encode(c.opts.Protocol.codec(), r)
	defer b.free()
	return checkSize(b.b)
}

// retry waits before a refused request is sent again. It returns an error if a
// retry is useless or not allowed.
func (s *session) retry(ctx context.Context, r *request, f *frame.Failure) error {
	final := r.retries >= s.c.opts.MessageRetry.MaxRetries
	switch f.Name {
	case nameForbidden, nameBadRequest, nameNotFound:
		final = true
	case nameInternal: // of an event: its handler has failed or refused it
		final = final || r.Kind == frame.SendEvent
	}
	if final {
		return refusalOf(f, r.Kind, r.Name)
	}
	if r.retries++; r.backoff == nil {
		r.backoff = s.c.opts.MessageRetry.start()
	}
	return s.sleep(ctx, r.backoff.NextBackOff())
}
