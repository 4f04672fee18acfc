//go:build linux

package emulator_test

import (
	"context"
	"net/http"
	"sync"

	"github.com/coder/websocket"
)

// plain is the broadcast server that one writes by hand: each text frame goes to
// everybody. Each client has a queue and a goroutine that writes, so that nobody
// waits for a slow one; who leaves too much unread is cut off.
type plain struct {
	// direct writes in the goroutine of the publisher instead: there is less to do,
	// and everybody waits for the slowest.
	direct bool

	mu      sync.Mutex
	members map[*member]struct{}
}

type member struct {
	conn  *websocket.Conn
	queue chan []byte
}

func (p *plain) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	conn, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	ctx := context.WithoutCancel(r.Context()) // one that can end costs each frame
	m := &member{conn: conn}
	if !p.direct {
		m.queue = make(chan []byte, 16)
		go m.write(ctx)
		defer close(m.queue)
	}
	p.mu.Lock()
	p.members[m] = struct{}{}
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		delete(p.members, m)
		p.mu.Unlock()
		_ = conn.CloseNow()
	}()
	for {
		_, data, err := conn.Read(ctx)
		if err != nil {
			return
		}
		p.broadcast(ctx, data)
	}
}

func (m *member) write(ctx context.Context) {
	for data := range m.queue {
		if m.conn.Write(ctx, websocket.MessageText, data) != nil {
			_ = m.conn.CloseNow()
		}
	}
}

func (p *plain) broadcast(ctx context.Context, data []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for m := range p.members {
		if p.direct {
			_ = m.conn.Write(ctx, websocket.MessageText, data)
			continue
		}
		select {
		case m.queue <- data:
		default:
			go func() { _ = m.conn.CloseNow() }() // too slow
		}
	}
}

// echo sends each frame back.
func echo(w http.ResponseWriter, r *http.Request) {
	conn, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	defer func() { _ = conn.CloseNow() }()
	for ctx := context.WithoutCancel(r.Context()); ; {
		kind, data, err := conn.Read(ctx)
		if err != nil || conn.Write(ctx, kind, data) != nil {
			return
		}
	}
}
