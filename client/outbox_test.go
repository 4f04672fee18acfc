package client_test

import (
	"context"
	"errors"
	"net"
	"strings"
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

// slowOutbox returns an outbox over a network that accepts a byte for each permit, and what
// it has accepted.
func slowOutbox(fail func()) (o *client.Outbox, permits chan error, written func() string) {
	permits = make(chan error)
	var mu sync.Mutex
	var all []byte
	o = client.NewOutbox(func(b []byte) error {
		if err := <-permits; err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		all = append(all, b[0])
		return nil
	}, fail)
	return o, permits, func() string {
		mu.Lock()
		defer mu.Unlock()
		return string(all)
	}
}

func frameOf(letter byte, size int) []byte {
	b := make([]byte, size)
	b[0] = letter
	return b
}

// TestSenderWrites checks which senders write themselves: those that wait for an answer,
// while the service has read all but 4 KiB and nothing else is being written.
func TestSenderWrites(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		before, read int // bytes
		size         int
		waits        bool
		writes       bool
	}{
		"first frame":         {size: 100, waits: true, writes: true},
		"no answer":           {size: 100},
		"large":               {size: client.MaxUnread + 1, waits: true},
		"largest":             {size: client.MaxUnread, waits: true, writes: true},
		"much is unread":      {before: client.MaxUnread, size: 100, waits: true},
		"all was read":        {before: 10 * client.MaxUnread, read: 10 * client.MaxUnread, size: 100, waits: true, writes: true},
		"almost all was read": {before: 10 * client.MaxUnread, read: 10*client.MaxUnread - 100, size: client.MaxUnread - 100, waits: true, writes: true},
		"less was read":       {before: 10 * client.MaxUnread, read: 10*client.MaxUnread - 101, size: client.MaxUnread - 100, waits: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				o, permits, written := slowOutbox(func() {})
				if c.before > 0 {
					end, ok, err := o.Put(t.Context(), frameOf('a', c.before), false)
					require.NoError(t, err)
					require.True(t, ok)
					require.EqualValues(t, c.before, end)
					permits <- nil
					synctest.Wait()
				}
				o.Received(uint64(c.read))
				o.Received(0) // an earlier end
				returned := false
				go func() {
					end, ok, err := o.Put(t.Context(), frameOf('b', c.size), c.waits)
					returned = ok && err == nil && end == uint64(c.before+c.size)
				}()
				synctest.Wait()
				assert.Equal(t, !c.writes, returned)
				permits <- nil
				synctest.Wait()
				assert.True(t, returned)
				assert.Contains(t, written(), "b")
				o.Close()
			})
		})
	}
}

// TestSendersInOrder checks that frames which are queued while a sender writes follow in
// order, and are not written by the sender.
func TestSendersInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o, permits, written := slowOutbox(func() {})
		returned := false
		go func() {
			_, _, _ = o.Put(t.Context(), frameOf('a', 1), true)
			returned = true
		}()
		synctest.Wait()
		for _, letter := range []byte("bcd") {
			_, ok, err := o.Put(t.Context(), frameOf(letter, 1), true)
			require.NoError(t, err)
			require.True(t, ok)
		}
		assert.False(t, returned)
		permits <- nil
		synctest.Wait()
		assert.True(t, returned, "another goroutine writes the rest")
		for range 3 {
			permits <- nil
		}
		o.Close()
		assert.Equal(t, "abcd", written())
	})
}

// TestSenderFails checks that nothing is written after a sender's write has failed.
func TestSenderFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		failed := 0
		o, permits, written := slowOutbox(func() { failed++ })
		go func() { _, _, _ = o.Put(t.Context(), frameOf('a', 1), true) }()
		synctest.Wait()
		_, ok, err := o.Put(t.Context(), frameOf('b', 1), true)
		require.NoError(t, err)
		require.True(t, ok)
		permits <- errors.New("lost")
		synctest.Wait()
		_, ok, err = o.Put(t.Context(), frameOf('c', 1), true)
		require.NoError(t, err)
		assert.False(t, ok)
		assert.Equal(t, 1, failed)
		assert.Empty(t, written())
	})
}

// TestSenderWritesAfterAnswers checks that answers show what the service has read: after any
// number of them, the sender still writes itself, which shows in a network without a buffer.
func TestSenderWritesAfterAnswers(t *testing.T) {
	t.Parallel()
	big := client.Text(strings.Repeat("x", 3<<10))
	for name, operation := range map[string]struct {
		run    func(context.Context, *client.Client) error
		answer func(request string) string
	}{
		"message": {
			func(ctx context.Context, c *client.Client) error {
				_, err := c.SendToGroup(ctx, "g", big, nil)
				return err
			},
			func(request string) string { return ack(ackID(t, request), "") },
		},
		"invocation": {
			func(ctx context.Context, c *client.Client) error {
				_, err := c.InvokeEvent(ctx, "e", big, nil)
				return err
			},
			func(request string) string {
				_, rest, _ := strings.Cut(request, `"invocationId":"`)
				id, _, _ := strings.Cut(rest, `"`)
				return `{"type":"invokeResponse","invocationId":"` + id + `","success":true,"dataType":"text","data":"y"}`
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T) {
				f := newFake(t)
				c, p := f.started(&client.Options{KeepAliveTimeout: -1, KeepAliveInterval: -1})
				for range 3 {
					done := make(chan error)
					go func() { done <- operation.run(t.Context(), c) }()
					p.send(operation.answer(p.next()))
					require.NoError(t, <-done)
				}
				ctx, cancel := context.WithCancel(t.Context())
				done := make(chan error, 1)
				go func() { done <- operation.run(ctx, c) }()
				synctest.Wait()
				cancel()
				synctest.Wait()
				assert.Empty(t, done)
				p.next()
				require.ErrorIs(t, <-done, context.Canceled)
			})
		})
	}
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
