package prove

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-webpubsub/webpubsub/examples/chat/replicas/stack"
)

// crowd is all clients.
type crowd struct {
	options
	clients  []*client
	progress func(said int)
	said     atomic.Int64 // messages that were acknowledged, or have failed

	mu     sync.Mutex
	told   map[string]bool // texts of messages, and whether they were acknowledged
	failed []error         // of messages, the first ones
}

// parallel is how many clients connect at the same time.
const parallel = 32

// connectAll connects all clients. If it fails, some are connected.
func connectAll(ctx context.Context, s *stack.Stack, o options) (*crowd, error) {
	c := &crowd{options: o, told: make(map[string]bool)}
	for i := range o.clients {
		c.clients = append(c.clients, &client{
			number: i, url: s.URL, room: fmt.Sprintf("room%d", i%o.rooms), heard: make(map[string]struct{}),
		})
	}
	slots := make(chan struct{}, parallel)
	return c, c.each(func(cl *client) error {
		slots <- struct{}{}
		defer func() { <-slots }()
		return cl.enter(ctx)
	})
}

// each calls f for all clients at the same time.
func (c *crowd) each(f func(*client) error) error {
	failed := make([]error, len(c.clients))
	var all sync.WaitGroup
	for i, cl := range c.clients {
		all.Go(func() { failed[i] = f(cl) })
	}
	all.Wait()
	return errors.Join(failed...)
}

// talk sends all messages, each client one after the other. A tenth of the clients
// reconnect on the way.
func (c *crowd) talk(ctx context.Context) error {
	return c.each(func(cl *client) error {
		n := c.messages / len(c.clients)
		if cl.number < c.messages%len(c.clients) {
			n++
		}
		for i := range n {
			if cl.number%10 == 0 && i == n/2 && i > 0 {
				cl.close()
				if err := cl.enter(ctx); err != nil {
					return err
				}
			}
			text := fmt.Sprintf("%d of client %d", i, cl.number)
			err := cl.raise(ctx, "say", map[string]string{"room": cl.room, "text": text})
			if err != nil && !errors.Is(err, errRefused) {
				return fmt.Errorf("client %d: %w", cl.number, err)
			}
			c.note(text, err)
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(c.pause):
			}
		}
		return nil
	})
}

const maxErrors = 5

func (c *crowd) note(text string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n := c.said.Add(1); n%int64(max(1, c.messages/10)) == 0 {
		c.progress(int(n))
	}
	c.told[text] = err == nil
	if err != nil && len(c.failed) < maxErrors {
		c.failed = append(c.failed, err)
	}
}

// leave disconnects a tenth of the clients.
func (c *crowd) leave() {
	_ = c.each(func(cl *client) error {
		if cl.number%10 == 1 {
			cl.close()
		}
		return nil
	})
}

func (c *crowd) close() {
	_ = c.each(func(cl *client) error {
		cl.close()
		return nil
	})
}
