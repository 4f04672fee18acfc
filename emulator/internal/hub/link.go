package hub

import (
	"sync"
	"time"
)

// What a client may leave unread before it is taken for too slow. It is more than
// what a client that comes back is sent at once.
const (
	maxQueuedFrames = 10_000
	maxQueuedBytes  = 2 * maxUnackedBytes
)

// How long a link that is to end may take for it, and for the client's answer: at
// once, or after all that is queued. Tests that leave clients behind wait for the
// first each time.
const (
	abortGrace = 250 * time.Millisecond
	closeGrace = 30 * time.Second
)

// Link takes frames to one client in order without ever making the sender wait.
// It holds them until it is opened, and needs no goroutine while there is nothing
// to write.
type Link struct {
	write func(Frame) error
	cut   func()

	mu      sync.Mutex
	queue   []Frame
	bytes   int
	writing bool // or not open yet
	closed  bool
	aborted bool
	grace   *time.Timer // cuts a write short once the link is to end
	idle    sync.Cond   // signalled when writing ends
}

// NewLink returns a link over a function that writes one frame, and ends the
// transport on a FrameClose. It is called by one goroutine at a time, once the
// link is open; after an error, or a FrameClose, not again. cut makes a write that
// hangs fail, or what comes before [Link.Open].
func NewLink(write func(Frame) error, cut func()) *Link {
	l := &Link{write: write, cut: cut, writing: true}
	l.idle.L = &l.mu
	return l
}

// Open writes what the link holds, and from then on what is sent. The caller calls
// it or [Link.Discard], once.
func (l *Link) Open() { go l.drain() }

// Discard closes a link that has not been opened and drops what it holds.
func (l *Link) Discard() { l.fail() }

// Send queues a frame; what is sent over a closed link is lost. It reports false
// if the client has left too much unread, which closes the link.
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

// Close ends the link after what is queued.
func (l *Link) Close(code int, reason string) {
	l.Send(Frame{Kind: FrameClose, Code: code, Data: []byte(reason)})
}

// Abort ends the link at once; what is queued is lost, and a client that does not
// read is not waited for.
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

// limit gives the client so much time to take what is left.
func (l *Link) limit(d time.Duration) {
	if l.grace != nil {
		l.grace.Stop()
	}
	l.grace = time.AfterFunc(d, l.cut)
}

// Wait returns when the link is open and nothing is being written any more.
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

// drain writes until nothing is left.
func (l *Link) drain() {
	for {
		l.mu.Lock()
		batch := l.queue
		l.queue, l.bytes = nil, 0
		if len(batch) == 0 {
			l.writing = false
			l.idle.Broadcast()
			l.mu.Unlock()
			return
		}
		l.mu.Unlock()
		for _, f := range batch {
			if err := l.write(f); err != nil || f.Kind == FrameClose {
				l.fail()
				return
			}
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
