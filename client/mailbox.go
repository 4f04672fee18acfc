package client

import "sync"

// mailbox takes what one goroutine puts in to one that takes it out, and has room
// for so many items and so many bytes of them, or for one that is larger.
type mailbox[T any] struct {
	max, maxBytes int
	size          func(T) int

	mu     sync.Mutex
	items  []T
	bytes  int
	closed bool // nothing comes any more
	left   bool // nobody takes any more
	err    error

	room, more chan struct{} // signals
}

func newMailbox[T any](most, mostBytes int, size func(T) int) *mailbox[T] {
	return &mailbox[T]{max: most, maxBytes: mostBytes, size: size, room: make(chan struct{}, 1), more: make(chan struct{}, 1)}
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// put waits for room. It reports false if the item is of no use any more.
func (m *mailbox[T]) put(v T, stop <-chan struct{}) bool {
	for {
		m.mu.Lock()
		useless, ok := m.closed || m.left, len(m.items) == 0 || len(m.items) < m.max && m.bytes < m.maxBytes
		if ok && !useless {
			m.items = append(m.items, v)
			m.bytes += m.size(v)
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
		case <-stop:
			return false
		}
	}
}

// get waits for an item. It reports false, and why, if there are no more.
func (m *mailbox[T]) get(stop <-chan struct{}) (v T, err error, ok bool) { //nolint:revive // the error is an item, too: the last
	for {
		m.mu.Lock()
		n, over := len(m.items), m.closed || m.left
		if n > 0 {
			var none T
			v, m.items[0] = m.items[0], none
			m.items = m.items[1:]
			m.bytes -= m.size(v)
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
	m.left, m.items, m.bytes = true, nil, 0
	m.mu.Unlock()
	signal(m.room)
}
