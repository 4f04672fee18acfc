package hub

import (
	"context"
	"sync"
)

// maxWaiting requests of one client wait for their turn before the client is not
// read any more.
const maxWaiting = 64

// Turnstile runs functions one after the other, in a goroutine that is there
// only while there are any. The zero Turnstile is ready for use.
type Turnstile struct {
	mu      sync.Mutex
	waiting []func()
	running bool
	room    chan struct{} // has an element for each function that is not done
}

// Enter queues a function. It waits while too many are queued, until the context
// ends: then, or if start cannot, it reports false. start runs a function in a
// goroutine.
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
