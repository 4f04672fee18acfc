package hub

import (
	"fmt"

	"github.com/go-webpubsub/webpubsub/emulator/internal/trace"
)

// begin reports whether a request is new. It answers a request that has
// succeeded before: clients repeat a request if they miss its ack.
func (c *Connection) begin(ackID *uint64) bool {
	if ackID == nil {
		return true
	}
	c.mu.Lock()
	repeated := c.acks.has(*ackID)
	c.mu.Unlock()
	if repeated {
		again := RequestError{Name: "Duplicate", Message: fmt.Sprintf("Message with ack-id: %d has been processed", *ackID)}
		c.answer(func(a Answerer) Frame { return a.Ack(*ackID, &again) })
		c.recordAck(ackID, &again)
	}
	return !repeated
}

// ack answers a request, if it has an ack id.
func (c *Connection) ack(ackID *uint64, err *RequestError) {
	c.sendAck(ackID, err)
	c.recordAck(ackID, err)
}

func (c *Connection) recordAck(ackID *uint64, err *RequestError) {
	if ackID == nil {
		return
	}
	out := trace.Ack{Client: c.Identity(), ID: *ackID}
	if err != nil {
		out.Error, out.Message = err.Name, err.Message
	}
	trace.Emit(c.ctx, c.hub.Trace, out)
}

// sendAck is ack without the record, for callers with a lock. Only successes are
// remembered: a failed request can be repeated with its ack id.
func (c *Connection) sendAck(ackID *uint64, err *RequestError) {
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

// rememberedAcks is the number of ack ids in an [ackCache].
const rememberedAcks = 1000

// ackCache holds the ack ids of the last successful requests.
type ackCache struct {
	known map[uint64]struct{}
	order []uint64 // oldest first
}

func (c *ackCache) has(id uint64) bool {
	_, ok := c.known[id]
	return ok
}

// add adds an id that the cache does not have.
func (c *ackCache) add(id uint64) {
	if c.known == nil {
		c.known = make(map[uint64]struct{})
	}
	if len(c.order) == rememberedAcks {
		delete(c.known, c.order[0])
		c.order = c.order[1:]
	}
	c.order = append(c.order, id)
	c.known[id] = struct{}{}
}
