package client_test

import (
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/client"
)

// counted records the sizes of the writes to a connection.
type counted struct {
	net.Conn
	mu    sync.Mutex
	sizes []int
}

func (c *counted) Write(p []byte) (int, error) {
	c.mu.Lock()
	c.sizes = append(c.sizes, len(p))
	c.mu.Unlock()
	return c.Conn.Write(p)
}

func (c *counted) taken() []int {
	c.mu.Lock()
	defer c.mu.Unlock()
	sizes := c.sizes
	c.sizes = nil
	return sizes
}

// TestFramesTogether checks that frames which wait are written together, in order and at
// most 8 KiB at a time, and that a pong is written between them.
func TestFramesTogether(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ frames, size, writes int }{
		"one":   {1, 10, 1},
		"small": {30, 10, 1},
		"large": {100, 1 << 10, 30},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T) {
				f := newFake(t)
				var below *counted
				f.network.setShape(func(c *cable) {
					below = &counted{Conn: c.Conn}
					c.Conn = below
				})
				cl, p := f.started(&client.Options{KeepAliveInterval: -1, KeepAliveTimeout: -1})
				send := func(text string) {
					_, err := cl.SendToGroup(t.Context(), "g", client.Text(text), &client.SendOptions{FireAndForget: true})
					require.NoError(t, err)
				}
				below.taken()
				send("first") // the network accepts nothing before the service reads
				synctest.Wait()
				require.Len(t, below.taken(), 1)
				padding := strings.Repeat("x", c.size)
				for i := range c.frames {
					send(fmt.Sprint(i, padding))
				}
				pinged := make(chan error, 1)
				go func() { pinged <- p.conn.Ping(t.Context()) }()
				frame := func(text string) string {
					return `{"type":"sendToGroup","group":"g","noEcho":false,"dataType":"text","data":"` + text + `"}`
				}
				p.expect(frame("first"))
				for i := range c.frames {
					p.expect(frame(fmt.Sprint(i, padding)))
				}
				go p.drain()
				require.NoError(t, <-pinged)
				sizes := below.taken()
				assert.LessOrEqual(t, len(sizes), c.writes+1, "the pong may have a write of its own")
				for _, size := range sizes {
					assert.LessOrEqual(t, size, 8<<10)
				}
			})
		})
	}
}

// TestCloseBetweenFrames checks that the service's close frame is answered while frames
// wait to be written.
func TestCloseBetweenFrames(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		cl, p := f.started(&client.Options{KeepAliveInterval: -1, KeepAliveTimeout: -1})
		for range 101 {
			_, err := cl.SendToGroup(t.Context(), "g", client.Text(strings.Repeat("x", 1<<10)), &client.SendOptions{FireAndForget: true})
			require.NoError(t, err)
			synctest.Wait()
		}
		p.next() // then the network accepts nothing again, in the middle of the frames
		synctest.Wait()
		require.NoError(t, p.conn.Close(websocket.StatusServiceRestart, "")) // discards the frames
	})
}

// TestIdleCork checks that a connection keeps no memory for frames that were written.
func TestIdleCork(t *testing.T) {
	t.Parallel()
	here, there := net.Pipe()
	written := make(chan string)
	go func() {
		b, _ := io.ReadAll(there)
		written <- string(b)
	}()
	c := client.NewCork(here)
	for _, text := range []string{"a", "b"} {
		require.NoError(t, c.Write([]byte(text+"1"), true))
		assert.True(t, c.Holds())
		require.NoError(t, c.Write([]byte(text+"2"), false))
		assert.False(t, c.Holds())
	}
	require.NoError(t, here.Close())
	assert.Equal(t, "a1a2b1b2", <-written)
}
