// Package pump reads WebSockets for tests. A connection answers pings only while a
// goroutine reads from it. Without one, a test that waits would lose its client to
// the keep-alive.
package pump

import (
	"context"
	"sync"

	"github.com/coder/websocket"
)

// Reader reads the messages of a connection and queues them, without limit.
type Reader struct {
	mu    sync.Mutex
	queue []message
	err   error         // why the connection ended
	more  chan struct{} // wakes Next; closed at the end
}

type message struct {
	kind websocket.MessageType
	data []byte
}

// New starts a goroutine that reads from a connection until it is closed. Nothing
// else may read from it.
func New(conn *websocket.Conn) *Reader {
	r := &Reader{more: make(chan struct{}, 1)}
	go r.run(conn)
	return r
}

func (r *Reader) run(conn *websocket.Conn) {
	defer close(r.more)
	for {
		// Not the context of Next: if it ended, Read would close the connection.
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

// Next returns the next message and blocks until there is one. After the last one it
// returns the error that ended the connection. Only one goroutine may call it at a
// time.
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

// Wait blocks until the connection is closed and its reader has ended.
func (r *Reader) Wait() {
	for range r.more {
		continue
	}
}
