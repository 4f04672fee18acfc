package dispatch

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/go-webpubsub/webpubsub/internal/upstream"
)

const (
	// consentAge is how long consent counts before it is asked for again.
	consentAge = time.Minute
	// First and longest pause before a handler that has refused is asked again. One
	// that did not answer is asked by the next event after the first pause: only an
	// answer shows that it is back.
	firstPause, longestPause = time.Second, time.Minute
)

// consent is the verdict of a handler on a URL: whether events may be sent there.
type consent struct {
	url    string           // of the validation request
	sender *upstream.Sender // of the events

	mu      sync.Mutex
	err     error // of the last answer
	asked   bool
	next    time.Time // when to ask again
	pause   time.Duration
	running chan struct{} // open while an answer is on its way
}

// consent returns the verdict of a handler: nil is consent. Whoever asks first waits
// for the answer, and so does everybody who asks meanwhile; an old consent counts
// while a new one is asked for.
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

// ask sends a validation request, and notes the answer and when to ask again.
func (d *Dispatcher) ask(c *consent) {
	err := d.validate(d.ctx, c)
	if d.ctx.Err() != nil {
		c.settle(err, time.Time{}, false) // the emulator stops; nothing has been learned
		return
	}
	url := slog.String("url", upstream.WithoutSecrets(c.url))
	if again := c.settle(err, d.cfg.Clock.Now(), true); err != nil {
		d.cfg.Logger.LogAttrs(d.ctx, slog.LevelWarn, "validation failed", url,
			slog.String("reason", err.Error()), slog.Duration("again", again))
		return
	}
	d.cfg.Logger.LogAttrs(d.ctx, slog.LevelInfo, "validation passed", url)
}

// settle notes an answer, if it is one, and returns when to ask again.
func (c *consent) settle(err error, now time.Time, asked bool) (again time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.running, c.err = nil, err
	if !asked {
		return 0
	}
	switch {
	case err == nil:
		c.pause, again = 0, consentAge
	case refused(err):
		c.pause = min(max(2*c.pause, firstPause), longestPause)
		again = c.pause
	default:
		again = firstPause
	}
	c.asked, c.next = true, now.Add(again)
	return again
}

// refused reports whether the handler itself has refused. A status that is retried
// is that of a handler, or of a proxy before it, that does not work.
func refused(err error) bool {
	var no *upstream.NoConsentError
	return errors.As(err, &no) && !upstream.Retried(no.Status)
}

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

// usable reports whether the verdict, if there is one, is consent.
func (c *consent) usable() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err == nil
}
