package hub

import (
	"slices"
	"time"
)

// Delivery is how messages reach one client, and what is kept of them until the
// client has acknowledged it. Its methods are called one at a time.
type Delivery interface {
	// Send writes a message to the link, which is nil while the client is away. A
	// message that is kept is dropped when it expires; the zero time is never. It
	// returns why the connection must end; empty for no reason.
	Send(link *Link, codec Codec, m *Message, expires time.Time) (failure string)
	// Acknowledge releases what the client has received by an id that was sent with it,
	// and writes to the link what had to wait for that.
	Acknowledge(link *Link, id uint64)
	// Resume writes to a new link all that has been kept.
	Resume(link *Link, now time.Time)
	// Resumable reports whether the client can come back after its link was lost.
	Resumable() bool
}

// Unacknowledged delivers messages that nobody acknowledges. A client that loses its
// link is gone.
type Unacknowledged struct{}

// Send writes a message.
func (Unacknowledged) Send(link *Link, codec Codec, m *Message, _ time.Time) string {
	if !link.Send(codec.Sequenced(m, m.Encode(codec), 0)) {
		return reasonSlow
	}
	return ""
}

// Acknowledge does nothing.
func (Unacknowledged) Acknowledge(*Link, uint64) {}

// Resume does nothing.
func (Unacknowledged) Resume(*Link, time.Time) {}

// Resumable returns false.
func (Unacknowledged) Resumable() bool { return false }

// Limits of what waits for a client to acknowledge it.
const (
	maxUnackedMessages = 1000
	maxUnackedBytes    = 16 << 20
)

// Cumulative delivers messages with sequence ids, and keeps them until the client
// acknowledges their id or a later one. The zero value is ready for use.
type Cumulative struct {
	last    uint64 // sequence id sent last
	waiting []unacked
	bytes   int
}

type unacked struct {
	id      uint64
	frame   Frame
	expires time.Time // zero: never
}

// Send writes a message and keeps it. A link that fails is lost, not the message.
func (d *Cumulative) Send(link *Link, codec Codec, m *Message, expires time.Time) string {
	body := m.Encode(codec)
	if len(d.waiting) >= maxUnackedMessages || d.bytes+len(body) > maxUnackedBytes {
		return reasonBufferFull
	}
	d.last++
	f := codec.Sequenced(m, body, d.last)
	d.waiting = append(d.waiting, unacked{d.last, f, expires})
	d.bytes += len(f.Data)
	if link != nil {
		link.Send(f)
	}
	return ""
}

// Acknowledge releases everything up to an id. An id that was never sent releases
// nothing.
func (d *Cumulative) Acknowledge(_ *Link, id uint64) {
	if id > d.last {
		return
	}
	n := 0
	for n < len(d.waiting) && d.waiting[n].id <= id {
		d.bytes -= len(d.waiting[n].frame.Data)
		n++
	}
	d.waiting = slices.Delete(d.waiting, 0, n)
}

// Resume writes in order what has not been acknowledged and has not expired.
func (d *Cumulative) Resume(link *Link, now time.Time) {
	d.waiting = slices.DeleteFunc(d.waiting, func(w unacked) bool {
		expired := !w.expires.IsZero() && !now.Before(w.expires)
		if expired {
			d.bytes -= len(w.frame.Data)
		}
		return expired
	})
	for _, w := range d.waiting {
		link.Send(w.frame)
	}
}

// Resumable returns true.
func (*Cumulative) Resumable() bool { return true }
