package client

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/go-webpubsub/webpubsub/client/internal/frame"
)

// errStreamOver is returned for a stream that its writer has closed or aborted.
var errStreamOver = errors.New("stream has ended")

// lockWhile waits while busy returns true, and returns with the lock held. If the
// stream ends or lost is closed first, it returns an error without the lock.
func (w *StreamWriter) lockWhile(ctx context.Context, busy func() bool, lost <-chan struct{}) error {
	stuck := w.s.waits.begin()
	defer w.s.waits.end()
	for {
		w.mu.Lock()
		err, changed := w.err, w.changed
		if err == nil && (w.over || w.aborted) {
			err = errStreamOver
		}
		if err == nil && !busy() {
			return nil
		}
		w.mu.Unlock()
		if err != nil {
			return err
		}
		if _, err := await(ctx, changed, lost, stuck, w.s.closing); err != nil {
			return err
		}
	}
}

// push queues a frame on the current socket and reports whether it was accepted. A
// lost frame is sent again over the next socket.
func (w *StreamWriter) push(f []byte) (sent bool) {
	if w.socket == nil {
		return false // recovering, or the service answers a stream that is not requested yet
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

// answer handles a frame of the service about the stream.
func (w *StreamWriter) answer(f *frame.Frame) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.over:
		return
	case f.Kind == frame.StreamClosed:
		w.finishLocked(w.verdictLocked(f.Failure))
		return
	case f.Expected > w.next || f.Expected == 0:
		w.push(w.encode(frame.Request{Kind: frame.StreamEnd, Failure: &frame.Failure{Message: "unexpected sequence id", UserErrorCode: "ProtocolViolation"}}))
		w.finishLocked(fmt.Errorf("service expects piece %d, but the next is %d", f.Expected, w.next))
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

// again sends refused pieces again, as soon as the outbox has room.
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

// follow sets the socket that frames are sent over, unless the socket has ended.
// The next one may already be set then.
func (w *StreamWriter) follow(ws *socket) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !isClosed(ws.lost) {
		w.socket = ws
	}
}

// resume continues the stream over a new socket of the same connection.
func (w *StreamWriter) resume(ws *socket) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.socket = ws
	w.repeat()
}

// verdictLocked returns the error of a stream that the service has closed; nil if
// its writer closed it.
//
// If the service does not know the stream, it has ended it before, and the frame
// that said so was lost with a socket. If the stream was silent for its idle
// timeout by then, the receivers got an error, so it has failed. Otherwise an
// earlier frame of the writer has ended it, if one was sent.
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

// remove is called with the lock of w. No StreamWriter is locked while writers is.
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
	return slices.Collect(maps.Values(x.byID))
}

func (x *writers) answer(f *frame.Frame) {
	x.mu.Lock()
	w := x.byID[f.ID]
	x.mu.Unlock()
	if w != nil {
		w.answer(f)
	}
}
