package hub

import (
	"context"
	"sync"
)

// maxWaiting is the length of a client's queue of requests.
const maxWaiting = 64

// Turnstile runs functions one after the other. It has a goroutine only while there are
// any. The zero Turnstile is ready to use.
type Turnstile struct {
	mu      sync.Mutex
	waiting []func()
	running bool
	room    chan struct{} // an element for each function that has not returned
}

// Enter queues a function and waits while the queue is full. It reports false if ctx
// ends first, or if start reports false. start runs a function in a goroutine.
func (t *Turnstile) Enter(ctx context.Context, start func(func()) bool, f func()) bool {
	t.mu.Lock()
	if t.room == nil {
		t.room = make(chan struct{}, maxWaiting)
	}
	room := t.room
	t.mu.Unlock()
	select {
	case room <- struct{}{}:
	case <-ctx.Done():
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.running {
		if !start(t.turn) {
			<-room
			return false
		}
		t.running = true
	}
	t.waiting = append(t.waiting, f)
	return true
}

func (t *Turnstile) turn() {
	for {
		t.mu.Lock()
		if len(t.waiting) == 0 {
			t.running = false
			t.mu.Unlock()
			return
		}
		f := t.waiting[0]
		t.waiting = t.waiting[1:]
		t.mu.Unlock()
		f()
		<-t.room
	}
}
