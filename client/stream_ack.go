package client

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/go-webpubsub/webpubsub/client/internal/frame"
)

// errStreamOver is a stream that its own writer has ended.
var errStreamOver = errors.New("stream has ended")

// lockWhile locks the writer once a condition, looked at under the lock, does not
// hold any more. It fails, without the lock, if the stream ends before.
func (w *StreamWriter) lockWhile(ctx context.Context, full func() bool) error {
	over := w.s.waits.begin()
	defer w.s.waits.end()
	for {
		w.mu.Lock()
		err, changed := w.err, w.changed
		if err == nil && (w.over || w.aborted) {
			err = errStreamOver
		}
		if err == nil && !full() {
			return nil
		}
		w.mu.Unlock()
		if err != nil {
			return err
		}
		if err := w.wait(ctx, changed, over, nil); err != nil {
			return err
		}
	}
}

// push sends a frame over the link that there is, and reports whether it took it.
// If the frame is lost, the next link gets all that the service has not taken.
func (w *StreamWriter) push(f []byte) (sent bool) {
	if w.socket == nil {
		return false // the next one is not there yet, or the service speaks of a stream that was not asked for yet
	}
	b, _ := buffers.Get().(*buffer)
	b.b = append(b.b[:0], f...)
	return w.socket.out.push(b)
}

// pushEndLocked sends the frame that ends the stream.
func (w *StreamWriter) pushEndLocked() {
	if w.push(w.ending) {
		w.ends++
	}
}

func (w *StreamWriter) changedLocked() {
	close(w.changed)
	w.changed = make(chan struct{})
}

// answer takes what the service says of the stream.
func (w *StreamWriter) answer(f *frame.Frame) {
	if f.Kind == frame.StreamClosed {
		w.closed(f.Failure)
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.over {
		return
	}
	if f.Expected > w.next || f.Expected == 0 {
		w.violated(f.Expected)
		return
	}
	w.opened = true
	n := 0
	for n < len(w.pieces) && w.pieces[n].id < f.Expected {
		w.bytes -= len(w.pieces[n].frame)
		w.alive = w.pieces[n].sent
		n++
	}
	if n > 0 {
		w.pieces = append(w.pieces[:0], w.pieces[n:]...)
		w.pause = minStreamRetry
	}
	w.changedLocked()
	if f.Kind == frame.StreamNack && w.resend == nil && len(w.pieces) > 0 {
		w.resendLocked()
	}
}

func (w *StreamWriter) resendLocked() {
	w.resend = time.AfterFunc(w.pause, w.again)
	w.pause = min(2*w.pause, maxStreamRetry)
}

// violated ends a stream of which the service claims what cannot be.
func (w *StreamWriter) violated(expected uint64) {
	w.push(w.s.c.opts.Protocol.codec().Append(nil, &frame.Request{
		Kind: frame.StreamEnd, ID: w.id, Failure: &frame.Failure{Message: "unexpected sequence id", UserErrorCode: "ProtocolViolation"},
	}))
	w.finishLocked(fmt.Errorf("service expects piece %d, the next is %d", expected, w.next))
}

// again sends what was refused, once there is room for it.
func (w *StreamWriter) again() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.resend = nil; w.over {
		return
	}
	if w.socket.out.full() {
		w.resendLocked()
		return
	}
	w.repeat()
}

func (w *StreamWriter) repeat() {
	if w.over || !w.opened {
		return
	}
	for _, p := range w.pieces {
		w.push(p.frame)
	}
	if w.ending != nil {
		w.pushEndLocked()
	}
}

// follow makes a link the one that frames go to, unless it has ended: the next one
// may be in its place by now.
func (w *StreamWriter) follow(ws *socket) {
	w.mu.Lock()
	defer w.mu.Unlock()
	select {
	case <-ws.lost:
	default:
		w.socket = ws
	}
}

// resume goes on over a new link of the same connection.
func (w *StreamWriter) resume(ws *socket) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.socket = ws
	w.repeat()
}

// closed takes the service's word that the stream has ended.
func (w *StreamWriter) closed(f *frame.Failure) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.finishLocked(w.verdictLocked(f))
}

// verdictLocked returns how a stream ended; nil: as its writer wanted.
//
// A service that does not know the stream has ended it before, and what it said
// then was lost with a link. It may have been for the stream's silence, of which
// those who receive the stream are told: that is no success. Otherwise it was
// because an earlier frame has ended it, if there was one.
func (w *StreamWriter) verdictLocked(f *frame.Failure) error {
	switch {
	case f == nil && w.ending != nil:
		return nil
	case f == nil || f.Name != nameStreamNotFound:
		return refusalOf(f, frame.StreamStart, w.group)
	case time.Since(w.alive) >= w.idle:
		return &Error{Name: nameIdleTimeout, Message: "the service no longer knows the stream, which was silent for its idle timeout"}
	case w.ends > 1:
		return nil
	}
	return refusalOf(f, frame.StreamStart, w.group)
}

func (w *StreamWriter) finish(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.finishLocked(err)
}

func (w *StreamWriter) finishLocked(err error) {
	if w.over {
		return
	}
	w.over, w.err, w.pieces, w.bytes = true, err, nil, 0
	if w.resend != nil {
		w.resend.Stop()
	}
	w.changedLocked()
	close(w.done)
	w.s.writers.remove(w)
}

// writers are the streams that the client sends.
type writers struct {
	mu   sync.Mutex
	byID map[string]*StreamWriter
}

func (x *writers) add(w *StreamWriter) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.byID[w.id] != nil {
		return false
	}
	if x.byID == nil {
		x.byID = make(map[string]*StreamWriter)
	}
	x.byID[w.id] = w
	return true
}

// remove is called with the writer's lock; no writer is locked with that of writers.
func (x *writers) remove(w *StreamWriter) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.byID[w.id] == w {
		delete(x.byID, w.id)
	}
}

func (x *writers) all() []*StreamWriter {
	x.mu.Lock()
	defer x.mu.Unlock()
	out := make([]*StreamWriter, 0, len(x.byID))
	for _, w := range x.byID {
		out = append(out, w)
	}
	return out
}

func (x *writers) answer(f *frame.Frame) {
	x.mu.Lock()
	w := x.byID[f.ID]
	x.mu.Unlock()
	if w != nil {
		w.answer(f)
	}
}

func (x *writers) resume(ws *socket) {
	for _, w := range x.all() {
		w.resume(ws)
	}
}

func (x *writers) fail(err error) {
	for _, w := range x.all() {
		w.finish(err)
	}
}
