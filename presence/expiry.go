package presence

import "time"

// expiring is a part of an element of an expiryHeap.
type expiring struct {
	until time.Time
	index int // in its heap
}

func (e *expiring) expiry() *expiring { return e }

// expiryHeap has the element that expires first at index 0.
type expiryHeap[T interface{ expiry() *expiring }] []T

func (h expiryHeap[T]) Len() int { return len(h) }

func (h expiryHeap[T]) Less(i, j int) bool { return h[i].expiry().until.Before(h[j].expiry().until) }

func (h expiryHeap[T]) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].expiry().index, h[j].expiry().index = i, j
}

// Push implements heap.Interface.
func (h *expiryHeap[T]) Push(x any) {
	e, _ := x.(T)
	e.expiry().index = len(*h)
	*h = append(*h, e)
}

// Pop implements heap.Interface.
func (h *expiryHeap[T]) Pop() any {
	last := len(*h) - 1
	e := (*h)[last]
	var zero T
	(*h)[last] = zero
	*h = (*h)[:last]
	return e
}
