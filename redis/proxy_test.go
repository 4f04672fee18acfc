package redis_test

import (
	"bytes"
	"net"
	"sync"
	"testing"

	"github.com/redis/rueidis"
	"github.com/stretchr/testify/require"
)

// proxy is the network between a client and a server.
type proxy struct {
	listener net.Listener
	socket   string

	mu    sync.Mutex
	conns map[net.Conn]struct{}
	lose  []byte // what a request contains whose answer is to be lost, nil for none
	lost  int
}

// startProxy listens in front of a server until the test ends.
func startProxy(tb testing.TB, s *server) *proxy {
	tb.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(tb, err)
	p := &proxy{listener: listener, socket: s.socket, conns: make(map[net.Conn]struct{})}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		var group sync.WaitGroup
		defer group.Wait()
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			group.Go(func() { p.serve(conn) })
		}
	}()
	tb.Cleanup(func() {
		_ = listener.Close()
		p.cut()
		<-ended
	})
	return p
}

func (p *proxy) client(tb testing.TB) rueidis.Client {
	tb.Helper()
	return newClient(tb, "redis://"+p.listener.Addr().String())
}

// cut ends all connections.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		_ = c.Close()
	}
}

// loseAnswer ends the connection of the next request that contains some text, after the
// server has answered it and before the client gets the answer.
func (p *proxy) loseAnswer(request string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lose, p.lost = []byte(request), 0
}

// answersLost returns the number of answers that were lost since loseAnswer.
func (p *proxy) answersLost() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lost
}

// loses reports whether the answer to a request is to be lost.
func (p *proxy) loses(request []byte) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.lose == nil || !bytes.Contains(request, p.lose) {
		return false
	}
	p.lose = nil
	p.lost++
	return true
}

func (p *proxy) serve(client net.Conn) {
	upstream, err := net.Dial("unix", p.socket)
	if err != nil {
		_ = client.Close()
		return
	}
	p.mu.Lock()
	p.conns[client], p.conns[upstream] = struct{}{}, struct{}{}
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.conns, client)
		delete(p.conns, upstream)
	}()
	losing := make(chan struct{}, 1) // filled before the server has the request
	var group sync.WaitGroup
	group.Go(func() {
		copyEach(upstream, client, func(request []byte) bool {
			if p.loses(request) {
				losing <- struct{}{}
			}
			return true
		})
	})
	copyEach(client, upstream, func([]byte) bool {
		select {
		case <-losing:
			return false
		default:
			return true
		}
	})
	group.Wait()
}

// copyEach copies what arrives until a connection ends or pass returns false.
func copyEach(to, from net.Conn, pass func([]byte) bool) {
	defer func() { _, _ = to.Close(), from.Close() }()
	buffer := make([]byte, 1<<16)
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			if !pass(buffer[:n]) {
				return
			}
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}
