package hub

import "fmt"

// begin begins a client's request. It reports false, and answers, if the request has
// been carried out before: a client that is not sure sends it again.
func (c *Connection) begin(ackID *uint64) bool {
	if ackID == nil {
		return true
	}
	c.mu.Lock()
	repeated := c.acks.has(*ackID)
	c.mu.Unlock()
	if repeated {
		c.answer(func(a Answerer) Frame { return a.Ack(*ackID, duplicate(*ackID)) })
	}
	return !repeated
}

// ack answers a client's request. Only a success is remembered, so that a failed
// request can be tried again under its id.
func (c *Connection) ack(ackID *uint64, err *AckError) {
	if ackID == nil {
		return
	}
	if err == nil {
		c.mu.Lock()
		c.acks.add(*ackID)
		c.mu.Unlock()
	}
	c.answer(func(a Answerer) Frame { return a.Ack(*ackID, err) })
}

func duplicate(id uint64) *AckError {
	return &AckError{Name: "Duplicate", Message: fmt.Sprintf("Message with ack-id: %d has been processed", id)}
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
