package client

import (
	"context"
	"iter"
)

// GroupMessages gives the messages to groups that come from the call on, until the
// context ends or the client stops. It can be ranged over once, and leaving the
// loop ends it. What comes while the loop's body runs waits, as many as
// [Options.QueueSize]; then the client is held back. So an iterator that nobody
// ranges over has to have its context ended.
func (c *Client) GroupMessages(ctx context.Context) iter.Seq[*GroupMessage] {
	return sequence(ctx, c, &c.onGroupMessage)
}

// ServerMessages is [Client.GroupMessages] for messages to the client itself.
func (c *Client) ServerMessages(ctx context.Context) iter.Seq[*ServerMessage] {
	return sequence(ctx, c, &c.onServerMessage)
}

func sequence[T any](ctx context.Context, c *Client, h *hooks[T]) iter.Seq[T] {
	box := newMailbox[T](c.opts.QueueSize)
	removeMessages := h.add(func(callback context.Context, m T) { box.put(m, callback.Done()) })
	removeStopped := c.onStopped.add(func(context.Context, Stopped) { box.close(nil) })
	end := func() {
		removeMessages()
		removeStopped()
		box.leave()
	}
	untie := context.AfterFunc(ctx, end)
	return func(yield func(T) bool) {
		defer end()
		defer untie()
		for ctx.Err() == nil {
			m, _, ok := box.get(ctx.Done())
			if !ok || !yield(m) {
				return
			}
		}
	}
}
