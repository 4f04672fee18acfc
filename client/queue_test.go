package client_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/client"
)

// TestSlowCallbackStopsReading checks that the client stops reading when the queue
// is full, loses nothing, and does not take its own pause for a silent service.
func TestSlowCallbackStopsReading(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		c := f.client(&client.Options{QueueSize: 10, KeepAliveInterval: -1, KeepAliveTimeout: 3 * time.Second})
		seen := new(recorder)
		free := make(chan struct{})
		c.OnGroupMessage(func(_ context.Context, m *client.GroupMessage) {
			seen.note(m.Data.String())
			<-free
		})
		c.OnRecovering(func(context.Context, client.RecoveringEvent) { seen.note("recovering") })
		p := f.start(c)
		go p.drain()
		var sent atomic.Int64
		go func() {
			for i := range 100 {
				p.send(group(i+1, fmt.Sprint(i)))
				sent.Add(1)
			}
		}()
		pass(time.Hour)
		assert.Equal(t, []string{"0"}, seen.settled())
		assert.Contains(t, []int64{11, 12}, sent.Load(), "10 in the queue, one read but not queued, and perhaps one in the callback when the queue was full; the network has no buffer")
		close(free)
		got := seen.settled()
		require.Len(t, got, 99)
		assert.Equal(t, "99", got[98])
	})
}

// TestQueueSize counts the messages that wait for a callback, and those that wait
// for an iterator in addition.
func TestQueueSize(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		size, most int
		iterator   bool
	}{{0, 1000, false}, {10, 10, false}, {10, 20, true}} {
		t.Run(fmt.Sprint(tt), func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T) {
				f := newFake(t)
				c := f.client(&client.Options{KeepAliveInterval: -1, QueueSize: tt.size})
				if tt.iterator {
					_ = c.GroupMessages(t.Context())
				} else {
					c.OnGroupMessage(func(ctx context.Context, _ *client.GroupMessage) { <-ctx.Done() })
				}
				p := f.start(c)
				go p.drain()
				var sent atomic.Int64
				go func() {
					for i := range 2 * tt.most {
						if p.conn.Write(t.Context(), websocket.MessageText, []byte(group(i+1, "x"))) != nil {
							return
						}
						sent.Add(1)
					}
				}()
				pass(time.Second)
				assert.InDelta(t, tt.most, sent.Load(), 4, "a queue that was full is half empty before more is read")
				p.drop()
				require.NoError(t, c.Stop(t.Context()))
			})
		})
	}
}

// TestQueueBytes fills the queue with a few large messages.
func TestQueueBytes(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		c := f.client(&client.Options{KeepAliveInterval: -1, KeepAliveTimeout: -1})
		free := make(chan struct{})
		c.OnGroupMessage(func(context.Context, *client.GroupMessage) { <-free })
		p := f.start(c)
		go p.drain()
		var sent atomic.Int64
		big := strings.Repeat("x", 1<<20)
		go func() {
			for i := range 20 {
				p.send(group(i+1, big))
				sent.Add(1)
			}
		}()
		pass(time.Second)
		assert.Contains(t, []int64{17, 18}, sent.Load(), "16 MiB in the queue, one read but not queued, and perhaps one in the callback when the queue was full")
		close(free)
		synctest.Wait()
		assert.Equal(t, int64(20), sent.Load())
	})
}

// TestCallbackWaitsForAck waits in a callback for an ack behind a full queue. The
// queue takes more messages while an operation waits.
func TestCallbackWaitsForAck(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		c := f.client(&client.Options{QueueSize: 10})
		seen := new(recorder)
		c.OnGroupMessage(func(ctx context.Context, m *client.GroupMessage) {
			if m.Data.String() == "0" {
				<-time.After(time.Second) // the queue is full, and the client does not read
				_, err := c.JoinGroup(ctx, "other", nil)
				require.NoError(t, err)
				seen.note("joined")
			}
			seen.note(m.Data.String())
		})
		p := f.start(c)
		go func() {
			for i := range 20 {
				p.send(group(i+1, fmt.Sprint(i)))
			}
			p.send(ack(1, ""))
		}()
		go p.drain()
		pass(2 * time.Second)
		got := seen.settled()
		require.Len(t, got, 21)
		assert.Equal(t, []string{"joined", "0", "1"}, got[:3])
	})
}

// TestAckBehindFullQueue waits in a callback for an ack that is behind more
// messages than that. The operation fails.
func TestAckBehindFullQueue(t *testing.T) {
	t.Parallel()
	ops := map[string]func(ctx context.Context, c *client.Client) error{
		"join": func(ctx context.Context, c *client.Client) error {
			_, err := c.JoinGroup(ctx, "other", nil)
			return err
		},
		"invoke": func(ctx context.Context, c *client.Client) error {
			_, err := c.InvokeEvent(ctx, "e", client.Data{}, nil)
			return err
		},
		"stream": func(ctx context.Context, c *client.Client) error {
			_, err := c.OpenGroupStream(ctx, "g", nil)
			return err
		},
	}
	for name, op := range ops {
		for _, derived := range []bool{true, false} {
			t.Run(fmt.Sprint(name, derived), func(t *testing.T) {
				t.Parallel()
				bubble(t, func(t *testing.T) {
					f := newFake(t)
					c := f.client(&client.Options{QueueSize: 10})
					var failed error
					var n atomic.Int64
					c.OnGroupMessage(func(ctx context.Context, _ *client.GroupMessage) { //nolint:contextcheck // the case
						if n.Add(1) == 1 {
							if !derived { // the rule holds for any context
								ctx = t.Context()
							}
							failed = op(ctx, c)
						}
					})
					p := f.start(c)
					go func() {
						for i := range 1000 {
							p.send(group(i+1, "x"))
						}
					}()
					go p.drain() // without answering
					start := time.Now()
					for n.Load() < 1000 {
						pass(time.Second)
						require.Less(t, time.Since(start), 30*time.Second)
					}
					require.ErrorIs(t, failed, client.ErrQueueFull)
					assert.GreaterOrEqual(t, time.Since(start), 10*time.Second)
				})
			})
		}
	}
}

// TestStopDropsMessages checks that Stop drops messages that wait, but not events.
func TestStopDropsMessages(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		c := f.client(nil)
		free := make(chan struct{})
		seen := new(recorder)
		c.OnGroupMessage(func(ctx context.Context, m *client.GroupMessage) {
			seen.note(m.Data.String())
			<-ctx.Done() // ends with the client
			<-free
		})
		c.OnDisconnected(func(context.Context, client.DisconnectedEvent) { seen.note("disconnected") })
		c.OnStopped(func(context.Context, client.StoppedEvent) { seen.note("stopped") })
		p := f.start(c)
		p.send(group(1, "a"), group(2, "b"))
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		require.ErrorIs(t, c.Stop(ctx), context.DeadlineExceeded, "Stop waits for the callback")
		assert.Equal(t, client.StateStopping, c.State())
		close(free)
		require.NoError(t, c.Stop(t.Context()))
		assert.Equal(t, []string{"a", "disconnected", "stopped"}, seen.settled())
	})
}
