package client

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	// maxStreams is how many streams are received at a time.
	maxStreams = 1000
	// maxStreamNames is how many bytes the names of one have, which are kept: more than
	// those of a group, of a user and of an id together.
	maxStreamNames = 12 << 10
	// maxLateCallbacks is how many callbacks may still run whose streams have ended.
	maxLateCallbacks = 100
)

// streams are those that the client receives. They are the dispatcher's own, but
// for their callbacks.
type streams struct {
	d       *dispatcher
	open    map[streamKey]*inbound
	bytes   *budget       // of pieces that wait, or that callbacks have in hand
	late    chan struct{} // holds one for each callback whose stream has ended
	running sync.WaitGroup
	refused refusals
}

// streamKey is what is known of a stream: its id is its publisher's own, who is
// known by his user alone.
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

// deliver takes a piece, which came in a frame of so many bytes.
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
		return // had before
	case seq > in.expected:
		in.broken = true
		x.finish(in, ErrStreamGap)
	default:
		in.expected++
		// The last piece carries an empty text if it carries nothing.
		if !m.stream.End || m.Data.Type() != DataText || m.Data.d.Text != "" {
			x.hand(in, m, received{m.Data, size})
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

// hand passes a piece to all readers of a stream. For one that has given it up for
// its silence it is the first piece of a new stream, as for Microsoft's client.
func (x *streams) hand(in *inbound, m *GroupMessage, p received) {
	for i, g := range in.readers {
		if g.put(p) || !g.isSilent() || m.stream.End || g.callback.removed.Load() || !g.callback.f.takes(m) {
			continue
		}
		x.retire(g)
		in.readers[i] = x.read(in.key, g.callback)
		in.readers[i].put(p)
	}
}

// begin meets a stream for the first time. It returns nil if the stream is passed
// over.
func (x *streams) begin(key streamKey, m *GroupMessage) *inbound {
	if m.stream.End && m.stream.Sequence > 1 {
		return nil // the end of an unknown stream
	}
	var takers []*callback[*streamHandler]
	for _, cb := range x.d.c.onGroupStream.all() {
		if !cb.removed.Load() && cb.f.takes(m) {
			takers = append(takers, cb)
		}
	}
	if len(takers) == 0 {
		return nil
	}
	if len(key.group)+len(key.user)+len(key.id) > maxStreamNames {
		x.d.report(x.d.callbacks, fail("Receive", fmt.Errorf("a stream has names of more than %d bytes", maxStreamNames)))
		return nil
	}
	if !x.admit(key) {
		return nil
	}
	// The message's strings are parts of its frame, which would stay in memory.
	key = streamKey{strings.Clone(key.group), strings.Clone(key.user), strings.Clone(key.id)}
	in := &inbound{key: key, expected: m.stream.Sequence}
	for _, cb := range takers {
		in.readers = append(in.readers, x.read(key, cb))
	}
	x.open[key] = in
	x.refused.forget()
	return in
}

// read calls a callback for a stream.
func (x *streams) read(key streamKey, cb *callback[*streamHandler]) *StreamReader {
	g := &StreamReader{
		group: key.group, user: key.user, id: key.id, callback: cb, stopped: x.d.callbacks.Done(), ended: make(chan struct{}),
		box:    newMailbox(streamBuffer, streamBufferBytes, x.bytes, func(p received) int { return p.size }),
		expire: func() { x.d.queue.call(func() { x.tidy(key) }, nil) },
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

// tidy forgets a stream that has been silent for too long for all its readers.
func (x *streams) tidy(key streamKey) {
	in := x.open[key]
	if in == nil || slices.ContainsFunc(in.readers, func(g *StreamReader) bool { return !g.isSilent() }) {
		return
	}
	delete(x.open, key)
	x.finish(in, nil)
}

// finish ends a stream for its readers, who should return.
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

// retire counts a callback whose stream has ended among those that should return.
// The dispatcher waits if too many have not: strangers can send any number of
// short streams, and what they send stays in memory until then.
func (x *streams) retire(g *StreamReader) {
	select {
	case <-g.ended:
		return
	default:
	}
	select {
	case x.late <- struct{}{}:
	default:
		slow := time.AfterFunc(queueGrace, func() {
			x.d.c.opts.Logger.Warn("callbacks of OnGroupStream do not return after their streams have ended; nothing is received until one does", "callbacks", maxLateCallbacks)
		})
		defer slow.Stop()
		select {
		case x.late <- struct{}{}:
		case <-g.ended:
			return
		case <-x.d.closing: // the context of the callbacks ends next
			return
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case <-g.ended:
		<-x.late
	default:
		g.late = true
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

// wait returns when no callback runs any more.
func (x *streams) wait() { x.running.Wait() }
