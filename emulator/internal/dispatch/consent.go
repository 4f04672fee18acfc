package dispatch

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/go-webpubsub/webpubsub/emulator/internal/trace"
	"github.com/go-webpubsub/webpubsub/internal/upstream"
)

const (
	// consentAge is the age at which consent is renewed.
	consentAge = time.Minute
	// firstPause and longestPause limit the time after which a handler that has refused
	// is validated again. A handler that did not answer is validated after firstPause.
	firstPause, longestPause = time.Second, time.Minute
)

// consent is the state of the abuse protection of a URL.
type consent struct {
	url    string           // of the validation request
	sender *upstream.Sender // of the events

	mu      sync.Mutex
	err     error // of the last answer
	asked   bool
	next    time.Time // when to ask again
	pause   time.Duration
	running chan struct{} // closed when the pending request has ended; nil: none
}

// consent returns nil if events may be sent to the URL. It validates the URL if
// necessary, and waits for the answer unless it only renews consent.
func (d *Dispatcher) consent(ctx context.Context, c *consent) error {
	c.mu.Lock()
	if c.running == nil && (!c.asked || !d.cfg.Clock.Now().Before(c.next)) {
		done := make(chan struct{})
		c.running = done
		started := d.background(func() {
			defer close(done)
			d.ask(c)
		})
		if !started {
			c.running = nil
			c.mu.Unlock()
			return context.Canceled
		}
	}
	running, consented, err := c.running, c.asked && c.err == nil, c.err
	c.mu.Unlock()
	if running == nil || consented {
		return err
	}
	select {
	case <-running:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// ask validates the URL and stores the result.
func (d *Dispatcher) ask(c *consent) {
	err := d.validate(d.ctx, c)
	out := trace.Validation{URL: upstream.WithoutSecrets(c.url), Again: c.settle(err, d.cfg.Clock.Now())}
	if d.ctx.Err() != nil {
		return // the emulator stops: no result
	}
	if err != nil {
		out.Reason = err.Error()
	}
	trace.Emit(d.ctx, d.cfg.Trace, out)
}

// settle stores a result and returns the time until the next request.
func (c *consent) settle(err error, now time.Time) (again time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.running, c.err, c.asked = nil, err, true
	switch {
	case err == nil:
		c.pause, again = 0, consentAge
	case refused(err):
		c.pause = min(max(2*c.pause, firstPause), longestPause)
		again = c.pause
	default:
		again = firstPause
	}
	c.next = now.Add(again)
	return again
}

// refused reports whether the handler itself has refused. A status that is retried may
// be that of a proxy whose handler is down.
func refused(err error) bool {
	var no *upstream.NoConsentError
	return errors.As(err, &no) && !upstream.Retried(no.Status)
}

// validate sends the validation request. It has no token, whatever the auth type of the
// event handlers: the documentation does not say that the service sends one there. If it
// does, add route.authorize here, and to the key under which routes share a consent.
func (d *Dispatcher) validate(ctx context.Context, c *consent) error {
	req, err := upstream.NewValidation(ctx, c.url, d.cfg.Origins)
	if err != nil {
		return err
	}
	sender := c.sender
	if sender == d.remote {
		sender = d.asking
	}
	return sender.Validate(ctx, req, d.cfg.Origins)
}

// usable reports whether the URL has not been refused.
func (c *consent) usable() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err == nil
}
