package client

import "sync"

// mailbox takes what one goroutine puts in to one that takes it out, and has room
// for so many items and so many bytes of them, or for one that is larger. An item
// counts until the next one is asked for.
type mailbox[T any] struct {
	max, maxBytes int
	size          func(T) int
	shared        *budget // of several mailboxes

	mu     sync.Mutex
	items  []T
	bytes  int
	hand   int  // bytes of the item that was taken last
	closed bool // nothing comes any more
	left   bool // nobody takes any more
	err    error

	room, more chan struct{} // signals
}

func newMailbox[T any](most, mostBytes int, shared *budget, size func(T) int) *mailbox[T] {
	return &mailbox[T]{max: most, maxBytes: mostBytes, shared: shared, size: size, room: make(chan struct{}, 1), more: make(chan struct{}, 1)}
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// put waits for room. It reports false if the item is of no use any more.
func (m *mailbox[T]) put(v T, stop <-chan struct{}) bool {
	size := m.size(v)
	for {
		m.mu.Lock()
		useless := m.closed || m.left
		ok := !useless && (len(m.items) == 0 || len(m.items) < m.max && m.bytes < m.maxBytes) && m.shared.take(size)
		if ok {
			m.items = append(m.items, v)
			m.bytes += size
		}
		m.mu.Unlock()
		switch {
		case useless:
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

// get waits for an item. It reports false, and why, if there are no more.
func (m *mailbox[T]) get(stop <-chan struct{}) (v T, err error, ok bool) { //nolint:revive // the error is an item, too: the last
	m.mu.Lock()
	m.freeLocked(m.hand)
	m.hand = 0
	m.mu.Unlock()
	for {
		m.mu.Lock()
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
		m.shared.give(bytes)
		signal(m.room)
	}
}

// close ends it after what is in it.
func (m *mailbox[T]) close(err error) {
	m.mu.Lock()
	if !m.closed {
		m.closed, m.err = true, err
	}
	m.mu.Unlock()
	signal(m.more)
	signal(m.room)
}

// leave drops all that is and comes in.
func (m *mailbox[T]) leave() {
	m.mu.Lock()
	m.left, m.items, m.hand = true, nil, 0
	m.freeLocked(m.bytes)
	m.mu.Unlock()
	signal(m.room)
}

// budget is how many bytes several mailboxes have together. One goroutine puts
// into them.
type budget struct {
	max  int
	room chan struct{} // signals

	mu   sync.Mutex
	used int
}

func newBudget(most int) *budget { return &budget{max: most, room: make(chan struct{}, 1)} }

// take reports whether there is room, and takes it. There is always room for one
// item, however large.
func (b *budget) take(size int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.used > 0 && b.used+size > b.max {
		return false
	}
	b.used += size
	return true
}

func (b *budget) give(size int) {
	b.mu.Lock()
	b.used -= size
	b.mu.Unlock()
	signal(b.room)
}
