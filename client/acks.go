package client

import (
	"sync"

	"github.com/go-webpubsub/webpubsub/client/internal/frame"
)

// acks are the requests that wait for an ack. They stay while a connection is
// recovered: the ack of what was sent over one link may come over the next.
type acks struct {
	mu      sync.Mutex
	waiting map[uint64]*ackWait
	free    []*ackWait // to be used again
}

// ackWait is one of them.
type ackWait struct {
	answer chan ackAnswer
	done   func() // called when the request has been carried out, before messages that follow
}

// ackAnswer is what an ack says: nothing means success.
type ackAnswer struct {
	duplicate bool
	failure   *frame.Failure
}

// maxFreeWaits is how many are kept to be used again. They are the session's own,
// since a channel that is made in a bubble of testing/synctest has to stay there.
const maxFreeWaits = 64

// add begins to wait. It reports false if the id is waited for already.
func (a *acks) add(id uint64, done func()) (*ackWait, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, ok := a.waiting[id]; ok {
		return nil, false
	}
	if a.waiting == nil {
		a.waiting = make(map[uint64]*ackWait)
	}
	var w *ackWait
	if n := len(a.free); n > 0 {
		w, a.free = a.free[n-1], a.free[:n-1]
	} else {
		w = &ackWait{answer: make(chan ackAnswer, 1)}
	}
	w.done = done
	a.waiting[id] = w
	return w, true
}

func (a *acks) remove(id uint64, w *ackWait) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.waiting, id)
	select {
	case <-w.answer: // nobody has waited for it
	default:
	}
	if w.done = nil; len(a.free) < maxFreeWaits {
		a.free = append(a.free, w)
	}
}

func (a *acks) answer(f *frame.Frame) {
	out := ackAnswer{}
	if !f.Success {
		if out.failure = f.Failure; out.failure == nil {
			out.failure = new(frame.Failure)
		}
		if out.failure.Name == nameDuplicate { // done before, so it is done
			out = ackAnswer{duplicate: true}
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	w := a.waiting[f.AckID]
	if w == nil {
		return
	}
	if out.failure == nil && w.done != nil {
		w.done()
	}
	select {
	case w.answer <- out:
	default: // of two acks, the first counts
	}
}
