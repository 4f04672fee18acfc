// Package pump reads WebSockets for tests. A connection answers pings only while
// somebody reads from it, and a test that compares, waits or is kept waiting by a
// busy machine does not read: its client would be cut off as one that is gone.
package pump

import (
	"context"
	"sync"

	"github.com/coder/websocket"
)

// Reader holds the messages of a connection until they are asked for. There is no
// limit to them: it is for tests.
type Reader struct {
	mu    sync.Mutex
	queue []message
	err   error         // that ended the connection
	more  chan struct{} // wakes Next; closed at the end
}

type message struct {
	kind websocket.MessageType
	data []byte
}

// New starts to read from a connection and goes on until it is closed. Nobody
// else may read from it.
func New(conn *websocket.Conn) *Reader {
	r := &Reader{more: make(chan struct{}, 1)}
	go r.run(conn)
	return r
}

func (r *Reader) run(conn *websocket.Conn) {
	defer close(r.more)
	for {
		// The context of a read that is cancelled closes the connection, so that
		// of Next must not be used here.
		kind, data, err := conn.Read(context.Background())
		r.mu.Lock()
		if err != nil {
			r.err = err
			r.mu.Unlock()
			return
		}
		r.queue = append(r.queue, message{kind, data})
		r.mu.Unlock()
		select {
		case r.more <- struct{}{}:
		default:
		}
	}
}

// Next returns the oldest message that has not been returned, and waits for one
// if there is none. After the last it returns the error that ended the connection.
// It is for one goroutine at a time.
func (r *Reader) Next(ctx context.Context) (websocket.MessageType, []byte, error) {
	for {
		r.mu.Lock()
		if len(r.queue) > 0 {
			m := r.queue[0]
			r.queue = r.queue[1:]
			r.mu.Unlock()
			return m.kind, m.data, nil
		}
		err := r.err
		r.mu.Unlock()
		if err != nil {
			return 0, nil, err
		}
		select {
		case <-r.more:
		case <-ctx.Done():
			return 0, nil, ctx.Err()
		}
	}
}

// Wait waits until nothing reads from the connection any more, which is after it
// has been closed.
func (r *Reader) Wait() {
	for range r.more {
		continue
	}
}
