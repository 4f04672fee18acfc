package client

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/go-webpubsub/webpubsub/client/internal/frame"
	"github.com/go-webpubsub/webpubsub/internal/excerpt"
)

const (
	opOpenGroupStream = "OpenGroupStream"
	opStream          = "GroupStream"

	// DefaultStreamWindow is how many pieces of a stream may wait for the service.
	DefaultStreamWindow = 100
	// maxStreamBytes is how many bytes of them.
	maxStreamBytes = 4 << 20
	// What was refused is sent again after so long, and twice that each time.
	minStreamRetry = 10 * time.Millisecond
	maxStreamRetry = 5 * time.Second
)

// StreamWriterOptions of a stream to a group. Nil and the zero value are the defaults.
type StreamWriterOptions struct {
	// StreamID (streamId), of which a connection can have one at a time. Empty: a
	// random one.
	StreamID string
	// NoEcho (noEcho) keeps the stream from the connection that sends it.
	NoEcho bool
	// IdleTimeout (idleTimeoutMs) is how long the stream may be silent before the
	// service ends it: whole milliseconds, up to some 49 days. Zero is the service's
	// default, 5 minutes.
	IdleTimeout time.Duration
	// Window is how many pieces may wait for the service to take them before
	// [StreamWriter.Write] waits, which 4 MiB of them make it do as well. Zero is
	// [DefaultStreamWindow].
	Window int
}

func (o *StreamWriterOptions) complete() error {
	switch {
	case o.IdleTimeout < 0 || o.IdleTimeout%time.Millisecond != 0 || o.IdleTimeout/time.Millisecond > math.MaxUint32:
		return fmt.Errorf("IdleTimeout is %v, want whole milliseconds from 0 to %d", o.IdleTimeout, uint32(math.MaxUint32))
	case o.Window < 0:
		return fmt.Errorf("Window is %d, want 0 or more", o.Window)
	}
	o.Window = cmp.Or(o.Window, DefaultStreamWindow)
	if o.StreamID == "" {
		var id [16]byte
		_, _ = rand.Read(id[:]) // never fails
		o.StreamID = hex.EncodeToString(id[:])
	}
	return checkID("stream id", o.StreamID)
}

// OpenGroupStream begins a stream of pieces to a group, in which the client need
// not be, and returns when the service has let it. For this the client needs the
// role webpubsub.sendToGroup; without, the error is [ErrForbidden].
//
// A stream belongs to its connection: it goes on when that is recovered, and ends
// with [ErrConnectionLost] when it is gone. It has to be ended by
// [StreamWriter.Close] or [StreamWriter.Abort].
func (c *Client) OpenGroupStream(ctx context.Context, group string, opts *StreamWriterOptions) (*StreamWriter, error) {
	o := valueOf(opts)
	if err := cmp.Or(checkGroup(group), o.complete()); err != nil {
		return nil, invalid(opOpenGroupStream, err)
	}
	s, err := c.running()
	if err != nil {
		return nil, fail(opOpenGroupStream, err)
	}
	w := &StreamWriter{
		s: s, id: o.StreamID, group: group, window: o.Window, next: 1, pause: minStreamRetry, idle: cmp.Or(o.IdleTimeout, DefaultStreamIdle), alive: time.Now(),
		changed: make(chan struct{}), done: make(chan struct{}),
	}
	if !s.writers.add(w) {
		return nil, invalid(opOpenGroupStream, fmt.Errorf("stream id %s is in use", quote(w.id)))
	}
	r := &request{Request: frame.Request{
		Kind: frame.StreamStart, Name: group, ID: o.StreamID, NoEcho: o.NoEcho, Idle: uint32(o.IdleTimeout / time.Millisecond),
	}}
	if err := w.open(ctx, r); err != nil {
		w.finish(err)
		return nil, fail(opOpenGroupStream, err)
	}
	return w, nil
}

// StreamWriter sends a stream to a group. Its methods are safe for concurrent use.
type StreamWriter struct {
	s         *session
	id, group string
	window    int

	mu      sync.Mutex
	socket  *socket
	opened  bool
	pieces  []piece // that the service has not taken yet
	bytes   int
	next    uint64 // sequence id
	idle    time.Duration
	alive   time.Time // the service counts the stream's silence from here at the earliest
	ending  []byte    // the frame that ends the stream, once it was sent
	ends    int       // links that took it
	aborted bool
	resend  *time.Timer
	pause   time.Duration // before the next resend
	err     error
	over    bool
	changed chan struct{} // closed when something that is waited for may have come
	done    chan struct{} // closed when the stream is over
}

type piece struct {
	id    uint64
	frame []byte
	sent  time.Time // for the first time
}

// ID gives the stream's id (streamId).
func (w *StreamWriter) ID() string { return w.id }

// Group gives the group's name.
func (w *StreamWriter) Group() string { return w.group }

// Done is closed when the stream has ended, by whomever.
func (w *StreamWriter) Done() <-chan struct{} { return w.done }

// Err gives why the stream has ended; nil while it has not, and if it was closed
// or aborted as it should.
func (w *StreamWriter) Err() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return fail(opStream, w.err)
}

// open asks for the stream and waits for the answer. The request is not repeated:
// a service that has the stream already would refuse it.
func (w *StreamWriter) open(ctx context.Context, r *request) error {
	over := w.s.waits.begin()
	defer w.s.waits.end()
	ws, err := w.s.connected(ctx)
	if err != nil {
		return err
	}
	w.follow(ws)
	r.only = ws.conn
	if ws, err = w.s.post(ctx, r); err != nil { // over the next link, perhaps
		return err
	}
	for {
		w.mu.Lock()
		opened, isOver, err, changed := w.opened, w.over, w.err, w.changed
		w.mu.Unlock()
		switch {
		case opened:
			return nil
		case isOver:
			return err
		}
		if err := w.wait(ctx, changed, over, ws.lost); err != nil {
			ws.tell(&frame.Request{Kind: frame.StreamEnd, ID: w.id, Failure: &frame.Failure{Message: "nobody waits for the stream any more"}})
			return err
		}
	}
}

// wait waits for a change.
func (w *StreamWriter) wait(ctx context.Context, changed, over, lost <-chan struct{}) error {
	select {
	case <-changed:
		return nil
	case <-lost:
		return ErrConnectionLost
	case <-over:
		return ErrQueueFull
	case <-ctx.Done():
		return ctx.Err()
	case <-w.s.closing:
		return ErrStopped
	}
}

// Write sends the next piece, and returns when it is on its way; the service's
// receipt is waited for only while the window is full. Pieces arrive once and in
// their order, or the stream fails.
func (w *StreamWriter) Write(ctx context.Context, data Data) error {
	if err := data.check(); err != nil {
		return invalid(opStream, err)
	}
	full := func() bool { return len(w.pieces) >= w.window || w.bytes >= maxStreamBytes }
	if err := w.lockWhile(ctx, full); err != nil {
		return fail(opStream, err)
	}
	defer w.mu.Unlock()
	if w.ending != nil {
		return fail(opStream, errStreamOver)
	}
	f := w.s.c.opts.Protocol.codec().Append(nil, &frame.Request{Kind: frame.StreamData, ID: w.id, Sequence: w.next, Data: data.d})
	if err := checkSize(f); err != nil {
		return invalid(opStream, err)
	}
	w.pieces = append(w.pieces, piece{w.next, f, time.Now()})
	w.bytes += len(f)
	w.next++
	w.push(f)
	return nil
}

// KeepAlive tells the service that a stream which is silent is still alive.
func (w *StreamWriter) KeepAlive(ctx context.Context) error {
	if err := w.lockWhile(ctx, func() bool { return false }); err != nil {
		return fail(opStream, err)
	}
	defer w.mu.Unlock()
	if w.ending != nil {
		return fail(opStream, errStreamOver)
	}
	w.push(w.s.c.opts.Protocol.codec().Append(nil, &frame.Request{Kind: frame.StreamData, ID: w.id}))
	return nil
}

// Close ends the stream and returns when the service has taken all of it. If the
// context ends before, Close can be called again. Of a stream that was closed or
// aborted it returns nil.
//
// If the service has ended the stream before, Close returns an [*Error] with the
// service's reason. Its Name is "IdleTimeout" if the stream was silent for too long,
// also when the connection was away at that time.
func (w *StreamWriter) Close(ctx context.Context) error {
	if err := w.lockWhile(ctx, func() bool { return len(w.pieces) > 0 && w.ending == nil }); err != nil {
		if errors.Is(err, errStreamOver) {
			return nil
		}
		return fail(opStream, err)
	}
	if w.ending == nil {
		w.ending = w.s.c.opts.Protocol.codec().Append(nil, &frame.Request{Kind: frame.StreamEnd, ID: w.id})
		w.pushEndLocked()
	}
	w.mu.Unlock()
	over := w.s.waits.begin()
	defer w.s.waits.end()
	if err := w.wait(ctx, w.done, over, nil); err != nil {
		return fail(opStream, err)
	}
	return w.Err()
}

// Abort ends the stream with an error for those who receive it, of a code and a
// message that are the caller's own. Pieces that the service has not taken yet are
// dropped. Of a stream that has ended it returns nil.
func (w *StreamWriter) Abort(code, message string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.over || w.ending != nil {
		return
	}
	w.pieces, w.bytes, w.aborted = nil, 0, true
	w.ending = w.s.c.opts.Protocol.codec().Append(nil, &frame.Request{
		Kind: frame.StreamEnd, ID: w.id, Failure: &frame.Failure{Message: excerpt.Cut(message, maxErrorText), UserErrorCode: excerpt.Cut(code, maxErrorText)},
	})
	w.pushEndLocked()
	w.changedLocked()
}
