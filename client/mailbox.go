package client

import "sync"

// mailbox passes items from one goroutine to another. Its limits are a number of
// items and a number of bytes; a larger item fits if it is alone. An item counts
// until the next one is taken.
type mailbox[T any] struct {
	max, maxBytes int
	size          func(T) int
	shared        *budget

	mu     sync.Mutex
	items  []T
	bytes  int
	hand   int  // bytes of the item taken last
	closed bool // no more items are put
	left   bool // no more items are taken
	err    error

	room, more chan struct{} // signals
}

func newMailbox[T any](most, mostBytes int, shared *budget, size func(T) int) *mailbox[T] {
	return &mailbox[T]{max: most, maxBytes: mostBytes, shared: shared, size: size, room: make(chan struct{}, 1), more: make(chan struct{}, 1)}
}

// signal sends on a channel of capacity 1, unless a signal is already there.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// isClosed reports whether c is closed.
func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// put waits for room. It reports false if the mailbox is closed or stop is.
func (m *mailbox[T]) put(v T, stop <-chan struct{}) bool {
	size := m.size(v)
	for {
		m.mu.Lock()
		over := m.closed || m.left
		ok := !over && (len(m.items) == 0 || len(m.items) < m.max && m.bytes < m.maxBytes) && m.shared.take(size)
		if ok {
			m.items = append(m.items, v)
			m.bytes += size
		}
		m.mu.Unlock()
		switch {
		case over:
			return false
		case ok:
			signal(m.more)
			return true
		}
		select {
		case <-m.room:
		case <-m.shared.room:
		case <-stop:
			return false
		}
	}
}

// get waits for an item. It reports false when there are no more, with the reason.
func (m *mailbox[T]) get(stop <-chan struct{}) (v T, err error, ok bool) { //nolint:revive // the error is the last item
	for {
		m.mu.Lock()
		m.freeLocked(m.hand)
		m.hand = 0
		n, over := len(m.items), m.closed || m.left
		if n > 0 {
			var none T
			v, m.items[0] = m.items[0], none
			m.items = m.items[1:]
			m.hand = m.size(v)
		}
		err := m.err
		m.mu.Unlock()
		switch {
		case n > 0:
			signal(m.room)
			return v, nil, true
		case over:
			return v, err, false
		}
		select {
		case <-m.more:
		case <-stop:
			return v, nil, false
		}
	}
}

func (m *mailbox[T]) freeLocked(bytes int) {
	if bytes > 0 {
		m.bytes -= bytes
		m.shared.release(bytes)
		signal(m.room)
	}
}

// close ends the mailbox after the items in it.
func (m *mailbox[T]) close(err error) {
	m.mu.Lock()
	if !m.closed {
		m.closed, m.err = true, err
	}
	m.mu.Unlock()
	signal(m.more)
	signal(m.room)
}

// leave drops all items, also those that arrive later.
func (m *mailbox[T]) leave() {
	m.mu.Lock()
	m.left, m.items, m.hand = true, nil, 0
	m.freeLocked(m.bytes)
	m.mu.Unlock()
	signal(m.room)
}

// budget is the number of bytes that mailboxes share. One goroutine fills them.
type budget struct {
	max  int
	room chan struct{} // signals

	mu   sync.Mutex
	used int
}

func newBudget(most int) *budget { return &budget{max: most, room: make(chan struct{}, 1)} }

// take reports whether there is room, and takes it. One item always fits.
func (b *budget) take(size int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.used > 0 && b.used+size > b.max {
		return false
	}
	b.used += size
	return true
}

func (b *budget) release(size int) {
	b.mu.Lock()
	b.used -= size
	b.mu.Unlock()
	signal(b.room)
}
