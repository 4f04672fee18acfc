package hub

import (
	"sync"
	"time"
)

// Limits of the queue of a link, in addition to what is being written. They exceed what a
// [Delivery] sends on resumption.
const (
	maxQueuedFrames = 10_000
	maxQueuedBytes  = 2 * maxUnackedBytes
)

// Time limits for writing the close frame and receiving the client's: after Abort, and
// after Close, which writes the queue first.
const (
	abortGrace = 250 * time.Millisecond
	closeGrace = 30 * time.Second
)

// Link writes frames to one client in order. Senders never wait. It queues frames until
// it is opened, and has a goroutine only while it writes.
type Link struct {
	write func([]Frame) error
	cut   func()

	mu      sync.Mutex
	queue   []Frame
	bytes   int
	writing bool // or not open yet
	closed  bool
	aborted bool
	grace   *time.Timer // calls cut after a time limit
	idle    sync.Cond   // signalled when writing ends
}

// NewLink returns a link that has not been opened. write writes frames, of which the last
// can be a FrameClose, which closes the transport. It must not keep the slice. It is called
// by one goroutine at a time, and not again after an error or a FrameClose. cut makes a
// blocked write fail, or a handshake that precedes [Link.Open].
func NewLink(write func([]Frame) error, cut func()) *Link {
	l := &Link{write: write, cut: cut, writing: true}
	l.idle.L = &l.mu
	return l
}

// Open starts writing. The transport calls either Open or [Link.Discard], once.
func (l *Link) Open() { go l.drain() }

// Discard closes a link that has not been opened, and drops its queue.
func (l *Link) Discard() { l.fail() }

// Send queues a frame, or drops it if the link is closed. If the queue is full, it
// aborts the link and reports false.
func (l *Link) Send(f Frame) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return true
	}
	if len(l.queue) >= maxQueuedFrames || l.bytes+len(f.Data) > maxQueuedBytes {
		l.abortLocked(Frame{Kind: FrameClose, Code: ClosePolicy, Data: []byte(reasonSlow)})
		return false
	}
	l.push(f)
	if f.Kind == FrameClose {
		l.closed = true
		l.limit(closeGrace)
	}
	return true
}

// Close closes the link after its queue.
func (l *Link) Close(code int, reason string) {
	l.Send(Frame{Kind: FrameClose, Code: code, Data: []byte(reason)})
}

// Abort drops the queue and closes the link.
func (l *Link) Abort(code int, reason string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.abortLocked(Frame{Kind: FrameClose, Code: code, Data: []byte(reason)})
}

func (l *Link) abortLocked(f Frame) {
	if l.aborted {
		return
	}
	l.aborted = true
	if !l.closed {
		l.queue, l.bytes = nil, 0
		l.push(f)
		l.closed = true
	} else if len(l.queue) > 0 {
		l.queue = l.queue[len(l.queue)-1:] // the close frame
	}
	if l.writing {
		l.limit(abortGrace)
	}
}

// limit calls cut if the link has not ended after d.
func (l *Link) limit(d time.Duration) {
	if l.grace != nil {
		l.grace.Stop()
	}
	l.grace = time.AfterFunc(d, l.cut)
}

// Wait waits until the link is open and its queue is empty.
func (l *Link) Wait() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.writing {
		l.idle.Wait()
	}
}

func (l *Link) push(f Frame) {
	l.queue = append(l.queue, f)
	l.bytes += len(f.Data)
	if !l.writing {
		l.writing = true
		go l.drain()
	}
}

// drain writes until the queue is empty. It leaves the link an empty slice for the next
// frames, unless it is large.
func (l *Link) drain() {
	const maxKept = 16 // frames
	var batch []Frame
	for {
		l.mu.Lock()
		batch, l.queue, l.bytes = l.queue, batch[:0], 0
		if len(batch) == 0 {
			l.writing = false
			l.idle.Broadcast()
			l.mu.Unlock()
			return
		}
		l.mu.Unlock()
		last := batch[len(batch)-1].Kind
		if err := l.write(batch); err != nil || last == FrameClose {
			l.fail()
			return
		}
		if clear(batch); cap(batch) > maxKept {
			batch = nil
		}
	}
}

func (l *Link) fail() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed, l.writing = true, false
	l.queue, l.bytes = nil, 0
	if l.grace != nil {
		l.grace.Stop()
	}
	l.idle.Broadcast()
}
