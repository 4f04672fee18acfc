package client

import (
	"context"
	"sync"

	"github.com/go-webpubsub/webpubsub/client/internal/frame"
)

// Limits of the frames that wait to be written. Beyond them, requests wait.
const (
	maxOutFrames = 256
	maxOutBytes  = 4 << 20
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
type outbox struct {
	write func([]byte) error // one call at a time, none after an error
	fail  func()             // called after an error

	mu      sync.Mutex
	frames  []*buffer
	bytes   int
	writing bool
	closed  bool
	room    chan struct{}  // closed when there is room again; nil if no sender waits
	writer  sync.WaitGroup // the goroutine that writes
}

// put queues a frame when there is room. It reports false if the outbox is closed.
func (o *outbox) put(ctx context.Context, b *buffer) (bool, error) {
	for {
		o.mu.Lock()
		if o.closed || !o.fullLocked() {
			ok := o.pushLocked(b)
			o.mu.Unlock()
			return ok, nil
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
			return false, ctx.Err()
		}
	}
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
	if !o.writing {
		o.writing = true
		o.writer.Add(1)
		go o.drain()
	}
	return true
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
		if len(batch) == 0 {
			return
		}
		for i, b := range batch {
			if err := o.write(b.b); err != nil {
				o.fail()
				o.close()
				return
			}
			batch[i] = nil
			b.free()
		}
	}
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
