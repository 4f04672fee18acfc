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
	// DefaultStreamIdle is how long a stream may be silent before it is given up.
	DefaultStreamIdle = 5 * time.Minute
	// streamBuffer is how many pieces of a stream wait for its callback.
	streamBuffer = 64
	// streamBufferBytes is how many bytes of them.
	streamBufferBytes = 1 << 20
)

// StreamReaderOptions of receiving streams. Nil and the zero value are the defaults.
type StreamReaderOptions struct {
	// Groups whose streams are received. Empty: all.
	Groups []string
	// FromStart passes over streams whose first piece the client has missed, by
	// joining the group after it.
	FromStart bool
	// IdleTimeout is how long a stream may be silent before it fails. Zero is
	// [DefaultStreamIdle], negative waits for ever.
	IdleTimeout time.Duration
}

// OnGroupStream registers a callback for streams to groups of the client. It is
// called for streams that begin, or whose pieces are seen for the first time, after
// the call. Unlike other callbacks it runs in a goroutine of its own for each
// stream. Its context ends when the client stops. When it returns, the rest of the
// stream is dropped. Pieces that come after [StreamReaderOptions.IdleTimeout] are a
// new stream, for which it is called again.
//
// What strangers send is bounded. Pieces that callbacks do not take in time hold
// back the client, as messages do: 64 pieces or 1 MiB of one stream, 16 MiB of all.
// A callback should return soon after the end of its stream; 100 that have not hold
// back the client, too. At most 1000 streams are received at a time: a new one then
// takes the place of the quietest stream of the user with the most streams, or of
// the group with the most if it is the same user, and the callback of that stream
// gets [ErrTooManyStreams]. Where that would not be fair, the new one is dropped,
// and [Options.OnError] is told, at most once a minute. A stream whose group, user and
// id have more than 12 KiB together is reported there, and not received.
func (c *Client) OnGroupStream(f func(ctx context.Context, stream *StreamReader), opts *StreamReaderOptions) (unregister func()) {
	h := &streamHandler{f: f, opts: valueOf(opts)}
	h.opts.Groups = slices.Clone(h.opts.Groups)
	h.opts.IdleTimeout = cmp.Or(h.opts.IdleTimeout, DefaultStreamIdle)
	return c.onGroupStream.add(h)
}

// StreamReader is a stream that a client sends to a group.
type StreamReader struct {
	group, user, id string

	callback *callback[*streamHandler]
	box      *mailbox[received]
	stopped  <-chan struct{}
	idle     *time.Timer // nil: it may be silent for ever

	mu     sync.Mutex
	state  readerState
	late   bool          // its stream has ended, and its callback counts among those that should return
	ended  chan struct{} // closed when its callback has returned
	expire func()        // called when it was silent for too long
}

// received is a piece, and the size of the frame that it came in and keeps in
// memory.
type received struct {
	data Data
	size int
}

// readerState is what has become of a stream for one of its callbacks.
type readerState uint8

const (
	reading readerState = iota
	leftByReader
	expired // it was silent for too long
)

// Group returns the group's name.
func (g *StreamReader) Group() string { return g.group }

// ID returns the stream's id (streamId).
func (g *StreamReader) ID() string { return g.id }

// FromUserID returns the user who sends the stream (fromUserId); empty: none.
func (g *StreamReader) FromUserID() string { return g.user }

// Pieces returns the stream's pieces in their order. An error is the last of them:
// an [*Error] with the Name "UserError" if the publisher has aborted the stream,
// with "IdleTimeout" if it fell silent, [ErrStreamGap] if a piece is missing,
// [ErrConnectionLost] after a new connection, [ErrTooManyStreams] if another stream
// has taken its place. Leaving the loop drops the rest.
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

// put hands a piece on; the dispatcher waits if there is no room. It reports false
// if nobody takes the piece.
func (g *StreamReader) put(p received) bool {
	if g.idle != nil { // it is not the stream that is silent while its callback takes its time
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

// isSilent reports whether the stream was silent for too long while it was read.
func (g *StreamReader) isSilent() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.state == expired
}

// timeOut ends the stream for its silence.
func (g *StreamReader) timeOut() {
	g.mu.Lock()
	silent := g.state == reading
	if silent {
		g.state = expired
	}
	g.mu.Unlock()
	if silent {
		g.box.close(&Error{Name: nameIdleTimeout, Message: "the stream is silent"})
		g.expire()
	}
}

// leave drops all that is and comes in.
func (g *StreamReader) leave() {
	g.mu.Lock()
	if g.state == reading {
		g.state = leftByReader
	}
	g.mu.Unlock()
	g.end(nil)
	g.box.leave()
}

// end ends the stream after what is in it.
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

// takes reports whether the callback takes a stream, m being the first piece seen.
func (h *streamHandler) takes(m *GroupMessage) bool {
	return (len(h.opts.Groups) == 0 || slices.Contains(h.opts.Groups, m.Group)) && (!h.opts.FromStart || m.stream.Sequence <= 1)
}
