package client

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	// maxStreams is the maximum number of streams received at a time.
	maxStreams = 1000
	// maxStreamNames limits a stream's group, user and id together. Valid ones are
	// smaller.
	maxStreamNames = 12 << 10
	// maxLateCallbacks is how many callbacks may outlive their streams.
	maxLateCallbacks = 100
)

// streams are the streams that the client receives. Apart from their callbacks,
// only the dispatcher's goroutine uses them.
type streams struct {
	d       *dispatcher
	open    map[streamKey]*inbound
	bytes   *budget        // of pieces that wait or that callbacks are handling
	late    chan struct{}  // holds an element for each late callback
	running sync.WaitGroup // the callbacks
	refused refusals
}

// streamKey identifies a stream. Publishers choose the id; the service names their
// user.
type streamKey struct{ group, user, id string }

// inbound is a stream that has begun and not ended.
type inbound struct {
	key      streamKey
	expected uint64
	heard    time.Time
	broken   bool
	readers  []*StreamReader
}

func newStreams(d *dispatcher) *streams {
	return &streams{d: d, open: make(map[streamKey]*inbound), bytes: newBudget(maxQueueBytes), late: make(chan struct{}, maxLateCallbacks)}
}

// deliver handles a piece. size is that of its frame.
func (x *streams) deliver(m *GroupMessage, size int) {
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
		return // a duplicate
	case seq > in.expected:
		in.broken = true
		x.finish(in, ErrStreamGap)
	default:
		in.expected++
		// The last piece carries an empty text if it carries nothing.
		if !m.stream.End || m.Data.Type() != DataText || m.Data.d.Text != "" {
			x.pass(in, m, received{m.Data, size})
		}
	}
	if m.stream.End {
		delete(x.open, in.key)
		var err error
		if m.stream.Failure != nil {
			err = refusal(m.stream.Failure)
		}
		x.finish(in, err)
	}
}

// pass passes a piece to all readers of a stream. For a reader that has timed out,
// it is the first piece of a new stream, as in Microsoft's client.
func (x *streams) pass(in *inbound, m *GroupMessage, p received) {
	for i, g := range in.readers {
		if g.put(p) || !g.isSilent() || m.stream.End || g.callback.removed.Load() || !g.callback.f.accepts(m) {
			continue
		}
		x.retire(g)
		in.readers[i] = x.read(in.key, g.callback)
		in.readers[i].put(p)
	}
}

// begin registers a new stream. It returns nil if the stream is ignored.
func (x *streams) begin(key streamKey, m *GroupMessage) *inbound {
	if m.stream.End && m.stream.Sequence > 1 {
		return nil // the end of an unknown stream
	}
	var accepting []*callback[*streamHandler]
	for _, cb := range x.d.c.onGroupStream.all() {
		if !cb.removed.Load() && cb.f.accepts(m) {
			accepting = append(accepting, cb)
		}
	}
	if len(accepting) == 0 {
		return nil
	}
	if len(key.group)+len(key.user)+len(key.id) > maxStreamNames {
		x.d.report(x.d.callbacks, fail("Receive", fmt.Errorf("stream dropped: its group, user and id have more than %d bytes", maxStreamNames)))
		return nil
	}
	if !x.admit(key) {
		return nil
	}
	// The strings of the message are parts of its frame, which would stay in memory.
	key = streamKey{strings.Clone(key.group), strings.Clone(key.user), strings.Clone(key.id)}
	in := &inbound{key: key, expected: m.stream.Sequence}
	for _, cb := range accepting {
		in.readers = append(in.readers, x.read(key, cb))
	}
	x.open[key] = in
	x.refused.forget()
	return in
}

// read starts a callback for a stream.
func (x *streams) read(key streamKey, cb *callback[*streamHandler]) *StreamReader {
	g := &StreamReader{
		group: key.group, user: key.user, id: key.id, callback: cb, stopped: x.d.callbacks.Done(), ended: make(chan struct{}),
		box:    newMailbox(streamBuffer, streamBufferBytes, x.bytes, func(p received) int { return p.size }),
		expire: func() { x.d.queue.call(func() { x.forgetSilent(key) }) },
	}
	if cb.f.opts.IdleTimeout > 0 {
		g.idle = time.AfterFunc(cb.f.opts.IdleTimeout, g.timeOut)
	}
	x.running.Go(func() {
		defer x.returned(g)
		protect(func() { cb.f.f(x.d.callbacks, g) }, x.d.reportLater)
	})
	return g
}

// returned is called when a callback has returned.
func (x *streams) returned(g *StreamReader) {
	g.leave()
	g.mu.Lock()
	close(g.ended)
	late := g.late
	g.mu.Unlock()
	if late {
		<-x.late
	}
}

// forgetSilent forgets a stream that has timed out for all its readers.
func (x *streams) forgetSilent(key streamKey) {
	in := x.open[key]
	if in == nil || slices.ContainsFunc(in.readers, func(g *StreamReader) bool { return !g.isSilent() }) {
		return
	}
	delete(x.open, key)
	x.finish(in, nil)
}

// finish ends a stream for its readers, whose callbacks should then return.
func (x *streams) finish(in *inbound, err error) {
	for _, g := range in.readers {
		g.end(err)
	}
	for _, g := range in.readers {
		x.retire(g)
	}
	in.readers = nil
	x.refused.forget()
}

// retire counts the callback of a stream that has ended as late. If too many are
// late, the dispatcher waits: other clients can send any number of short streams,
// and their pieces stay in memory until the callbacks return.
func (x *streams) retire(g *StreamReader) {
	if isClosed(g.ended) {
		return
	}
	select {
	case x.late <- struct{}{}:
	default:
		slow := time.AfterFunc(queueGrace, func() {
			x.d.c.opts.Logger.Warn("callbacks of OnGroupStream do not return after their streams have ended; the client receives nothing until one does", "callbacks", maxLateCallbacks)
		})
		defer slow.Stop()
		select {
		case x.late <- struct{}{}:
		case <-g.ended:
			return
		case <-x.d.closing: // the context of the callbacks is about to end
			return
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.late = !isClosed(g.ended); !g.late {
		<-x.late
	}
}

// end ends all streams.
func (x *streams) end(err error) {
	for _, in := range x.open {
		for _, g := range in.readers {
			g.end(err)
		}
	}
	for _, in := range x.open {
		x.finish(in, err)
	}
	clear(x.open)
}
