package dispatch

import "sync"

// maxNotices is the number of queued notifications of a connection at which those of
// groups are dropped.
const maxNotices = 2000

// notice is a queued notification.
type notice struct {
	kept    bool // never dropped
	deliver func()
}

// queue delivers the notifications of one connection one after the other. It has a
// goroutine only while there are any.
type queue struct {
	mu       sync.Mutex
	waiting  []notice
	running  bool
	dropping bool
	dropped  int // since the queue was full
}

// add queues a notification, or drops it if the queue is full. dropped is the number of
// notifications dropped since the queue last accepted one, including this one.
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
		q.waiting[0] = notice{} // free its memory
		q.waiting = q.waiting[1:]
		q.mu.Unlock()
		n.deliver()
	}
}
