package client

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/go-webpubsub/webpubsub/client/internal/frame"
	"github.com/go-webpubsub/webpubsub/internal/excerpt"
	"github.com/go-webpubsub/webpubsub/internal/rule"
)

const (
	opOpenGroupStream = "OpenGroupStream"
	opStream          = "GroupStream"

	// DefaultStreamWindow is how many pieces of a stream may wait for the service.
	DefaultStreamWindow = 100
	// maxStreamBytes is the number of bytes that may wait.
	maxStreamBytes = 4 << 20
	// Refused pieces are sent again after a time that doubles with each refusal.
	minStreamRetry = 10 * time.Millisecond
	maxStreamRetry = 5 * time.Second
)

// StreamWriterOptions are the options of a stream that the client sends. Nil and
// the zero value are the defaults.
type StreamWriterOptions struct {
	// StreamID (streamId) identifies the stream; it must be unique in the
	// connection. Empty is a random one.
	StreamID string
	// NoEcho (noEcho) does not deliver the stream to the connection that sends it.
	NoEcho bool
	// IdleTimeout (idleTimeoutMs) is the time without a piece after which the
	// service ends the stream: whole milliseconds, at most about 49 days. Zero is
	// the service's default of 5 minutes.
	IdleTimeout time.Duration
	// Window is the number of pieces that may wait for the service before
	// [StreamWriter.Write] blocks, as it also does at 4 MiB. Zero is
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
	o.StreamID = cmp.Or(o.StreamID, rand.Text())
	return rule.CheckID("stream id", o.StreamID)
}

// OpenGroupStream begins a stream of pieces to a group and returns when the service
// has accepted it. The client does not have to be a member of the group. It needs
// the role webpubsub.sendToGroup; otherwise the error is [ErrForbidden].
//
// A stream belongs to its connection: it continues after a recovery, and ends with
// [ErrConnectionLost] when the connection is lost for good. End it with
// [StreamWriter.Close] or [StreamWriter.Abort].
func (c *Client) OpenGroupStream(ctx context.Context, group string, opts *StreamWriterOptions) (*StreamWriter, error) {
	o := valueOf(opts)
	if err := cmp.Or(rule.CheckGroup(group), o.complete()); err != nil {
		return nil, invalid(opOpenGroupStream, err)
	}
	s, err := c.running()
	if err != nil {
		return nil, fail(opOpenGroupStream, err)
	}
	w := &StreamWriter{
		s: s, id: o.StreamID, group: group, window: o.Window, next: 1, pause: minStreamRetry, idle: cmp.Or(o.IdleTimeout, DefaultStreamIdle),
		changed: make(chan struct{}), done: make(chan struct{}),
	}
	r := &request{Request: frame.Request{
		Kind: frame.StreamStart, Name: group, ID: o.StreamID, NoEcho: o.NoEcho,
		Idle: uint32(o.IdleTimeout / time.Millisecond), //nolint:gosec // checked by complete
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
	pieces  []piece // not acknowledged yet
	bytes   int
	next    uint64 // sequence id
	idle    time.Duration
	alive   time.Time // earliest time from which the service counts the stream's silence
	ending  []byte    // the frame that ends the stream; nil before the end
	ends    int       // sockets over which ending was sent
	aborted bool
	resend  *time.Timer
	pause   time.Duration // before the next resend
	err     error
	over    bool
	changed chan struct{} // closed when the state changes
	done    chan struct{} // closed when the stream is over
}

type piece struct {
	id    uint64
	frame []byte
	sent  time.Time // first time
}

// ID returns the stream's id (streamId).
func (w *StreamWriter) ID() string { return w.id }

// Group returns the name of the group.
func (w *StreamWriter) Group() string { return w.group }

// Done returns a channel that is closed when the stream has ended for any reason.
func (w *StreamWriter) Done() <-chan struct{} { return w.done }

// Err returns the error that ended the stream. It returns nil before the end, and
// after a successful Close or Abort.
func (w *StreamWriter) Err() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return fail(opStream, w.err)
}

// open requests the stream and waits for the answer. It does not repeat the
// request: a service that already has the stream would refuse it.
func (w *StreamWriter) open(ctx context.Context, r *request) error {
	w.s.waits.begin() // so that the client goes on reading
	defer w.s.waits.end()
	ws, err := w.s.connected(ctx)
	if err != nil {
		return err
	}
	w.alive, r.only = time.Now(), ws.conn
	if !w.s.writers.add(w) {
		return invalidError{fmt.Errorf("stream id %s is in use", excerpt.Name(w.id))}
	}
	if ws, err = w.s.post(ctx, r); err != nil { // perhaps over the next socket
		return err
	}
	w.follow(ws)
	err = w.lockWhile(ctx, func() bool { return !w.opened }, ws.lost)
	switch {
	case err == nil:
		w.mu.Unlock()
	case !isClosed(w.done):
		ws.tell(&frame.Request{Kind: frame.StreamEnd, ID: w.id, Failure: &frame.Failure{Message: "the client gave up opening the stream"}})
	}
	return err
}

// Write sends the next piece and returns when it is queued for sending. It waits
// for the service's acks only while the window is full. Pieces arrive once and in
// order, or the stream fails.
func (w *StreamWriter) Write(ctx context.Context, data Data) error {
	if err := data.check(); err != nil {
		return invalid(opStream, err)
	}
	full := func() bool { return len(w.pieces) >= w.window || w.bytes >= maxStreamBytes }
	if err := w.lockWhile(ctx, full, nil); err != nil {
		return fail(opStream, err)
	}
	defer w.mu.Unlock()
	if w.ending != nil {
		return fail(opStream, errStreamOver)
	}
	f := w.encode(frame.Request{Kind: frame.StreamData, Sequence: w.next, Data: data.d})
	if err := checkSize(f); err != nil {
		return invalid(opStream, err)
	}
	w.pieces = append(w.pieces, piece{w.next, f, time.Now()})
	w.bytes += len(f)
	w.next++
	w.push(f)
	return nil
}

// KeepAlive restarts the idle timeout of the service without sending a piece.
func (w *StreamWriter) KeepAlive(ctx context.Context) error {
	if err := w.lockWhile(ctx, func() bool { return false }, nil); err != nil {
		return fail(opStream, err)
	}
	defer w.mu.Unlock()
	if w.ending != nil {
		return fail(opStream, errStreamOver)
	}
	w.push(w.encode(frame.Request{Kind: frame.StreamData}))
	return nil
}

// Close ends the stream and returns when the service has received all of it. If ctx
// ends first, Close can be called again. For a stream that is already closed or
// aborted it returns nil.
//
// If the service has ended the stream, Close returns an [*Error] with the service's
// reason. Its Name is "IdleTimeout" if the stream was silent for too long, even if
// the connection was lost at that time.
func (w *StreamWriter) Close(ctx context.Context) error {
	if err := w.lockWhile(ctx, func() bool { return len(w.pieces) > 0 && w.ending == nil }, nil); err != nil {
		if errors.Is(err, errStreamOver) {
			return nil
		}
		return fail(opStream, err)
	}
	if w.ending == nil {
		w.ending = w.encode(frame.Request{Kind: frame.StreamEnd})
		w.pushEndLocked()
	}
	w.mu.Unlock()
	stuck := w.s.waits.begin()
	defer w.s.waits.end()
	if _, err := await(ctx, w.done, nil, stuck, w.s.closing); err != nil {
		return fail(opStream, err)
	}
	return w.Err()
}

// Abort ends the stream with an error that its receivers get. The code and the
// message are the caller's own. Pieces that the service has not acknowledged are
// dropped. Abort does nothing if the stream has ended.
func (w *StreamWriter) Abort(code, message string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.over || w.ending != nil {
		return
	}
	w.pieces, w.bytes, w.aborted = nil, 0, true
	failure := frame.Failure{Message: excerpt.Cut(message, maxErrorText), UserErrorCode: excerpt.Cut(code, maxErrorText)}
	w.ending = w.encode(frame.Request{Kind: frame.StreamEnd, Failure: &failure})
	w.pushEndLocked()
	w.changedLocked()
}

func (w *StreamWriter) encode(r frame.Request) []byte {
	r.ID = w.id
	return w.s.c.opts.Protocol.codec().Append(nil, &r)
}
