package client_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
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

func TestCallbacksInOrder(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		c := f.client(nil)
		seen := new(recorder)
		c.OnGroupMessage(func(_ context.Context, m *client.GroupMessage) { seen.note("first " + m.Data.String()) })
		var unregister func()
		unregister = c.OnGroupMessage(func(_ context.Context, m *client.GroupMessage) {
			seen.note("second " + m.Data.String())
			unregister() // also while it runs, and twice
			unregister()
		})
		c.OnGroupMessage(func(_ context.Context, m *client.GroupMessage) {
			seen.note("third " + m.Data.String())
			c.OnServerMessage(func(_ context.Context, m *client.ServerMessage) { seen.note("late " + m.Data.String()) })
		})
		p := f.start(c)
		p.send(group(1, "a"), `{"type":"message","from":"server","dataType":"json","data":{"n":1},"sequenceId":2}`, group(3, "b"))
		assert.Equal(t, []string{"first a", "second a", "third a", `late {"n":1}`, "first b", "third b"}, seen.settled())
	})
}

func TestMessageFields(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		c := f.client(nil)
		var groups []*client.GroupMessage
		var servers []*client.ServerMessage
		c.OnGroupMessage(func(_ context.Context, m *client.GroupMessage) { groups = append(groups, m) })
		c.OnServerMessage(func(_ context.Context, m *client.ServerMessage) { servers = append(servers, m) })
		p := f.start(c)
		p.send(`{"sequenceId":7,"type":"message","from":"group","group":"g","fromUserId":null,"dataType":"text","data":"x","metadata":{"a":"b"}}`,
			`{"sequenceId":8,"type":"message","from":"server","dataType":"text","data":"y","metadata":{"c":"d"}}`)
		synctest.Wait()
		require.Len(t, groups, 1)
		assert.Equal(t, []any{"g", "", "x", map[string]string{"a": "b"}, uint64(7)}, []any{groups[0].Group, groups[0].FromUserID, groups[0].Data.String(), groups[0].Metadata, groups[0].SequenceID})
		require.Len(t, servers, 1)
		assert.Equal(t, []any{"y", map[string]string{"c": "d"}, uint64(8)}, []any{servers[0].Data.String(), servers[0].Metadata, servers[0].SequenceID})
	})
}

// TestCallbackContext: it sees the values of Start's context, does not end with
// it, and ends with the client.
func TestCallbackContext(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		c := f.client(nil)
		var got, last context.Context
		c.OnConnected(func(ctx context.Context, _ client.ConnectedEvent) { got = ctx }) //nolint:fatcontext // to be looked at
		c.OnStopped(func(ctx context.Context, _ client.StoppedEvent) { last = ctx })    //nolint:fatcontext // to be looked at
		ctx, cancel := context.WithCancel(context.WithValue(t.Context(), contextKey{}, "v"))
		go func() { f.greet("id-1") }()
		require.NoError(t, c.Start(ctx))
		cancel()
		synctest.Wait()
		require.NoError(t, got.Err())
		assert.Equal(t, "v", got.Value(contextKey{}))
		require.NoError(t, c.Stop(t.Context()))
		require.ErrorIs(t, got.Err(), context.Canceled)
		require.NoError(t, last.Err())
	})
}

// TestSlowCallbackHoldsBack: a full queue stops the reading, and nothing is lost;
// the client does not take its own pause for a dead service.
func TestSlowCallbackHoldsBack(t *testing.T) {
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
		assert.Contains(t, []int64{11, 12}, sent.Load(), "10 in the queue, one in hand, and perhaps one with the callback when it was full; the network has no room here")
		close(free)
		got := seen.settled()
		require.Len(t, got, 99)
		assert.Equal(t, "99", got[98])
	})
}

// TestQueueSize: so many messages wait for a callback, and so many more for an
// iterator, beside the one or two that are being handed over.
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
				synctest.Wait()
				assert.InDelta(t, tt.most, sent.Load(), 4, "a queue that was full is half empty before more is read")
				p.drop()
				require.NoError(t, c.Stop(t.Context()))
			})
		})
	}
}

// TestQueueBytes: a queue of large messages is full before it has many.
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
		synctest.Wait()
		assert.Contains(t, []int64{17, 18}, sent.Load(), "16 MiB in the queue, one in hand, and perhaps one with the callback when it was full")
		close(free)
		synctest.Wait()
		assert.Equal(t, int64(20), sent.Load())
	})
}

// TestBufferedBytes: what others send in large pieces waits in bounded room, too,
// with iterators and streams that take nothing.
func TestBufferedBytes(t *testing.T) {
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

// TestCallbackWaitsForAck: the queue is full, and the ack stands behind it: there
// is room as long as somebody waits.
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

// TestAckBehindFullQueue: if even that room is not enough, those who wait are
// told, instead of waiting for one another for ever.
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
							if !derived { // the rule does not depend on whose context it is
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
					go p.drain() // and answers nothing
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

// TestPanic: a callback that panics ends neither the client nor the others.
func TestPanic(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		var errs []error
		c := f.client(&client.Options{OnError: func(_ context.Context, err error) {
			errs = append(errs, err)
			panic("in OnError, too")
		}})
		seen := new(recorder)
		c.OnGroupMessage(func(_ context.Context, m *client.GroupMessage) { panic(m.Data.String()) })
		c.OnGroupMessage(func(_ context.Context, m *client.GroupMessage) { seen.note(m.Data.String()) })
		c.OnServerMessage(nil)
		p := f.start(c)
		p.send(group(1, "a"), group(2, "b"), `{"type":"message","from":"server","dataType":"text","data":"x"}`)
		assert.Equal(t, []string{"a", "b"}, seen.settled())
		require.Len(t, errs, 3)
		var e *client.PanicError
		require.ErrorAs(t, errs[0], &e)
		assert.Equal(t, "a", e.Value)
		assert.Contains(t, string(e.Stack), "TestPanic")
		require.EqualError(t, errs[1], "client: callback panicked: b")
		require.EqualError(t, errs[2], "client: callback panicked: runtime error: invalid memory address or nil pointer dereference")
	})
}

// TestGoexit: a callback that ends its goroutine, as FailNow of a test does, does
// not end the client.
func TestGoexit(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		c := f.client(nil)
		seen := new(recorder)
		c.OnGroupMessage(func(_ context.Context, m *client.GroupMessage) {
			seen.note(m.Data.String())
			runtime.Goexit()
		})
		p := f.start(c)
		p.send(group(1, "a"), group(2, "b"), group(3, "c"))
		assert.Equal(t, []string{"a", "b", "c"}, seen.settled())
		require.NoError(t, c.Stop(t.Context()))
	})
}

func TestTypedCallbacks(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		type note struct{ N int }
		f := newFake(t)
		seen := new(recorder)
		c := f.client(&client.Options{OnError: func(_ context.Context, err error) {
			var e *client.DecodeError
			require.ErrorAs(t, err, &e)
			require.Error(t, errors.Unwrap(err))
			seen.note(err.Error())
		}})
		unregister := client.OnGroupJSON(c, "g", func(_ context.Context, m *client.GroupMessage, v note) { seen.note(fmt.Sprint("g ", m.Group, v.N)) })
		client.OnGroupJSON(c, "", func(_ context.Context, m *client.GroupMessage, v note) { seen.note(fmt.Sprint("all ", m.Group, v.N)) })
		client.OnServerJSON(c, func(_ context.Context, _ *client.ServerMessage, v note) { seen.note(fmt.Sprint("server ", v.N)) })
		p := f.start(c)
		message := func(from, dataType, data string) string {
			return fmt.Sprintf(`{"type":"message",%s,"dataType":%q,"data":%s}`, from, dataType, data)
		}
		inGroup, inOther, server := `"from":"group","group":"g"`, `"from":"group","group":"h"`, `"from":"server"`
		p.send(message(inGroup, "json", `{"n":1}`), message(inOther, "text", `"{\"n\":2}"`), message(server, "json", `{"n":3}`))
		assert.Equal(t, []string{"g g1", "all g1", "all h2", "server 3"}, seen.settled())
		unregister()
		p.send(message(inGroup, "json", `"secret"`), message(server, "binary", `"AA=="`))
		assert.Equal(t, []string{
			`client: decode message of group "g": JSON string does not fit client_test.note in member "" at byte 8`,
			"client: decode server message: payload is binary, want json or text",
		}, seen.settled())
	})
}

func TestIterators(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		c := f.client(&client.Options{QueueSize: 10})
		all, servers := c.GroupMessages(t.Context()), c.ServerMessages(t.Context()) // before the start
		p := f.start(c)
		go p.drain()
		go func() {
			for i := range 100 {
				p.send(group(i+1, fmt.Sprint(i)))
			}
			p.send(`{"type":"message","from":"server","dataType":"text","data":"over"}`)
		}()
		synctest.Wait()
		n := 0
		for m := range all { // slower than the service, and yet nothing is lost
			require.Equal(t, fmt.Sprint(n), m.Data.String())
			if n++; n == 100 {
				break
			}
			<-time.After(time.Second)
		}
		for range all {
			require.Fail(t, "it can be ranged over once")
		}
		for m := range servers {
			assert.Equal(t, "over", m.Data.String())
			break
		}

		// It ends with its context, also if nobody ranges over it.
		ctx, cancel := context.WithCancel(t.Context())
		unused, used := c.GroupMessages(ctx), make(chan int)
		go func() {
			n := 0
			for range c.GroupMessages(ctx) {
				n++
			}
			used <- n
		}()
		synctest.Wait()
		for i := range 15 {
			p.send(group(101+i, "x"))
		}
		synctest.Wait()
		cancel()
		assert.GreaterOrEqual(t, <-used, 10)
		for range unused {
			require.Fail(t, "its context has ended")
		}
		for i := range 100 { // nobody holds the client back any more
			p.send(group(116+i, "x"))
		}

		// And with the client, after what has come.
		synctest.Wait()
		last, got := c.GroupMessages(t.Context()), []string(nil)
		p.send(group(216, "y"), group(217, "z"))
		synctest.Wait()
		for m := range last {
			got = append(got, m.Data.String())
			require.NoError(t, c.Stop(t.Context()), "in the loop's body, too")
		}
		assert.Equal(t, []string{"y", "z"}, got)
	})
}

// TestStopDropsMessages: what no callback has been called for when the client is
// stopped is dropped, and the events that follow are told.
func TestStopDropsMessages(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		c := f.client(nil)
		free := make(chan struct{})
		seen := new(recorder)
		c.OnGroupMessage(func(ctx context.Context, m *client.GroupMessage) {
			seen.note(m.Data.String())
			<-ctx.Done() // the end is told by the context
			<-free
		})
		c.OnDisconnected(func(context.Context, client.DisconnectedEvent) { seen.note("disconnected") })
		c.OnStopped(func(context.Context, client.StoppedEvent) { seen.note("stopped") })
		p := f.start(c)
		p.send(group(1, "a"), group(2, "b"))
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		require.ErrorIs(t, c.Stop(ctx), context.DeadlineExceeded, "it waits for the callback")
		assert.Equal(t, client.StateStopping, c.State())
		close(free)
		require.NoError(t, c.Stop(t.Context()))
		assert.Equal(t, []string{"a", "disconnected", "stopped"}, seen.settled())
	})
}
