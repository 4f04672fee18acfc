package client_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/client"
)

// TestMailboxBytes checks the limit of bytes that wait for iterators and streams.
func TestMailboxBytes(t *testing.T) {
	t.Parallel()
	large := strings.Repeat("x", 1<<20)
	tests := map[string]struct {
		take     func(c *client.Client)
		send     func(i int) string
		queue, n int
		most     int64
	}{
		"iterator": {
			func(c *client.Client) { _ = c.GroupMessages(context.Background()) },
			func(i int) string { return strings.Replace(group(i+1, "*"), "*", large, 1) }, 100, 40, 36,
		},
		"streams": {
			func(c *client.Client) {
				c.OnGroupStream(func(ctx context.Context, _ *client.StreamReader) { <-ctx.Done() }, nil)
			},
			func(i int) string { return strings.Replace(streamPiece(i+1, "*", ""), "*", large, 1) }, 4, 20, 8,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T) {
				f := newFake(t)
				c := f.client(&client.Options{KeepAliveInterval: -1, QueueSize: tt.queue})
				tt.take(c)
				p := f.start(c)
				go p.drain()
				var sent atomic.Int64
				go func() {
					for i := range tt.n {
						if p.conn.Write(t.Context(), websocket.MessageText, []byte(tt.send(i))) != nil {
							return
						}
						sent.Add(1)
					}
				}()
				synctest.Wait()
				assert.LessOrEqual(t, sent.Load(), tt.most)
				p.drop()
				require.NoError(t, c.Stop(t.Context()))
			})
		})
	}
}
