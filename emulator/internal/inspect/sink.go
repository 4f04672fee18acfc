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
		l.addFrame(at, trace.KindFrameOut, r.Client, l.frameOut(&r))
	case trace.FrameIn:
		l.addFrame(at, trace.KindFrameIn, r.Client, frameIn(&r))
	default:
		l.Add(convert(at, r))
	}
}

func (l *List) addFrame(at time.Time, k trace.Kind, c trace.Client, f *Frame) {
	kind := kinds[k]
	l.Add(Record{At: at.UTC(), Kind: kind.name, Level: kind.level, Hub: c.Hub, Connection: c.Connection, User: c.User, Frame: f})
}
