//go:build linux

package emulator_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/coder/websocket"
)

// plain is a broadcast server written by hand: it sends each text frame to all other clients.
// Each client has a queue and a goroutine that writes, so that nobody waits for a slow
// client; a client that leaves too much unread is disconnected.
type plain struct {
	// direct writes in the goroutine of the publisher instead: less work, but all wait
	// for the slowest client.
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
	ctx := context.WithoutCancel(r.Context()) // a context that can end has a cost per frame
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
		p.broadcast(ctx, m, data)
	}
}

func (m *member) write(ctx context.Context) {
	for data := range m.queue {
		if m.conn.Write(ctx, websocket.MessageText, data) != nil {
			_ = m.conn.CloseNow()
		}
	}
}

func (p *plain) broadcast(ctx context.Context, from *member, data []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for m := range p.members {
		if m == from {
			continue
		}
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

// posting returns a handler that posts each frame to a URL and sends the answer back.
func posting(url string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer func() { _ = conn.CloseNow() }()
		for ctx := context.WithoutCancel(r.Context()); ; {
			kind, data, err := conn.Read(ctx)
			if err != nil {
				return
			}
			if data, err = post(ctx, url, data); err != nil || conn.Write(ctx, kind, data) != nil {
				return
			}
		}
	}
}

func post(ctx context.Context, url string, data []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "text/plain")
	resp, err := http.DefaultClient.Do(req) //nolint:gosec // the benchmark's server
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	return io.ReadAll(resp.Body)
}

// answering returns the URL of a handler that sends the body of a request back.
func answering(b *testing.B) string {
	b.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			_, _ = w.Write(body)
		}
	}))
	b.Cleanup(s.Close)
	return s.URL
}
