package client

import "sync"

// mailbox takes what one goroutine puts in to one that takes it out, and has
// bounded room.
type mailbox[T any] struct {
	max int

	mu     sync.Mutex
	items  []T
	closed bool // nothing comes any more
	left   bool // nobody takes any more
	err    error

	room, more chan struct{} // signals
}

func newMailbox[T any](size int) *mailbox[T] {
	return &mailbox[T]{max: size, room: make(chan struct{}, 1), more: make(chan struct{}, 1)}
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
		useless, ok := m.closed || m.left, len(m.items) < m.max
		if ok && !useless {
			m.items = append(m.items, v)
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
	m.left, m.items = true, nil
	m.mu.Unlock()
	signal(m.room)
}
