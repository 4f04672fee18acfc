package client

import (
	"context"
	"iter"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// DefaultStreamIdle is how long a stream may be silent before it is given up.
	DefaultStreamIdle = 5 * time.Minute
	// streamBuffer is how many pieces of a stream wait for its callback.
	streamBuffer = 64
	// streamBufferBytes is how many bytes of them.
	streamBufferBytes = 1 << 20
	// maxStreams is how many streams are followed at a time.
	maxStreams = 1000
)

// GroupStreamOptions of receiving streams. Nil and the zero value are the defaults.
type GroupStreamOptions struct {
	// Groups whose streams are received. Empty: all.
	Groups []string
	// FromStart passes over streams whose first piece the client has missed, by
	// joining the group after it.
	FromStart bool
	// IdleTimeout is how long a stream may be silent before it fails. Zero is
	// [DefaultStreamIdle], negative waits for ever.
	IdleTimeout time.Duration
}

// OnGroupStream registers a callback for streams to groups of the client that
// begin, or are met for the first time, from the call on. Unlike
// other callbacks it is called in a goroutine of its own for each stream, which it
// has until it returns; its context ends when the client stops. Pieces that it
// does not take in time hold back the client, as messages do. When it returns, the
// rest of the stream is passed over.
func (c *Client) OnGroupStream(f func(ctx context.Context, stream *GroupStream), opts *GroupStreamOptions) (unregister func()) {
	h := &streamHook{f: f}
	if opts != nil {
		h.opts = *opts
		h.opts.Groups = slices.Clone(opts.Groups)
	}
	if h.opts.IdleTimeout == 0 {
		h.opts.IdleTimeout = DefaultStreamIdle
	}
	return c.onGroupStream.add(h)
}

// GroupStream is a stream that a client sends to a group.
type GroupStream struct {
	group, user, id string
	box             *mailbox[Data]
	stopped         <-chan struct{}
	idle            *time.Timer
	wait            time.Duration
}

// Group gives the group's name.
func (g *GroupStream) Group() string { return g.group }

// ID gives the stream's id (streamId).
func (g *GroupStream) ID() string { return g.id }

// FromUserID gives the user who sends the stream (fromUserId); empty: none.
func (g *GroupStream) FromUserID() string { return g.user }

// Pieces gives the stream's pieces in their order. An error is the last of them:
// an [*Error] with the Name "UserError" if the publisher has aborted the stream,
// with "IdleTimeout" if it fell silent, [ErrStreamGap] if a piece is missing,
// [ErrConnectionLost] after a new connection. Leaving the loop drops the rest.
func (g *GroupStream) Pieces() iter.Seq2[Data, error] {
	return func(yield func(Data, error) bool) {
		defer g.box.leave()
		for {
			d, err, ok := g.box.get(g.stopped)
			switch {
			case !ok && err != nil:
				yield(Data{}, fail(opStream, err))
				return
			case !ok:
				return
			case !yield(d, nil):
				return
			}
		}
	}
}

// put hands a piece on; the dispatcher waits if there is no room.
func (g *GroupStream) put(d Data) {
	if g.idle != nil { // it is not the stream that is silent while its callback takes its time
		g.idle.Stop()
		defer g.idle.Reset(g.wait)
	}
	g.box.put(d, g.stopped)
}

func (g *GroupStream) end(err error) {
	if g.idle != nil {
		g.idle.Stop()
	}
	g.box.close(err)
}

// streamHooks are the callbacks for streams.
type streamHooks struct {
	mu   sync.Mutex
	list []*streamHook
}

type streamHook struct {
	f    func(context.Context, *GroupStream)
	opts GroupStreamOptions
	gone atomic.Bool
}

func (h *streamHooks) add(added *streamHook) (remove func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.list = append(slices.Clone(h.list), added)
	return func() {
		added.gone.Store(true)
		h.mu.Lock()
		defer h.mu.Unlock()
		h.list = slices.DeleteFunc(slices.Clone(h.list), func(x *streamHook) bool { return x == added })
	}
}

func (h *streamHooks) all() []*streamHook {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.list
}

// streams are those that the client receives. They are the dispatcher's own, but
// for their callbacks.
type streams struct {
	s       *session
	open    map[streamKey]*inbound
	running sync.WaitGroup
}

// streamKey is what is known of a stream: its id is its publisher's own, who is
// known by his user alone.
type streamKey struct{ group, user, id string }

// inbound is a stream that has begun and not ended.
type inbound struct {
	expected uint64
	heard    time.Time
	broken   bool
	readers  []*GroupStream
}

func newStreams(s *session) *streams { return &streams{s: s, open: make(map[streamKey]*inbound)} }

// deliver takes a piece.
func (x *streams) deliver(m *GroupMessage) {
	key := streamKey{m.Group, m.FromUserID, m.stream.ID}
	in := x.open[key]
	if in == nil {
		if in = x.begin(key, m); in == nil {
			return
		}
	}
	in.heard = time.Now()
	switch seq := m.stream.Sequence; {
	case in.broken:
	case seq < in.expected:
		return // had before
	case seq > in.expected:
		in.broken = true
		in.end(ErrStreamGap)
	default:
		in.expected++
		// The last piece carries an empty text if it carries nothing.
		if !m.stream.End || m.Data.Type() != DataText || m.Data.d.Text != "" {
			for _, g := range in.readers {
				g.put(m.Data)
			}
		}
	}
	if m.stream.End {
		delete(x.open, key)
		var err error
		if m.stream.Failure != nil {
			err = refusal(m.stream.Failure)
		}
		in.end(err)
	}
}

// begin meets a stream for the first time.
func (x *streams) begin(key streamKey, m *GroupMessage) *inbound {
	if m.stream.End && m.stream.Sequence > 1 {
		return nil // the end of one that nobody has met
	}
	if len(x.open) >= maxStreams && !x.sweep() {
		x.s.c.opts.Logger.Warn("too many streams at a time, one is passed over", "group", quote(key.group))
		return nil
	}
	in := &inbound{expected: m.stream.Sequence}
	for _, h := range x.s.c.onGroupStream.all() {
		if h.gone.Load() || len(h.opts.Groups) > 0 && !slices.Contains(h.opts.Groups, key.group) || h.opts.FromStart && m.stream.Sequence > 1 {
			continue
		}
		g := &GroupStream{
			group: m.Group, user: m.FromUserID, id: m.stream.ID, box: newMailbox(streamBuffer, streamBufferBytes, Data.size),
			stopped: x.s.callbacks.Done(), wait: h.opts.IdleTimeout,
		}
		if g.wait > 0 {
			g.idle = time.AfterFunc(g.wait, func() { g.box.close(&Error{Name: nameIdleTimeout, Message: "the stream is silent"}) })
		}
		in.readers = append(in.readers, g)
		x.running.Go(func() {
			defer g.end(nil)
			defer g.box.leave()
			protectStream(x.s, h.f, g)
		})
	}
	if len(in.readers) == 0 {
		return nil
	}
	x.open[key] = in
	return in
}

// sweep forgets streams that have been silent for so long that they have ended,
// and tells whether there were any.
func (x *streams) sweep() bool {
	n := len(x.open)
	for key, in := range x.open {
		if time.Since(in.heard) > DefaultStreamIdle {
			in.end(&Error{Name: nameIdleTimeout, Message: "the stream is silent"})
			delete(x.open, key)
		}
	}
	return len(x.open) < n
}

func (in *inbound) end(err error) {
	for _, g := range in.readers {
		g.end(err)
	}
	in.readers = nil
}

// end ends all streams.
func (x *streams) end(err error) {
	for _, in := range x.open {
		in.end(err)
	}
	clear(x.open)
}

// wait returns when no callback runs any more.
func (x *streams) wait() { x.running.Wait() }
