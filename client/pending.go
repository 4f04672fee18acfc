package client

import "sync"

// maxFreeWaiters is the number of waiters that are kept to be used again.
const maxFreeWaiters = 64

// pending are the requests that wait for an answer, by their id. The zero value is
// ready for use. It belongs to a session: requests stay in it while the connection
// is recovered, and their answers may come over the next socket.
type pending[K comparable, A any] struct {
	mu   sync.Mutex
	byID map[K]*waiter[A]
	free []*waiter[A]
}

// waiter is one of the requests.
type waiter[A any] struct {
	answer chan A // holds the first answer
	done   func() // called when the request has succeeded, before later frames are handled; may be nil
}

// add begins to wait. It returns nil if the id is in use.
func (p *pending[K, A]) add(id K, done func()) *waiter[A] {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.byID[id] != nil {
		return nil
	}
	if p.byID == nil {
		p.byID = make(map[K]*waiter[A])
	}
	var w *waiter[A]
	if n := len(p.free); n > 0 {
		w, p.free = p.free[n-1], p.free[:n-1]
	} else {
		w = &waiter[A]{answer: make(chan A, 1)}
	}
	w.done = done
	p.byID[id] = w
	return w
}

// remove ends the wait.
func (p *pending[K, A]) remove(id K, w *waiter[A]) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.byID, id)
	select {
	case <-w.answer: // not received
	default:
	}
	if w.done = nil; len(p.free) < maxFreeWaiters {
		p.free = append(p.free, w)
	}
}

// answer passes an answer to the request of the id, if there is one.
func (p *pending[K, A]) answer(id K, answer A, success bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	w := p.byID[id]
	if w == nil {
		return
	}
	if success && w.done != nil {
		w.done()
	}
	select {
	case w.answer <- answer:
	default: // a second answer
	}
}
