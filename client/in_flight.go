package client

import (
	"container/list"
	"context"
	"sync"
)

// window limits the requests that wait for an ack. The service remembers the last
// 1000 requests of a connection that it has carried out, to recognize those that it
// receives again.
//
// Places are numbered in the order in which requests begin. A place is taken only
// if its number is less than size above that of the oldest place still held. So a
// request is under way with at most size-1 earlier and size-1 later requests, and
// the service remembers it if size is at most 500. A limit on their number would not
// be enough: after a recovery, many new requests could overtake a request that has
// not been sent again.
type window struct {
	size uint64

	mu           sync.Mutex
	oldest, next uint64    // places from oldest up to next are held or left
	left         []bool    // by place modulo size; false for all others
	waiting      list.List // of chan uint64, which receive a place
}

func newWindow(size int) *window {
	return &window{size: uint64(size), left: make([]bool, size)} //nolint:gosec // checked to be positive
}

// enter takes a place. It waits until there is one, the context ends, the session
// stops, or the queue is stuck.
func (w *window) enter(ctx context.Context, stuck, closing <-chan struct{}) (place uint64, err error) {
	w.mu.Lock()
	if w.waiting.Len() == 0 && w.next-w.oldest < w.size {
		place = w.next
		w.next++
		w.mu.Unlock()
		return place, nil
	}
	turn := make(chan uint64, 1)
	e := w.waiting.PushBack(turn)
	w.mu.Unlock()
	if place, err = await(ctx, turn, nil, stuck, closing); err == nil {
		return place, nil
	}
	w.mu.Lock()
	w.waiting.Remove(e)
	w.mu.Unlock()
	select {
	case place = <-turn: // it arrived at the same time
		return place, nil
	default:
		return 0, err
	}
}

// leave releases a place.
func (w *window) leave(place uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.left[place%w.size] = true
	for w.oldest < w.next && w.left[w.oldest%w.size] {
		w.left[w.oldest%w.size] = false
		w.oldest++
	}
	for e := w.waiting.Front(); e != nil && w.next-w.oldest < w.size; e = w.waiting.Front() {
		turn, _ := w.waiting.Remove(e).(chan uint64)
		turn <- w.next
		w.next++
	}
}
