package client

import (
	"context"
	"iter"
)

// GroupMessages returns an iterator over the group messages that arrive from now
// on. It ends with ctx, the client or the loop, and can be used once. While the
// loop body runs, up to [Options.QueueSize] messages or 16 MiB wait for it; after
// that the client stops reading. If the iterator is not used, end ctx.
func (c *Client) GroupMessages(ctx context.Context) iter.Seq[*GroupMessage] {
	return sequence(ctx, c, &c.onGroupMessage, func(m *GroupMessage) int { return m.Data.size() })
}

// ServerMessages is like [Client.GroupMessages] for messages to the client itself.
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
