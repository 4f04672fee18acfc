package dispatch

import "sync"

// maxNotices is how many notifications of one connection wait for the handler
// before those of groups are dropped.
const maxNotices = 2000

// notice is a notification that waits for its turn.
type notice struct {
	kept    bool // even if too many wait
	deliver func()
}

// queue delivers the notifications of one connection one after the other, in a
// goroutine that is there only while there are any.
type queue struct {
	mu       sync.Mutex
	waiting  []notice
	running  bool
	dropping bool
	dropped  int // since the queue was full
}

// add queues a notification, or drops it if too many wait. dropped counts those
// that have been dropped since the queue was full, up to and with this one; the
// first notification that is added afterwards starts the count anew.
func (q *queue) add(start func(func()) bool, n notice) (added bool, dropped int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch waiting := len(q.waiting); {
	case waiting >= maxNotices:
		q.dropping = true
	case waiting <= maxNotices/2:
		q.dropping = false
	}
	if q.dropping && !n.kept {
		q.dropped++
		return false, q.dropped
	}
	dropped, q.dropped = q.dropped, 0
	q.waiting = append(q.waiting, n)
	if !q.running {
		q.running = start(q.run)
	}
	return true, dropped
}

func (q *queue) run() {
	for {
		q.mu.Lock()
		if len(q.waiting) == 0 {
			q.waiting, q.running = nil, false
			q.mu.Unlock()
			return
		}
		n := q.waiting[0]
		q.waiting[0] = notice{} // what has been delivered is not kept in memory
		q.waiting = q.waiting[1:]
		q.mu.Unlock()
		n.deliver()
	}
}
