package hub

import (
	"slices"
	"time"
)

// Delivery sends messages to one client and may keep them until the client has
// acknowledged them. The connection calls one method at a time. The link of Send and
// Acknowledge is nil while the client of a resumable connection is away.
type Delivery interface {
	// Send sends or keeps a message. The zero expires means never. A failure is a reason
	// to close the connection.
	Send(link *Link, codec Codec, m *Message, expires time.Time) (failure string)
	// Acknowledge handles the client's acknowledgement of a sequence id. It may send
	// messages that had to wait for it.
	Acknowledge(link *Link, id uint64)
	// Resume sends the messages that were kept over a new link.
	Resume(link *Link, now time.Time)
	// Resumable reports whether the client can resume its connection. It is constant.
	Resumable() bool
}

// Unacknowledged sends messages without keeping them.
type Unacknowledged struct{}

// Send sends a message.
func (Unacknowledged) Send(link *Link, codec Codec, m *Message, _ time.Time) string {
	if !link.Send(m.Encode(codec)) {
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

// Limits of messages kept for a client.
const (
	maxUnackedMessages = 1000
	maxUnackedBytes    = 16 << 20
)

// Cumulative numbers messages and keeps them until the client acknowledges their
// sequence id or a later one. The zero value is ready to use.
type Cumulative struct {
	last  uint64 // sequence id
	kept  []unacked
	bytes int
}

type unacked struct {
	frame   Frame
	expires time.Time // zero: never
}

// Send keeps a message and sends it. If the link fails, the message is kept.
func (d *Cumulative) Send(link *Link, codec Codec, m *Message, expires time.Time) string {
	f := m.Encode(codec)
	if len(d.kept) >= maxUnackedMessages || d.bytes+len(f.Data) > maxUnackedBytes {
		return reasonBufferFull
	}
	d.last++
	f.SequenceID, f.Codec = d.last, codec
	d.kept = append(d.kept, unacked{f, expires})
	d.bytes += len(f.Data)
	if link != nil {
		link.Send(f)
	}
	return ""
}

// Acknowledge drops messages up to an id. It ignores an id that has not been sent.
func (d *Cumulative) Acknowledge(_ *Link, id uint64) {
	if id > d.last {
		return
	}
	n := 0
	for n < len(d.kept) && d.kept[n].frame.SequenceID <= id {
		d.bytes -= len(d.kept[n].frame.Data)
		n++
	}
	d.kept = slices.Delete(d.kept, 0, n)
}

// Resume sends the messages that have been kept and have not expired.
func (d *Cumulative) Resume(link *Link, now time.Time) {
	d.kept = slices.DeleteFunc(d.kept, func(w unacked) bool {
		expired := !w.expires.IsZero() && !now.Before(w.expires)
		if expired {
			d.bytes -= len(w.frame.Data)
		}
		return expired
	})
	for _, w := range d.kept {
		link.Send(w.frame)
	}
}

// Resumable returns true.
func (*Cumulative) Resumable() bool { return true }
