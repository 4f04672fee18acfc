package dispatch

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/go-webpubsub/webpubsub/emulator/internal/hub"
)

const (
	// consentAge is how long consent counts before it is asked for again.
	consentAge = time.Minute
	// First and longest pause before a refused consent is asked for again.
	firstPause, longestPause = time.Second, time.Minute
)

// consents remembers for each place whether events may be sent there.
type consents struct {
	clock    hub.Clock
	validate func(ctx context.Context, at place) error
	// start runs a function with a context that ends when the emulator does; it
	// reports false if that has ended already.
	start func(func(context.Context)) bool

	mu      sync.Mutex
	entries map[place]*consent
}

type consent struct {
	mu      sync.Mutex
	err     error // of the last answer
	asked   bool
	next    time.Time // when to ask again
	pause   time.Duration
	running chan struct{} // open while an answer is on its way
}

func newConsents(clock hub.Clock, validate func(context.Context, place) error, start func(func(context.Context)) bool) *consents {
	return &consents{clock: clock, validate: validate, start: start, entries: make(map[place]*consent)}
}

// get gives the verdict of a place: nil is consent. Whoever asks first waits for
// the answer, and so does everybody who asks meanwhile; an old consent counts
// while a new one is asked for.
func (s *consents) get(ctx context.Context, at place) error {
	s.mu.Lock()
	c := s.entries[at]
	if c == nil {
		c = new(consent)
		s.entries[at] = c
	}
	s.mu.Unlock()

	c.mu.Lock()
	if c.running == nil && (!c.asked || !s.clock.Now().Before(c.next)) {
		done := make(chan struct{})
		c.running = done
		ok := s.start(func(ctx context.Context) {
			s.settle(c, s.validate(ctx, at))
			close(done)
		})
		if !ok {
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

// settle notes an answer and when to ask again.
func (s *consents) settle(c *consent, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if errors.Is(err, context.Canceled) {
		c.running = nil
		c.err = err
		return // the emulator stops; nothing has been learned
	}
	c.asked, c.err, c.running = true, err, nil
	if err == nil {
		c.pause = 0
		c.next = s.clock.Now().Add(consentAge)
		return
	}
	c.pause = min(max(2*c.pause, firstPause), longestPause)
	c.next = s.clock.Now().Add(c.pause)
}
