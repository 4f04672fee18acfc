package client_test

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/client"
)

// An operation in a callback does not wait until the callback counts as slow.
func TestCallbackIsAnsweredAtOnce(t *testing.T) {
	t.Parallel()
	for name, operation := range map[string]func(context.Context, *client.Client) error{
		"by the callback": func(ctx context.Context, c *client.Client) error {
			_, err := c.SendToGroup(ctx, "g", client.Text("x"), nil)
			return err
		},
		"by another goroutine": func(ctx context.Context, c *client.Client) error {
			var wait sync.WaitGroup
			var err error
			wait.Go(func() { _, err = c.JoinGroup(ctx, "g", nil) })
			wait.Wait()
			return err
		},
		"invocation": func(ctx context.Context, c *client.Client) error {
			_, err := c.InvokeEvent(ctx, "e", client.Text("x"), nil)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T) {
				f := newFake(t)
				c := f.client(&client.Options{KeepAliveInterval: -1, KeepAliveTimeout: -1})
				var took time.Duration
				c.OnGroupMessage(func(ctx context.Context, _ *client.GroupMessage) {
					begun := time.Now()
					require.NoError(t, operation(ctx, c))
					took = time.Since(begun)
				})
				p := f.start(c)
				p.send(group(1, "a"))
				if name == "invocation" {
					p.next()
					p.send(`{"type":"invokeResponse","invocationId":"1","success":true,"dataType":"text","data":"y"}`)
				} else {
					p.send(ack(ackID(t, p.next()), ""))
				}
				synctest.Wait()
				assert.Zero(t, took)
				assert.Equal(t, "id-1", c.ConnectionID())
			})
		})
	}
}

// An operation that already waits is answered although a callback is slow.
func TestAnswerDuringCallback(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		c := f.client(&client.Options{KeepAliveInterval: -1, KeepAliveTimeout: -1})
		free := make(chan struct{})
		c.OnGroupMessage(func(context.Context, *client.GroupMessage) { <-free })
		p := f.start(c)
		for i := range 3 {
			begun := time.Now()
			run := begin(func() (client.Result, error) {
				return c.SendToGroup(t.Context(), "g", client.Text("x"), nil)
			})
			id := p.expectAck("sendToGroup")
			p.send(group(i+1, "a"), ack(id, ""))
			run.succeeds(t, client.Result{AckID: id})
			assert.Zero(t, time.Since(begun))
			free <- struct{}{}
			synctest.Wait() // the callback has returned: the next message finds no other
		}
	})
}

// The client goes on reading while a callback is slow, and delivers in order what it has
// read.
func TestSlowCallbackIsRelieved(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		c := f.client(&client.Options{KeepAliveInterval: -1, KeepAliveTimeout: -1})
		seen := new(recorder)
		free := make(chan struct{})
		c.OnGroupMessage(func(_ context.Context, m *client.GroupMessage) {
			seen.note("begin " + m.Data.String())
			<-free
			seen.note("end " + m.Data.String())
		})
		p := f.start(c)
		go func() {
			for i := range 5 {
				p.send(group(i+1, fmt.Sprint(i)))
			}
			p.drop() // the callback outlives its WebSocket
		}()
		assert.Equal(t, []string{"begin 0"}, seen.settled())
		pass(200 * time.Millisecond)
		assert.Equal(t, client.StateRecovering, c.State())
		p = f.recovered("id-1")
		p.send(group(6, "5"))
		synctest.Wait()
		assert.Empty(t, seen.settled(), "one callback at a time")
		close(free)
		assert.Equal(t, []string{
			"end 0", "begin 1", "end 1", "begin 2", "end 2", "begin 3", "end 3", "begin 4", "end 4", "begin 5", "end 5",
		}, seen.settled())
		p.send(group(7, "6")) // the goroutine that has taken over calls back too
		assert.Equal(t, []string{"begin 6", "end 6"}, seen.settled())
	})
}

// The client also reads on if it is busy with callbacks none of which is slow: otherwise
// answers and acks would wait for all of them, and the service would keep the messages.
func TestManyCallbacksAreRelieved(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		const messages, each = 400, 3 * time.Millisecond
		f := newFake(t)
		c := f.client(&client.Options{KeepAliveInterval: -1, KeepAliveTimeout: -1})
		var called atomic.Int64
		c.OnGroupMessage(func(context.Context, *client.GroupMessage) {
			called.Add(1)
			<-time.After(each)
		})
		p := f.start(c)
		for i := range messages {
			p.send(group(i+1, "x"))
		}
		assert.Less(t, called.Load(), int64(messages/10), "all were read long before; the network has no buffer")
		pass(messages * each)
		assert.EqualValues(t, messages, called.Load())
	})
}

// The first frame of a recovered connection can be a message, whose callback can wait for
// an answer over the same WebSocket.
func TestCallbackOfFirstFrameAfterRecovery(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		c := f.client(&client.Options{KeepAliveInterval: -1, KeepAliveTimeout: -1})
		seen := new(recorder)
		c.OnGroupMessage(func(ctx context.Context, m *client.GroupMessage) {
			_, err := c.SendToGroup(ctx, "g", client.Text("x"), nil)
			seen.note(fmt.Sprint(m.Data, err))
		})
		f.start(c).drop()
		p := <-f.peers
		p.expect(`{"type":"ping"}`)
		p.send(group(1, "a"))
		p.send(ack(ackID(t, p.next()), ""))
		assert.Equal(t, []string{"a <nil>"}, seen.settled())
		p.send(group(2, "b"))
		p.send(ack(ackID(t, p.next()), ""))
		assert.Equal(t, []string{"b <nil>"}, seen.settled())
		assert.Equal(t, 2, f.network.dialled(), "no second reader has lost the old WebSocket again")
	})
}

// A session that ends while a callback runs waits for it.
func TestStopWaitsForCallback(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		c := f.client(nil)
		seen := new(recorder)
		free := make(chan struct{})
		c.OnGroupMessage(func(ctx context.Context, m *client.GroupMessage) {
			<-ctx.Done()
			<-free
			seen.note(m.Data.String())
		})
		c.OnStopped(func(context.Context, client.StoppedEvent) { seen.note("stopped") })
		p := f.start(c)
		p.send(group(1, "a"), group(2, "b"))
		pass(time.Second) // another goroutine reads
		go p.drain()
		stopped := make(chan error, 1)
		go func() { stopped <- c.Stop(context.Background()) }()
		pass(time.Minute)
		assert.Empty(t, stopped)
		close(free)
		require.NoError(t, <-stopped)
		assert.Equal(t, []string{"a", "stopped"}, seen.settled(), "what was queued is dropped")
	})
}

// TestReliefs relieves callbacks as often as possible. It finds races under the race
// detector.
func TestReliefs(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		const messages = 500 // fewer than fit in the queue
		f := newFake(t)
		c := f.client(&client.Options{KeepAliveInterval: -1, KeepAliveTimeout: -1})
		var got []string // guarded by nothing: callbacks are called one after the other
		all := make(chan struct{})
		c.OnGroupMessage(func(ctx context.Context, m *client.GroupMessage) {
			got = append(got, m.Data.String())
			if len(got)%2 == 0 {
				_, err := c.SendToGroup(ctx, "g", client.Text("x"), nil)
				require.NoError(t, err)
			}
			if len(got) == messages {
				close(all)
			}
		})
		p := f.start(c)
		ctx, cancel := context.WithCancel(t.Context())
		var others sync.WaitGroup
		for range 4 {
			others.Go(func() {
				for ctx.Err() == nil {
					_, _ = c.SendToGroup(ctx, "g", client.Text("y"), nil)
				}
			})
		}
		go func() {
			for {
				_, data, err := p.conn.Read(t.Context())
				if err != nil {
					return
				}
				var request struct {
					AckID uint64 `json:"ackId"`
				}
				if json.Unmarshal(data, &request) == nil && request.AckID > 0 {
					_ = p.conn.Write(t.Context(), websocket.MessageText, []byte(ack(request.AckID, "")))
				}
			}
		}()
		want := make([]string, messages)
		for i := range messages {
			want[i] = fmt.Sprint(i)
			p.send(group(i+1, want[i]))
		}
		<-all
		cancel()
		others.Wait()
		synctest.Wait()
		assert.Equal(t, want, got)
	})
}
