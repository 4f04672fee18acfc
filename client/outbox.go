package client

import (
	"context"
	"sync"

	"github.com/go-webpubsub/webpubsub/client/internal/frame"
)

const (
	// Limits of the frames that wait to be written, in addition to those that are being
	// written. Beyond them, requests wait.
	maxOutFrames = 256
	maxOutBytes  = 4 << 20
	// maxUnread is a number of bytes for which the socket of any system has room, with
	// TLS too.
	maxUnread = 4 << 10
)

// buffer is an encoded frame.
type buffer struct{ b []byte }

var buffers = sync.Pool{New: func() any { return new(buffer) }}

// maxKeptBuffer is the size of the largest buffer that is used again.
const maxKeptBuffer = 64 << 10

func encode(c frame.Codec, r *frame.Request) *buffer {
	b, _ := buffers.Get().(*buffer)
	b.b = c.Append(b.b[:0], r)
	return b
}

func (b *buffer) free() {
	if cap(b.b) <= maxKeptBuffer {
		buffers.Put(b)
	}
}

// outbox writes frames in order. Senders do not wait for the network. It has a
// goroutine only while there is something to write.
//
// A sender that waits for an answer writes its frame itself if the service has read almost
// all of what was sent before: then the socket has room, and the goroutine need not be woken.
// Only a network without a buffer, such as net.Pipe, makes it wait until the service reads.
type outbox struct {
	// write writes a frame. It may leave it to the next call if there are more. There is one
	// call at a time, and none after an error.
	write func(b []byte, more bool) error
	fail  func() // called after an error

	mu      sync.Mutex
	frames  []*buffer
	bytes   int
	end     uint64 // of the last frame: bytes so far
	read    uint64 // of these, the service has read as many, or more
	writing bool
	closed  bool
	room    chan struct{}  // closed when there is room again; nil if no sender waits
	writer  sync.WaitGroup // what is writing
}

// put queues a frame when there is room, or writes it. It returns the frame's end, and
// false if the outbox is closed. waits means that the sender waits for an answer.
func (o *outbox) put(ctx context.Context, b *buffer, waits bool) (end uint64, ok bool, err error) {
	for {
		o.mu.Lock()
		if waits && o.quietLocked(b) {
			o.beginLocked(b)
			end = o.end
			o.mu.Unlock()
			o.writeNow(b)
			return end, true, nil
		}
		if o.closed || !o.fullLocked() {
			ok = o.pushLocked(b)
			end = o.end
			o.mu.Unlock()
			return end, ok, nil
		}
		if o.room == nil {
			o.room = make(chan struct{})
		}
		room := o.room
		o.mu.Unlock()
		select {
		case <-room:
		case <-ctx.Done():
			b.free()
			return 0, false, ctx.Err()
		}
	}
}

// quietLocked reports whether a frame can be written at once.
func (o *outbox) quietLocked(b *buffer) bool {
	return !o.closed && !o.writing && o.end-o.read+uint64(len(b.b)) <= maxUnread
}

// received records that the service has read the frames up to an end.
func (o *outbox) received(end uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.read = max(o.read, end)
}

func (o *outbox) fullLocked() bool { return len(o.frames) >= maxOutFrames || o.bytes >= maxOutBytes }

// full reports whether put would wait.
func (o *outbox) full() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.fullLocked()
}

// push queues a frame without waiting. It reports false if the outbox is closed.
func (o *outbox) push(b *buffer) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.pushLocked(b)
}

func (o *outbox) pushLocked(b *buffer) bool {
	if o.closed {
		b.free()
		return false
	}
	o.frames = append(o.frames, b)
	o.bytes += len(b.b)
	if o.beginLocked(b) {
		go o.drain()
	}
	return true
}

// beginLocked counts a frame. It reports whether nothing was being written.
func (o *outbox) beginLocked(b *buffer) bool {
	o.end += uint64(len(b.b))
	if o.writing {
		return false
	}
	o.writing = true
	o.writer.Add(1)
	return true
}

// writeNow writes a frame. A goroutine writes those that are queued meanwhile.
func (o *outbox) writeNow(b *buffer) {
	if !o.writeAll([]*buffer{b}) {
		o.writer.Done()
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.writing = len(o.frames) > 0; o.writing {
		go o.drain()
		return
	}
	o.writer.Done()
}

// drain writes until the outbox is empty.
func (o *outbox) drain() {
	defer o.writer.Done()
	var batch []*buffer
	for {
		o.mu.Lock()
		batch, o.frames, o.bytes = o.frames, batch[:0], 0
		o.makeRoomLocked()
		o.writing = len(batch) > 0
		o.mu.Unlock()
		if len(batch) == 0 || !o.writeAll(batch) {
			return
		}
	}
}

// writeAll writes frames. It reports false after an error.
func (o *outbox) writeAll(frames []*buffer) bool {
	for i, b := range frames {
		if err := o.write(b.b, i+1 < len(frames)); err != nil {
			o.fail()
			o.close()
			return false
		}
		frames[i] = nil
		b.free()
	}
	return true
}

// close rejects further frames. Those that are queued may still be written.
func (o *outbox) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
	o.makeRoomLocked()
}

// makeRoomLocked makes the senders that wait for room check again.
func (o *outbox) makeRoomLocked() {
	if o.room != nil {
		close(o.room)
		o.room = nil
	}
}

// wait waits until nothing is being written. The outbox must be closed.
func (o *outbox) wait() { o.writer.Wait() }
