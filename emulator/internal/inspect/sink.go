package inspect

import (
	"context"
	"time"

	"github.com/go-webpubsub/webpubsub/emulator/internal/trace"
)

// Wants reports whether records of a kind are kept. Frames to clients are kept only while
// there is a reader: a message can have thousands.
func (l *List) Wants(_ context.Context, k trace.Kind) bool {
	if l.paused.Load() {
		return false
	}
	return k != trace.KindFrameOut || l.reading.Load() > 0
}

// Take adds a record.
func (l *List) Take(_ context.Context, at time.Time, r trace.Record) {
	switch r := r.(type) {
	case trace.FrameOut:
		l.TakeFrame(at, r)
	case trace.FrameIn:
		out := recordOf(at, trace.KindFrameIn, r.Client)
		out.Frame = frameIn(&r)
		l.Add(out)
	default:
		if refused(r) {
			l.takeRefused(at, r)
			return
		}
		l.Add(convert(at, r))
	}
}

// pendingFrame is a frame to a client that is not a record yet. The goroutines that write
// to clients have small stacks, which the removal of secrets would make grow for each
// message. Nothing reads a pending frame.
type pendingFrame struct {
	at    time.Time
	frame trace.FrameOut
}

// Limits at which pending frames become records, if nobody has asked for records before.
const (
	maxPending      = 1024
	maxPendingBytes = 1 << 20
)

// TakeFrame adds the record of a frame to a client.
func (l *List) TakeFrame(at time.Time, r trace.FrameOut) {
	l.mu.Lock()
	if n := len(l.pending); n == 0 || !l.pending[n-1].frame.Data.Same(r.Data) {
		l.pendingBytes += r.Data.Len()
	}
	l.pending = append(l.pending, pendingFrame{at, r})
	if len(l.pending) == 1 {
		l.wakeLocked()
	}
	if len(l.pending) == maxPending || l.pendingBytes > maxPendingBytes {
		l.settleLocked()
	}
	l.mu.Unlock()
}

// settleLocked removes the secrets of pending frames and moves them to the ring. Frames of
// one message share their data.
func (l *List) settleLocked() {
	var known [8]cachedFrame
	for i := range l.pending {
		p := &l.pending[i]
		r := &p.frame
		cached := &known[r.Data.Len()%len(known)]
		if !cached.of(r) {
			*cached = cachedFrame{r.Data, frameOut(r)}
		}
		out := recordOf(p.at, trace.KindFrameOut, r.Client)
		out.SequenceID, out.Frame = r.SequenceID, cached.frame
		l.addLocked(&out)
	}
	clear(l.pending)
	l.pending, l.pendingBytes = l.pending[:0], 0
}

func recordOf(at time.Time, k trace.Kind, c trace.Client) Record {
	kind := kinds[k]
	return Record{At: at.UTC(), Kind: kind.name, Level: kind.level, Hub: c.Hub, Connection: c.Connection, User: c.User}
}
