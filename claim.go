package webpubsub

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"
)

// storeTimeout limits each call of a DeduplicationStore.
const storeTimeout = 2 * time.Second

// handleOnce is handle for an event that may be a repeat.
func (h *Handler) handleOnce(ctx context.Context, ev Event, f *function, o *Outcome) answer {
	c := &claim{of: h.dedup, key: eventKey(ev.EventMeta(), o.EventKind), id: rand.Text()}
	state, data, err := c.begin(ctx)
	var stored answer
	if err == nil && state == ClaimDone {
		stored, err = restore(data)
	}
	switch {
	case errors.Is(err, errAnswerOmitted):
		o.Kind, o.Err = OutcomeRepeated, err
		return refusal(ev, judge(err))
	case err != nil:
		return h.handleUnclaimed(ctx, ev, f, o, err)
	case state == ClaimDone:
		o.Kind = OutcomeRepeated
		return stored
	case state == ClaimRunning:
		o.Kind = OutcomeRepeated
		return refusal(ev, judge(Unavailable("an earlier delivery of this event is still being handled")))
	}
	if state == ClaimAgain {
		ev.EventMeta().setRedelivered(ctx)
	}

	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stop := c.keep(ctx, cancel)
	settled := false
	defer func() { // a panic with http.ErrAbortHandler, or runtime.Goexit
		if !settled {
			stop()
			_ = c.abandon(ctx)
		}
	}()
	out := h.handle(ctx, ev, f, o)
	stop()
	settled = true
	if isRetried(out.code()) {
		o.StoreErr = c.abandon(ctx)
	} else {
		o.StoreErr = c.finish(ctx, &out)
	}
	return out
}

// handleUnclaimed handles an event, or refuses it, after the store has failed.
func (h *Handler) handleUnclaimed(ctx context.Context, ev Event, f *function, o *Outcome, err error) answer {
	if slices.Contains(h.dedup.ServeIfStoreFails, o.EventKind) {
		out := h.handle(ctx, ev, f, o)
		o.StoreErr = err
		return out
	}
	o.Kind, o.Reason, o.Err, o.StoreErr = OutcomeRefused, ReasonStore, err, err
	return refusal(ev, judge(Unavailable("it cannot be determined whether this event has been handled")))
}

// claim is the claim of one delivery on an event.
type claim struct {
	of      *Deduplication
	key, id string
}

func (c *claim) begin(ctx context.Context) (state ClaimState, data []byte, err error) {
	err = c.call(ctx, func(ctx context.Context) (err error) {
		state, data, err = c.of.Store.Begin(ctx, c.key, c.id, c.of.Lease)
		return err
	})
	if err == nil && (state < ClaimGranted || state > ClaimDone) {
		err = fmt.Errorf("%T.Begin returned the invalid state %d", c.of.Store, state)
	}
	return state, data, err
}

func (c *claim) finish(ctx context.Context, out *answer) error {
	data, tooLong := out.store(c.of.MaxAnswerBytes)
	err := c.call(ctx, func(ctx context.Context) error {
		return c.of.Store.Finish(ctx, c.key, c.id, data, c.of.TTL)
	})
	return errors.Join(tooLong, err)
}

func (c *claim) abandon(ctx context.Context) error {
	return c.call(ctx, func(ctx context.Context) error {
		return c.of.Store.Abandon(ctx, c.key, c.id, c.of.TTL)
	})
}

// keep renews the claim until stop is called. If the claim is lost, keep cancels the
// function's context. stop waits for a renewal that is under way: if it reached the store
// after Abandon, it would claim the event again.
func (c *claim) keep(ctx context.Context, cancel context.CancelCauseFunc) (stop func()) {
	stopped, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		ticker := time.NewTicker(c.of.Lease / 3)
		defer ticker.Stop()
		for {
			select {
			case <-stopped:
				return
			case <-ticker.C:
			}
			state, _, err := c.begin(ctx)
			if err == nil && (state == ClaimRunning || state == ClaimDone) {
				cancel(ErrClaimLost)
				return
			}
		}
	}()
	return func() {
		close(stopped)
		<-ended
	}
}

// call calls the store with a time limit. A panic is an error. The call does not end with
// its request: if Begin were interrupted, its claim could keep the next deliveries out.
func (c *claim) call(ctx context.Context, f func(context.Context) error) (err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
	defer cancel()
	returned := false
	defer func() {
		if v := recover(); !returned {
			err = panicked(v)
		}
	}()
	err = f(ctx)
	returned = true
	return err
}
