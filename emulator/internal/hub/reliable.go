package hub

import (
	"slices"
	"time"
)

// Limits of what waits for a client of a reliable subprotocol to acknowledge it.
const (
	maxUnackedMessages = 1000
	maxUnackedBytes    = 16 << 20
)

// RecoveryWindow is how long a connection of a reliable subprotocol waits for
// its client to come back.
const RecoveryWindow = 30 * time.Second

// reliableQueue keeps messages until the client has acknowledged them.
type reliableQueue struct {
	last    uint64 // sequence id given last
	waiting []waitingMessage
	bytes   int
}

type waitingMessage struct {
	id      uint64
	frame   Frame
	expires time.Time // zero: never
}

// full tells whether one more message of a size would be too much.
func (q *reliableQueue) full(size int) bool {
	return len(q.waiting) >= maxUnackedMessages || q.bytes+size > maxUnackedBytes
}

func (q *reliableQueue) push(f Frame, expires time.Time) {
	q.waiting = append(q.waiting, waitingMessage{q.last, f, expires})
	q.bytes += len(f.Data)
}

// acknowledge releases everything up to an id. An id that was never given
// releases nothing.
func (q *reliableQueue) acknowledge(id uint64) {
	if id > q.last {
		return
	}
	n := 0
	for n < len(q.waiting) && q.waiting[n].id <= id {
		q.bytes -= len(q.waiting[n].frame.Data)
		n++
	}
	q.waiting = slices.Delete(q.waiting, 0, n)
}

// replay gives what has not been acknowledged and not expired, in order.
func (q *reliableQueue) replay(now time.Time) []Frame {
	q.waiting = slices.DeleteFunc(q.waiting, func(w waitingMessage) bool {
		expired := !w.expires.IsZero() && !now.Before(w.expires)
		if expired {
			q.bytes -= len(w.frame.Data)
		}
		return expired
	})
	out := make([]Frame, len(q.waiting))
	for i, w := range q.waiting {
		out[i] = w.frame
	}
	return out
}

// rememberedAcks is how many successful requests are remembered by their ack id.
const rememberedAcks = 1000

// ackCache remembers which requests have been carried out, the oldest going
// first.
type ackCache struct {
	known map[uint64]struct{}
	order []uint64
	next  int
}

func (c *ackCache) has(id uint64) bool {
	_, ok := c.known[id]
	return ok
}

func (c *ackCache) add(id uint64) {
	if c.has(id) {
		return
	}
	if c.known == nil {
		c.known = make(map[uint64]struct{})
	}
	if len(c.order) < rememberedAcks {
		c.order = append(c.order, id)
	} else {
		delete(c.known, c.order[c.next])
		c.order[c.next] = id
		c.next = (c.next + 1) % rememberedAcks
	}
	c.known[id] = struct{}{}
}
