//go:build linux

package main

import (
	"context"
	"errors"
	"sync"

	"github.com/go-webpubsub/webpubsub/client"
)

// whole is a peer that uses package client with its defaults.
type whole struct {
	address string
	sending *client.Client
	got     *tally
}

func newWhole(address string) *whole { return &whole{address: address, got: newTally()} }

func (w *whole) jobs() map[string]job {
	return map[string]job{"open": w.open, "listen": w.listen, "receive": w.got.wait, "forget": w.forget, "ack": w.ack}
}

func (w *whole) start(ctx context.Context, prepare func(*client.Client)) (*client.Client, error) {
	c, err := client.New(client.StaticURL(w.address), nil)
	if err != nil {
		return nil, err
	}
	prepare(c)
	return c, c.Start(ctx)
}

func (w *whole) open(ctx context.Context, numbers []int) error {
	for range numbers[0] {
		if _, err := w.start(ctx, func(*client.Client) {}); err != nil {
			return err
		}
	}
	return nil
}

func (w *whole) listen(ctx context.Context, _ []int) error {
	_, err := w.start(ctx, func(c *client.Client) {
		c.OnGroupMessage(func(_ context.Context, m *client.GroupMessage) { w.got.add(m.Data.String()) })
	})
	return err
}

func (w *whole) sender(ctx context.Context) (c *client.Client, err error) {
	if w.sending == nil {
		w.sending, err = w.start(ctx, func(*client.Client) {})
	}
	return w.sending, err
}

func (w *whole) forget(ctx context.Context, numbers []int) error {
	c, err := w.sender(ctx)
	for n := 0; err == nil && n < numbers[0]; n++ {
		_, err = c.SendToGroup(ctx, sinkGroup, client.RawJSON([]byte(messageBody)), &client.SendOptions{FireAndForget: true})
	}
	return err
}

func (w *whole) ack(ctx context.Context, numbers []int) error {
	all, together := numbers[0], numbers[1]
	c, err := w.sender(ctx)
	if err != nil {
		return err
	}
	failed := make([]error, together)
	send := func(i int) {
		for n := 0; failed[i] == nil && n < all/together; n++ {
			_, failed[i] = c.SendToGroup(ctx, sinkGroup, client.RawJSON([]byte(messageBody)), nil)
		}
	}
	if together == 1 {
		send(0)
		return failed[0]
	}
	var senders sync.WaitGroup
	for i := range together {
		senders.Go(func() { send(i) })
	}
	senders.Wait()
	return errors.Join(failed...)
}
