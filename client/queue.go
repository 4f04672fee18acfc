package client

import (
	"sync"
	"sync/atomic"
	"time"
)

const (
	// maxQueueBytes is how much may wait, beside [Options.QueueSize].
	maxQueueBytes = 16 << 20
	// queueGrace is how long nothing may be taken from a queue that is full before
	// those who wait for an answer behind it are told.
	queueGrace = 10 * time.Second
)

// item is what waits for the dispatcher: a message or a call.
type item struct {
	group  *GroupMessage
	server *ServerMessage
	err    error // about a frame that took the place of a message
	call   func()
	ready  <-chan struct{} // what the call waits for
	size   int
}

func (it *item) isMessage() bool { return it.call == nil }

// queue stands between the goroutine that reads and the one that dispatches. When
// it is full, the reader waits: the service is held back, and messages with it,
// but also answers. So while an operation waits for an answer, there is room for
// as much again; and if even that is full and nothing is taken any more, because
// callbacks themselves wait for the answer, the operations are told.
type queue struct {
	max   int
	waits waits

	count  atomic.Int64 // messages that wait
	bytes  atomic.Int64
	taken  atomic.Uint64 // items, ever
	paused atomic.Bool   // the reader waits
	jammed chan struct{} // signals that it begins to

	mu      sync.Mutex
	room    sync.Cond
	work    sync.Cond
	items   []item
	late    bool // the grace is over
	closed  bool
	stopped atomic.Bool // messages are of no use any more

	batch, rest []item // the dispatcher's own
}

func newQueue(size int) *queue {
	q := &queue{max: size, jammed: make(chan struct{}, 1)}
	q.room.L, q.work.L = &q.mu, &q.mu
	q.waits.wake = q.wake
	return q
}

// push queues a message once there is room. It reports false if messages are of
// no use any more.
func (q *queue) push(it item) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.full(q.max) {
		q.waitLocked()
	}
	if q.stopped.Load() {
		return false
	}
	q.count.Add(1)
	q.bytes.Add(int64(it.size))
	q.addLocked(it)
	return true
}

// call queues what is no message, without waiting.
func (q *queue) call(f func(), ready <-chan struct{}) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.addLocked(item{call: f, ready: ready})
}

func (q *queue) addLocked(it item) {
	q.items = append(q.items, it)
	if len(q.items) == 1 {
		q.work.Signal()
	}
}

// full tells whether the queue holds so many messages, or too many bytes, both
// twice while an operation waits for an answer.
func (q *queue) full(most int) bool {
	size := int64(maxQueueBytes)
	if q.waits.any() {
		most, size = 2*most, 2*size
	}
	return q.count.Load() >= int64(most) || q.bytes.Load() >= size
}

// waitLocked waits until the queue is half empty, or there is room because an
// operation waits.
func (q *queue) waitLocked() {
	q.paused.Store(true)
	signal(q.jammed)
	defer q.paused.Store(false)
	var grace *time.Timer
	defer func() {
		if grace != nil {
			grace.Stop()
		}
	}()
	var before uint64
	for !q.stopped.Load() && q.full(max(1, q.max/2)) && (!q.waits.any() || q.full(q.max)) {
		if q.waits.any() && grace == nil {
			before, q.late = q.taken.Load(), false
			grace = time.AfterFunc(queueGrace, func() {
				q.mu.Lock()
				defer q.mu.Unlock()
				q.late = true
				q.room.Signal()
			})
		}
		q.room.Wait()
		if q.late && grace != nil {
			if q.late, grace = false, nil; q.taken.Load() == before {
				q.waits.expire()
			}
		}
	}
}

// wake makes the reader look again whether there is room.
func (q *queue) wake() {
	if q.paused.Load() {
		q.mu.Lock()
		q.room.Signal()
		q.mu.Unlock()
	}
}

// next gives the dispatcher its next item, and false when there are no more.
func (q *queue) next() (item, bool) {
	for {
		if len(q.rest) == 0 && !q.refill() {
			return item{}, false
		}
		it := q.rest[0]
		q.rest[0] = item{}
		q.rest = q.rest[1:]
		q.taken.Add(1)
		if it.isMessage() {
			q.count.Add(-1)
			q.bytes.Add(-int64(it.size))
			if q.paused.Load() && !q.full(max(1, q.max/2)) {
				q.wake()
			}
			if q.stopped.Load() {
				continue
			}
		}
		return it, true
	}
}

func (q *queue) refill() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.items) == 0 {
		if q.closed {
			return false
		}
		q.work.Wait()
	}
	q.batch, q.items = q.items, q.batch[:0]
	q.rest = q.batch
	return true
}

// await waits for what a call waits for; not any longer when the reader waits for
// room, since what ends the wait may come only after what there is no room for.
func (q *queue) await(ready <-chan struct{}) {
	for {
		select {
		case <-ready:
			return
		case <-q.jammed:
			if q.paused.Load() {
				return
			}
		}
	}
}

// stop drops the messages that wait, and all that come.
func (q *queue) stop() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.stopped.Store(true)
	q.room.Signal()
}

// close lets the dispatcher end after what is queued.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.work.Signal()
}

// waits are the operations that wait for an answer of the service.
type waits struct {
	n    atomic.Int64
	wake func() // called when there is one more

	mu   sync.Mutex
	over chan struct{} // closed to tell those who wait now that no answer will come
}

// begin is called before an operation waits, end after it.
func (w *waits) begin() (over <-chan struct{}) {
	w.mu.Lock()
	if w.over == nil {
		w.over = make(chan struct{})
	}
	over = w.over
	w.mu.Unlock()
	w.n.Add(1)
	w.wake()
	return over
}

func (w *waits) end() { w.n.Add(-1) }

func (w *waits) any() bool { return w.n.Load() > 0 }

func (w *waits) expire() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.over != nil {
		close(w.over)
		w.over = nil
	}
}
