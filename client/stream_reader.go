package client

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"sync"
	"time"
)

const (
	// DefaultStreamIdle is the time without a piece after which a stream fails.
	DefaultStreamIdle = 5 * time.Minute
	// streamBuffer is the number of pieces of a stream that wait for its callback.
	streamBuffer = 64
	// streamBufferBytes is the number of bytes that wait.
	streamBufferBytes = 1 << 20
)

// StreamReaderOptions are the options of streams that the client receives. Nil and
// the zero value are the defaults.
type StreamReaderOptions struct {
	// Groups are the groups whose streams are received. Empty means all.
	Groups []string
	// FromStart ignores streams whose first piece the client has missed.
	FromStart bool
	// IdleTimeout is the time without a piece after which a stream fails. Zero is
	// [DefaultStreamIdle]. If it is negative, there is no timeout.
	IdleTimeout time.Duration
}

// OnGroupStream registers a callback for streams to the client's groups. It is
// called for each stream of which the client sees a piece for the first time after
// the call. Unlike other callbacks, it runs in its own goroutine for each stream.
// Its context ends when the client stops. When it returns, the rest of the stream
// is dropped. Pieces that arrive after [StreamReaderOptions.IdleTimeout] are a new
// stream, for which the callback is called again.
//
// Streams from other clients are bounded. The client stops reading while 64 pieces
// or 1 MiB of a stream, or 16 MiB of all streams, wait for callbacks, and while 100
// callbacks have not returned after the end of their streams. It receives at most
// 1000 streams at a time. A new stream then replaces the stream that has been silent
// the longest, among those of the user with the most streams, or of the group with
// the most streams if the user is the same. The callback of the replaced stream gets
// [ErrTooManyStreams]. If a replacement would not be fair, the new stream is
// dropped and reported to [Options.OnError], at most once a minute. A stream whose
// group, user and id have more than 12 KiB together is also dropped and reported.
func (c *Client) OnGroupStream(f func(ctx context.Context, stream *StreamReader), opts *StreamReaderOptions) (unregister func()) {
	h := &streamHandler{f: f, opts: valueOf(opts)}
	h.opts.Groups = slices.Clone(h.opts.Groups)
	h.opts.IdleTimeout = cmp.Or(h.opts.IdleTimeout, DefaultStreamIdle)
	return c.onGroupStream.add(h)
}

// StreamReader is a stream that the client receives.
type StreamReader struct {
	group, user, id string

	callback *callback[*streamHandler]
	box      *mailbox[received]
	stopped  <-chan struct{}
	idle     *time.Timer // nil: no idle timeout

	mu      sync.Mutex
	left    bool          // the callback has left the loop or returned
	expired bool          // the idle timeout has passed before that
	late    bool          // the stream has ended, and the callback counts as late
	ended   chan struct{} // closed when the callback has returned
	expire  func()        // called after the idle timeout
}

// received is a piece and the size of its frame, which the piece keeps in memory.
type received struct {
	data Data
	size int
}

// Group returns the name of the group.
func (g *StreamReader) Group() string { return g.group }

// ID returns the stream's id (streamId).
func (g *StreamReader) ID() string { return g.id }

// FromUserID returns the user who sends the stream (fromUserId). It is empty if there is
// none, and over the protobuf subprotocols.
func (g *StreamReader) FromUserID() string { return g.user }

// Pieces returns an iterator over the stream's pieces, in order. An error is the
// last element: an [*Error] with the Name "UserError" if the publisher has aborted
// the stream or "IdleTimeout" if it was silent for too long, [ErrStreamGap] if a
// piece is missing, [ErrConnectionLost] after a new connection, or
// [ErrTooManyStreams] if the stream was replaced. Leaving the loop drops the rest.
func (g *StreamReader) Pieces() iter.Seq2[Data, error] {
	return func(yield func(Data, error) bool) {
		defer g.leave()
		for {
			p, err, ok := g.box.get(g.stopped)
			switch {
			case !ok && err != nil:
				yield(Data{}, fail(opStream, err))
				return
			case !ok:
				return
			case !yield(p.data, nil):
				return
			}
		}
	}
}

// put passes on a piece; the dispatcher waits until there is room. It reports
// whether the callback still reads.
func (g *StreamReader) put(p received) bool {
	if g.idle != nil { // while the callback is busy, the stream is not silent
		g.idle.Stop()
	}
	if !g.box.put(p, g.stopped) {
		return false
	}
	if g.idle != nil {
		g.idle.Reset(g.callback.f.opts.IdleTimeout)
	}
	return true
}

// isSilent reports whether the stream has timed out while it was read.
func (g *StreamReader) isSilent() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.expired
}

// timeOut ends a stream that was silent for too long.
func (g *StreamReader) timeOut() {
	g.mu.Lock()
	silent := !g.left && !g.expired
	g.expired = g.expired || silent
	g.mu.Unlock()
	if silent {
		g.box.close(&Error{Name: nameIdleTimeout, Message: "the stream was silent for too long"})
		g.expire()
	}
}

// leave drops all pieces, also those that arrive later.
func (g *StreamReader) leave() {
	g.mu.Lock()
	g.left = true
	g.mu.Unlock()
	g.end(nil)
	g.box.leave()
}

// end ends the stream after the pieces that wait.
func (g *StreamReader) end(err error) {
	if g.idle != nil {
		g.idle.Stop()
	}
	g.box.close(err)
}

// streamHandler is a callback for streams.
type streamHandler struct {
	f    func(context.Context, *StreamReader)
	opts StreamReaderOptions
}

// accepts reports whether the callback is for a stream whose first piece is m.
func (h *streamHandler) accepts(m *GroupMessage) bool {
	return (len(h.opts.Groups) == 0 || slices.Contains(h.opts.Groups, m.Group)) && (!h.opts.FromStart || m.stream.Sequence <= 1)
}
