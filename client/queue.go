package client

import (
	"sync"
	"sync/atomic"
	"time"
)

const (
	// maxQueueBytes limits the waiting messages in addition to [Options.QueueSize].
	maxQueueBytes = 16 << 20
	// queueGrace is the time without progress after which a full queue is stuck.
	queueGrace = 10 * time.Second
)

// item is a message, an error or a call that waits for the dispatcher.
type item struct {
	group  *GroupMessage
	server *ServerMessage
	states *groupStateFrame
	err    error // of an invalid frame
	call   func()
	size   int
	since  time.Duration // when it was received, since the dispatcher began; 0 unless it is traced
}

func (it *item) isMessage() bool { return it.call == nil }

// queue passes items from the reading goroutine to the dispatcher. When it is full,
// the reading goroutine waits, so that the service holds messages back, but also
// answers. Therefore, while an operation waits for an answer, the queue holds twice
// as much. If it is full again and nothing is taken from it, because callbacks
// themselves wait for the answer, the operations fail.
type queue struct {
	max   int
	waits waits

	count  atomic.Int64 // waiting messages
	bytes  atomic.Int64
	taken  atomic.Uint64 // items taken so far
	paused atomic.Bool   // the reading goroutine waits for room
	jammed chan struct{} // signals that it begins to wait

	mu      sync.Mutex
	room    sync.Cond
	work    sync.Cond
	items   []item
	idle    bool // the dispatcher waits for items
	lent    bool // the reading goroutine delivers an item instead
	late    bool // queueGrace has passed
	closed  bool
	stopped atomic.Bool // messages are dropped

	batch, rest []item // used by the dispatcher only
}

func newQueue(size int) *queue {
	q := &queue{max: size, jammed: make(chan struct{}, 1)}
	q.room.L, q.work.L = &q.mu, &q.mu
	q.waits.wake = q.wake
	return q
}

// push queues a message when there is room. It returns false when stopping. If the
// dispatcher has nothing to do, it lends the message to the caller instead, which has to
// deliver it and to call giveBack.
func (q *queue) push(it item) (lent, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.full(q.max) {
		q.waitLocked()
	}
	if q.stopped.Load() {
		return false, false
	}
	if q.idle && !q.lent && len(q.items) == 0 {
		q.lent = true
		q.taken.Add(1)
		return true, true
	}
	q.count.Add(1)
	q.bytes.Add(int64(it.size))
	q.addLocked(it)
	return false, true
}

// giveBack lets the dispatcher deliver again.
func (q *queue) giveBack() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.lent = false
	if len(q.items) > 0 || q.closed {
		q.work.Signal()
	}
}

// call queues a call without waiting.
func (q *queue) call(f func()) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.addLocked(item{call: f})
}

func (q *queue) addLocked(it item) {
	q.items = append(q.items, it)
	if len(q.items) == 1 && !q.lent {
		q.work.Signal()
	}
}

// full reports whether the queue holds that many messages, or maxQueueBytes. Both
// limits are doubled while an operation waits for an answer.
func (q *queue) full(most int) bool {
	size := int64(maxQueueBytes)
	if q.waits.any() {
		most, size = 2*most, 2*size
	}
	return q.count.Load() >= int64(most) || q.bytes.Load() >= size
}

// waitLocked waits until the queue is half empty, or an operation makes room.
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

// wake makes the reading goroutine check again whether there is room.
func (q *queue) wake() {
	if q.paused.Load() {
		q.mu.Lock()
		q.room.Signal()
		q.mu.Unlock()
	}
}

// next returns the dispatcher's next item, and false at the end of the queue.
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
	for len(q.items) == 0 || q.lent {
		if q.closed && !q.lent {
			return false
		}
		q.idle = true
		q.work.Wait()
	}
	q.idle = false
	q.batch, q.items = q.items, q.batch[:0]
	q.rest = q.batch
	return true
}

// await makes the dispatcher wait for ready, but not while the reading goroutine
// waits for room: the answer that closes ready may come after the messages for which
// there is no room.
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

// stop drops the messages that wait and all that follow.
func (q *queue) stop() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.stopped.Store(true)
	q.room.Signal()
}

// close ends the dispatcher after all queued items.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.work.Signal()
}

// waits counts the operations that wait for an answer of the service.
type waits struct {
	n    atomic.Int64
	wake func() // called by begin

	mu    sync.Mutex
	stuck chan struct{} // closed by expire
}

// begin is called before an operation waits, end after it.
func (w *waits) begin() (stuck <-chan struct{}) {
	w.mu.Lock()
	if w.stuck == nil {
		w.stuck = make(chan struct{})
	}
	stuck = w.stuck
	w.mu.Unlock()
	w.n.Add(1)
	w.wake()
	return stuck
}

func (w *waits) end() { w.n.Add(-1) }

func (w *waits) any() bool { return w.n.Load() > 0 }

// expire closes the stuck channels of all operations.
func (w *waits) expire() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stuck != nil {
		close(w.stuck)
		w.stuck = nil
	}
}
