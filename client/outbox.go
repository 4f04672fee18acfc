package client

import (
	"context"
	"sync"

	"github.com/go-webpubsub/webpubsub/client/internal/frame"
)

// What may wait to be written before requests wait for room.
const (
	maxOutFrames = 256
	maxOutBytes  = 4 << 20
)

// buffer is a frame on its way out.
type buffer struct{ b []byte }

var buffers = sync.Pool{New: func() any { return new(buffer) }}

// maxKeptBuffer is the largest buffer that is used again.
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

// outbox writes frames in order, without making those who send them wait for the
// network. It needs no goroutine while there is nothing to write.
type outbox struct {
	write func([]byte) error // one call at a time, none after an error
	fail  func()             // called after an error

	mu      sync.Mutex
	frames  []*buffer
	bytes   int
	writing bool
	closed  bool
	room    chan struct{} // closed when there is room again; nil if nobody waits
	idle    chan struct{} // closed when nothing is being written; nil if nobody waits
}

// put queues a frame once there is room. It reports false if the outbox is
// closed.
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

// full tells whether frames that can wait would have to.
func (o *outbox) full() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.fullLocked()
}

// push queues a frame that cannot wait.
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
		go o.drain()
	}
	return true
}

// drain writes until nothing is left.
func (o *outbox) drain() {
	var batch []*buffer
	for {
		o.mu.Lock()
		batch, o.frames, o.bytes = o.frames, batch[:0], 0
		if o.room != nil {
			close(o.room)
			o.room = nil
		}
		if len(batch) == 0 {
			o.restLocked()
			o.mu.Unlock()
			return
		}
		o.mu.Unlock()
		for i, b := range batch {
			if err := o.write(b.b); err != nil {
				o.fail()
				o.close()
				o.mu.Lock()
				o.restLocked()
				o.mu.Unlock()
				return
			}
			batch[i] = nil
			b.free()
		}
	}
}

func (o *outbox) restLocked() {
	o.writing = false
	if o.idle != nil {
		close(o.idle)
		o.idle = nil
	}
}

// close takes no more frames; those that are queued may still be written.
func (o *outbox) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
	if o.room != nil {
		close(o.room)
		o.room = nil
	}
}

// wait returns when nothing is being written any more.
func (o *outbox) wait() {
	o.mu.Lock()
	if !o.writing {
		o.mu.Unlock()
		return
	}
	if o.idle == nil {
		o.idle = make(chan struct{})
	}
	idle := o.idle
	o.mu.Unlock()
	<-idle
}
