package client_test

import (
	"context"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/client"
)

// TestSlowNetwork checks that requests wait for room in the outbox until their
// context ends, and that the client drops a WebSocket that accepts nothing.
func TestSlowNetwork(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		c, _ := f.started(&client.Options{KeepAliveTimeout: -1, KeepAliveInterval: -1})
		synctest.Wait()
		seen := record(c)
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		var err error
		n := 0
		for ; err == nil; n++ {
			_, err = c.SendToGroup(ctx, "g", client.Binary(make([]byte, 64<<10)), &client.SendOptions{FireAndForget: true})
		}
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Less(t, n, 100, "about 4 MiB wait to be written")
		assert.Empty(t, seen.settled())
		for len(seen.settled()) == 0 { // 64 KiB have 40 seconds
			pass(time.Second)
			require.Less(t, time.Since(start), time.Minute)
		}
		assert.Equal(t, "recovering", c.State().String(), "a write that makes no progress ends the WebSocket")
		f.recovered("id-1")
		assert.Equal(t, []string{"recovered"}, seen.settled())
	})
}

// TestContextEndsDuringWrites checks that requests end with their contexts although the
// network accepts no more data: they are written by their own goroutines only while the
// network has room.
func TestContextEndsDuringWrites(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		f.network.setShape(func(c *cable) { c.Conn = newBuffered(c.Conn, 16<<10) })
		c := f.client(&client.Options{KeepAliveTimeout: -1, KeepAliveInterval: -1})
		p := f.start(c)
		for range 3 { // the service has read all
			run := begin(func() (client.Result, error) {
				return c.SendToGroup(t.Context(), "g", client.Text("x"), nil)
			})
			id := p.expectAck("sendToGroup")
			p.send(ack(id, ""))
			run.succeeds(t, client.Result{AckID: id})
		}
		for range 25 { // and then nothing
			begun := time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			_, err := c.SendToGroup(ctx, "g", client.Binary(make([]byte, 1<<10)), nil)
			cancel()
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.Equal(t, time.Second, time.Since(begun))
		}
		go p.drain()
	})
}

// buffered is a connection that accepts a number of bytes before they are read, as sockets do.
type buffered struct {
	net.Conn
	size int

	mu     sync.Mutex
	turn   sync.Cond // signalled when held or closed changes
	held   []byte
	closed bool
}

func newBuffered(below net.Conn, size int) *buffered {
	b := &buffered{Conn: below, size: size}
	b.turn.L = &b.mu
	go b.pump()
	return b
}

func (b *buffered) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for !b.closed && len(b.held) > 0 && len(b.held)+len(p) > b.size {
		b.turn.Wait()
	}
	if b.closed {
		return 0, net.ErrClosed
	}
	b.held = append(b.held, p...)
	b.turn.Broadcast()
	return len(p), nil
}

// pump passes on what was written.
func (b *buffered) pump() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for !b.closed {
		if len(b.held) == 0 {
			b.turn.Wait()
			continue
		}
		p := b.held[:min(len(b.held), 512)]
		b.mu.Unlock()
		n, err := b.Conn.Write(p)
		b.mu.Lock()
		b.held = b.held[n:]
		b.closed = b.closed || err != nil
		b.turn.Broadcast()
	}
}

func (b *buffered) Close() error {
	b.mu.Lock()
	b.closed = true
	b.turn.Broadcast()
	b.mu.Unlock()
	return b.Conn.Close()
}
