package presence

import (
	"strconv"
	"time"

	"github.com/go-webpubsub/webpubsub"
)

// An order is, from its lowest bit on: whether the event is left, so that an event that is
// recorded twice under one number, joined and left, has one result; the number of the event;
// and the time in seconds, if the number alone is not enough. It fits in 53 bits.
const (
	countBits   = 19
	maxCount    = 1<<countBits - 1 // with a time
	secondsBits = 33
	maxSeconds  = 1<<secondsBits - 1
)

// orderOf returns the order of an event among those of its connection. The service counts
// the events of a connection. MQTT sessions can have several network connections, and it is
// not documented that they share one count: their time is compared first. So is that of an
// event whose id is not a number, although the service documents no format. Now is for events
// without a time.
func orderOf(m *webpubsub.Meta, kind webpubsub.EventKind, now time.Time) int64 {
	var last int64
	if kind == webpubsub.EventKindGroupLeft {
		last = 1
	}
	count, err := strconv.ParseInt(m.ID, 10, 64)
	counted := err == nil && count >= 0 && count < MaxOrder>>1
	if counted && m.MQTT == nil {
		return (count+1)<<1 | last
	}
	if !counted {
		count = 0
	}
	at := m.Time
	if at.IsZero() {
		at = now
	}
	return min(max(at.Unix(), 0), maxSeconds)<<(countBits+1) | min(count+1, maxCount)<<1 | last
}
