package inspect

import (
	"time"

	"github.com/go-webpubsub/webpubsub/emulator/internal/trace"
)

// Limits of the records of refused requests, for each kind.
const (
	maxRefused   = 100
	refusedPause = 10 * time.Second // after which there is room for another
)

// refused reports whether a record is about a refused request. Strangers can cause any
// number of them, which would push all other records out of the list.
func refused(r trace.Record) bool {
	if shake, ok := r.(trace.Handshake); ok {
		return shake.Refused
	}
	switch trace.KindOf(r) { //nolint:exhaustive // all others are not
	case trace.KindForeignRefused, trace.KindRESTCallRefused, trace.KindClientRefused, trace.KindRecoveryRefused:
		return true
	}
	return false
}

// quota limits records to a burst and a rate.
type quota struct {
	used    int
	freed   time.Time // when used was lowered last
	skipped int       // records without room since take last reported true
}

// take reports whether there is room for a record. If there is, skipped is the number of
// records before it without room.
func (q *quota) take(at time.Time) (skipped int, room bool) {
	if q.used == 0 {
		q.freed = at
	} else if since := at.Sub(q.freed); since >= refusedPause {
		q.used = max(q.used-int(since/refusedPause), 0)
		q.freed = at.Add(-(since % refusedPause))
	}
	if q.used == maxRefused {
		q.skipped++
		return 0, false
	}
	q.used++
	skipped, q.skipped = q.skipped, 0
	return skipped, true
}

// takeRefused adds the record of a refused request if there is room.
func (l *List) takeRefused(at time.Time, r trace.Record) {
	l.mu.Lock()
	q := l.quotas[trace.KindOf(r)]
	if q == nil {
		q = new(quota)
		l.quotas[trace.KindOf(r)] = q
	}
	skipped, room := q.take(at)
	l.mu.Unlock()
	if room {
		out := convert(at, r)
		out.Skipped = skipped
		l.Add(out)
	}
}
