package client

import (
	"context"
	"iter"
)

// GroupMessages gives the messages to groups that come from the call on, until the
// context ends or the client stops. It can be ranged over once, and leaving the
// loop ends it. What comes while the loop's body runs waits, as many as
// [Options.QueueSize] and 16 MiB of them; then the client is held back. So an
// iterator that nobody ranges over has to have its context ended.
func (c *Client) GroupMessages(ctx context.Context) iter.Seq[*GroupMessage] {
	return sequence(ctx, c, &c.onGroupMessage, func(m *GroupMessage) int { return m.Data.size() })
}

// ServerMessages is [Client.GroupMessages] for messages to the client itself.
func (c *Client) ServerMessages(ctx context.Context) iter.Seq[*ServerMessage] {
	return sequence(ctx, c, &c.onServerMessage, func(m *ServerMessage) int { return m.Data.size() })
}

func sequence[T any](ctx context.Context, c *Client, list *callbacks[handler[T]], size func(T) int) iter.Seq[T] {
	box := newMailbox(c.opts.QueueSize, maxQueueBytes, newBudget(maxQueueBytes), size)
	removeMessages := list.add(func(callback context.Context, m T) { box.put(m, callback.Done()) })
	removeStopped := c.onStopped.add(func(context.Context, StoppedEvent) { box.close(nil) })
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
