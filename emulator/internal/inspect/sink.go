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
		l.addFrame(at, trace.KindFrameIn, r.Client, frameIn(&r))
	default:
		l.Add(convert(at, r))
	}
}

// TakeFrame adds the record of a frame to a client.
func (l *List) TakeFrame(at time.Time, r trace.FrameOut) {
	slot := &l.frames[r.Data.Len()%len(l.frames)]
	if cached := slot.Load(); cached != nil && cached.of(&r) {
		l.addFrame(at, trace.KindFrameOut, r.Client, cached.frame)
		return
	}
	f := frameOut(r)
	slot.Store(&cachedFrame{r.Data, f})
	l.addFrame(at, trace.KindFrameOut, r.Client, f)
}

// pendingFrame is a frame that is not a record yet. The goroutines that write to clients
// have small stacks, which a record would make grow for each message.
type pendingFrame struct {
	at     time.Time
	kind   trace.Kind
	client trace.Client
	frame  *Frame
}

// maxPending is the number of frames that become records together.
const maxPending = 256

func (l *List) addFrame(at time.Time, k trace.Kind, c trace.Client, f *Frame) {
	l.mu.Lock()
	l.pending = append(l.pending, pendingFrame{at, k, c, f})
	switch len(l.pending) {
	case 1:
		l.wakeLocked()
	case maxPending:
		l.settleLocked()
	}
	l.mu.Unlock()
}

// settleLocked moves pending frames to the ring.
func (l *List) settleLocked() {
	for i := range l.pending {
		p := &l.pending[i]
		kind := kinds[p.kind]
		l.addLocked(&Record{
			At: p.at.UTC(), Kind: kind.name, Level: kind.level, Hub: p.client.Hub, Connection: p.client.Connection, User: p.client.User, Frame: p.frame,
		})
		*p = pendingFrame{}
	}
	l.pending = l.pending[:0]
}
