package client

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
)

// callbacks are those registered for an event. The zero value is ready for use.
type callbacks[F any] struct {
	mu   sync.Mutex
	list atomic.Pointer[[]*callback[F]] // copied on each change and read without the lock
}

type callback[F any] struct {
	f       F
	removed atomic.Bool
}

// handler is a callback for events or messages of one type.
type handler[T any] func(context.Context, T)

// add registers a callback and returns the function that removes it.
func (c *callbacks[F]) add(f F) (remove func()) {
	added := &callback[F]{f: f}
	c.change(func(list []*callback[F]) []*callback[F] { return append(list, added) })
	return func() {
		if !added.removed.Swap(true) {
			c.change(func(list []*callback[F]) []*callback[F] {
				return slices.DeleteFunc(list, func(x *callback[F]) bool { return x == added })
			})
		}
	}
}

func (c *callbacks[F]) change(f func([]*callback[F]) []*callback[F]) {
	c.mu.Lock()
	defer c.mu.Unlock()
	list := f(slices.Clone(c.all()))
	c.list.Store(&list)
}

func (c *callbacks[F]) all() []*callback[F] {
	if list := c.list.Load(); list != nil {
		return *list
	}
	return nil
}
