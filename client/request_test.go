package client_test

import (
	"context"
	"math"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/client"
	"github.com/go-webpubsub/webpubsub/emulator"
)

// call is an operation in progress.
type call struct {
	result client.Result
	err    error
	done   chan struct{}
}

func begin(f func() (client.Result, error)) *call {
	c := &call{done: make(chan struct{})}
	go func() {
		defer close(c.done)
		c.result, c.err = f()
	}()
	return c
}

func (c *call) succeeds(t *testing.T, want client.Result) {
	t.Helper()
	<-c.done
	require.NoError(t, c.err)
	assert.Equal(t, want, c.result)
}

func (c *call) fails(t *testing.T, is error) {
	t.Helper()
	<-c.done
	require.ErrorIs(t, c.err, is)
	assert.Zero(t, c.result)
}

// operations are requests and their frames.
var operations = []struct {
	name, kind, frame string
	call              func(ctx context.Context, c *client.Client) (client.Result, error)
}{
	{"join", "joinGroup", `{"type":"joinGroup","group":"g","ackId":1}`, func(ctx context.Context, c *client.Client) (client.Result, error) {
		return c.JoinGroup(ctx, "g", nil)
	}},
	{"join with id", "joinGroup", `{"type":"joinGroup","group":"g","ackId":18446744073709551615}`, func(ctx context.Context, c *client.Client) (client.Result, error) {
		return c.JoinGroup(ctx, "g", &client.GroupOptions{AckID: math.MaxUint64})
	}},
	{"leave", "leaveGroup", `{"type":"leaveGroup","group":"a \"b\" é","ackId":1}`, func(ctx context.Context, c *client.Client) (client.Result, error) {
		return c.LeaveGroup(ctx, `a "b" é`, &client.GroupOptions{})
	}},
	{"leave with id", "leaveGroup", `{"type":"leaveGroup","group":"g","ackId":7}`, func(ctx context.Context, c *client.Client) (client.Result, error) {
		return c.LeaveGroup(ctx, "g", &client.GroupOptions{AckID: 7})
	}},
	{"send text", "sendToGroup", `{"type":"sendToGroup","group":"g","ackId":1,"noEcho":false,"dataType":"text","data":"hi"}`, func(ctx context.Context, c *client.Client) (client.Result, error) {
		return c.SendToGroup(ctx, "g", client.Text("hi"), nil)
	}},
	{"send with options", "sendToGroup", `{"type":"sendToGroup","group":"g","ackId":9,"noEcho":true,"ttlSeconds":300,"dataType":"json","data":{"a":"<b>"},"metadata":{"A":"1","b":"2"}}`, func(ctx context.Context, c *client.Client) (client.Result, error) {
		return c.SendToGroup(ctx, "g", client.JSON(map[string]string{"a": "<b>"}), &client.SendOptions{
			NoEcho: true, AckID: 9, TTL: client.MaxTTL, Metadata: map[string]string{"b": "2", "A": "1"},
		})
	}},
	{"event", "event", `{"type":"event","event":"say","ackId":1,"dataType":"binary","data":"AP8="}`, func(ctx context.Context, c *client.Client) (client.Result, error) {
		return c.SendEvent(ctx, "say", client.Binary([]byte{0, 255}), nil)
	}},
	{"event with options", "event", `{"type":"event","event":"say","ackId":3,"dataType":"protobuf","data":"CAE=","metadata":{"a":"b"}}`, func(ctx context.Context, c *client.Client) (client.Result, error) {
		return c.SendEvent(ctx, "say", client.Protobuf([]byte{8, 1}), &client.EventOptions{AckID: 3, Metadata: map[string]string{"a": "b"}})
	}},
}

func TestOperations(t *testing.T) {
	t.Parallel()
	for _, op := range operations {
		t.Run(op.name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T) {
				f := newFake(t)
				c, p := f.started(nil)
				run := begin(func() (client.Result, error) { return op.call(t.Context(), c) })
				frame := p.next()
				assert.Equal(t, op.frame, frame)
				id := ackID(t, frame)
				p.send(ack(id, ""))
				run.succeeds(t, client.Result{AckID: id})

				// Final refusals.
				final := []string{"Forbidden", "BadRequest", "NotFound"}
				if op.kind == "event" {
					final = append(final, "InternalServerError") // from the event handler
				}
				for _, name := range final {
					run = begin(func() (client.Result, error) { return op.call(t.Context(), c) })
					id = p.expectAck(op.kind)
					p.send(ack(id, name))
					<-run.done
					var e *client.Error
					require.ErrorAs(t, run.err, &e)
					assert.Equal(t, []string{name, "because"}, []string{e.Name, e.Message})
					assert.Equal(t, name == "Forbidden", isForbidden(run.err))
				}

				// Temporary refusals: the same id again, and a duplicate is success.
				run = begin(func() (client.Result, error) { return op.call(t.Context(), c) })
				id = p.expectAck(op.kind)
				for range 3 {
					p.send(ack(id, "Timeout"))
					sent := time.Now()
					require.Equal(t, id, p.expectAck(op.kind), "one ack id across retries")
					assert.Positive(t, time.Since(sent))
				}
				p.send(ack(id, "Duplicate"))
				run.succeeds(t, client.Result{AckID: id, Duplicate: true})

				// Too many refusals.
				run = begin(func() (client.Result, error) { return op.call(t.Context(), c) })
				for range 4 {
					p.send(ack(p.expectAck(op.kind), "Timeout"))
				}
				<-run.done
				var e *client.Error
				require.ErrorAs(t, run.err, &e)
				assert.Equal(t, "Timeout", e.Name)

				// Canceled, while it waits for the ack and before it is sent again.
				for _, answer := range []bool{false, true} {
					ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
					run = begin(func() (client.Result, error) { return op.call(ctx, c) })
					id = p.expectAck(op.kind)
					if answer {
						p.send(ack(id, "Timeout"))
					}
					run.fails(t, context.DeadlineExceeded)
					cancel()
				}

				// Stopped.
				run = begin(func() (client.Result, error) { return op.call(t.Context(), c) })
				p.expectAck(op.kind)
				stopped := make(chan error)
				go func() { stopped <- c.Stop(t.Context()) }()
				run.fails(t, client.ErrStopped)
				p.ended(websocket.StatusNormalClosure)
				require.NoError(t, <-stopped)
				begin(func() (client.Result, error) { return op.call(t.Context(), c) }).fails(t, client.ErrStopped)
			})
		})
	}
}

// TestOperationsAcrossConnections checks that a request is carried out once, or
// fails with ErrConnectionLost.
func TestOperationsAcrossConnections(t *testing.T) {
	t.Parallel()
	for _, op := range operations {
		for _, retrySends := range []bool{false, true} {
			name := op.name
			if retrySends {
				name += ", with RetrySends"
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				bubble(t, func(t *testing.T) {
					f := newFake(t)
					c, p := f.started(&client.Options{RetrySends: retrySends, DisableAutoRejoin: true})
					// On the same connection the ack id is known.
					run := begin(func() (client.Result, error) { return op.call(t.Context(), c) })
					id := p.expectAck(op.kind)
					p.drop()
					p = f.recovered("id-1")
					require.Equal(t, id, p.expectAck(op.kind))
					p.send(ack(id, "Duplicate"))
					run.succeeds(t, client.Result{AckID: id, Duplicate: true})

					// On a new one it is not.
					run = begin(func() (client.Result, error) { return op.call(t.Context(), c) })
					id = p.expectAck(op.kind)
					p.close(websocket.StatusPolicyViolation, "")
					p = f.greet("id-2")
					if op.kind == "joinGroup" || op.kind == "leaveGroup" || retrySends {
						require.Equal(t, id, p.expectAck(op.kind))
						p.send(ack(id, ""))
						run.succeeds(t, client.Result{AckID: id})
					} else {
						run.fails(t, client.ErrConnectionLost)
						p.quiet(time.Minute / 4)
						return
					}

					// A request that is not sent waits for the next connection or the end of its context.
					f.network.setDown(true)
					p.close(websocket.StatusPolicyViolation, "")
					synctest.Wait()
					run = begin(func() (client.Result, error) { return op.call(t.Context(), c) })
					ctx, cancel := context.WithTimeout(t.Context(), time.Second)
					defer cancel()
					begin(func() (client.Result, error) { return c.JoinGroup(ctx, "other", nil) }).fails(t, context.DeadlineExceeded)
					f.network.setDown(false)
					p = f.greet("id-3")
					id = p.expectAck(op.kind)
					p.send(ack(id, ""))
					run.succeeds(t, client.Result{AckID: id})
				})
			})
		}
	}
}

func TestMessageRetry(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		c, p := f.started(&client.Options{MessageRetry: client.Backoff{Initial: 10 * time.Second, Max: 20 * time.Second, MaxRetries: 4}})
		run := begin(func() (client.Result, error) { return c.JoinGroup(t.Context(), "g", nil) })
		id := p.expectAck("joinGroup")
		for _, mean := range []time.Duration{10 * time.Second, 20 * time.Second, 20 * time.Second, 20 * time.Second} {
			p.send(ack(id, "Whatever"))
			start := time.Now()
			for frame := p.next(); frame != `{"type":"joinGroup","group":"g","ackId":1}`; frame = p.next() {
				require.JSONEq(t, `{"type":"ping"}`, frame)
			}
			assert.InDelta(t, mean, time.Since(start), float64(mean/2+1))
		}
		p.send(ack(id, "Whatever"))
		<-run.done
		assert.EqualError(t, run.err, "client: JoinGroup: Whatever: because")
	})
	for retries, sent := range map[int]int{client.NoRetries: 1, 0: 4, client.UnlimitedRetries: 30} {
		bubble(t, func(t *testing.T) {
			f := newFake(t)
			c, p := f.started(&client.Options{MessageRetry: client.Backoff{MaxRetries: retries}})
			run := begin(func() (client.Result, error) { return c.JoinGroup(t.Context(), "g", nil) })
			for range sent {
				p.send(ack(p.expectAck("joinGroup"), "Whatever"))
			}
			if retries == client.UnlimitedRetries {
				p.send(ack(p.expectAck("joinGroup"), ""))
				run.succeeds(t, client.Result{AckID: 1})
				return
			}
			<-run.done
			assert.EqualError(t, run.err, "client: JoinGroup: Whatever: because")
		})
	}
}

// TestContextEnded checks that nothing is sent after the context has ended.
func TestContextEnded(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		c, p := f.started(nil)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		for _, op := range operations {
			begin(func() (client.Result, error) { return op.call(ctx, c) }).fails(t, context.Canceled)
		}
		_, err := c.InvokeEvent(ctx, "e", client.Data{}, nil)
		require.ErrorIs(t, err, context.Canceled)
		_, err = c.SendToGroup(ctx, "g", client.Text("x"), &client.SendOptions{FireAndForget: true})
		require.ErrorIs(t, err, context.Canceled)
		_, err = c.OpenGroupStream(ctx, "g", nil)
		require.ErrorIs(t, err, context.Canceled)
		p.quiet(10 * time.Second)
	})
}

// TestAckIDInUse checks that two concurrent requests cannot have the same ack id.
func TestAckIDInUse(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		c, p := f.started(nil)
		first := begin(func() (client.Result, error) { return c.JoinGroup(t.Context(), "a", &client.GroupOptions{AckID: 1}) })
		require.Equal(t, uint64(1), p.expectAck("joinGroup"))
		_, err := c.JoinGroup(t.Context(), "b", &client.GroupOptions{AckID: 1})
		require.ErrorIs(t, err, client.ErrInvalid)
		require.EqualError(t, err, "client: JoinGroup: AckID 1 is in use")
		second := begin(func() (client.Result, error) { return c.JoinGroup(t.Context(), "c", nil) })
		require.Equal(t, uint64(2), p.expectAck("joinGroup"), "the client's own ids skip it")
		p.send(ack(99, ""), ack(2, ""), ack(1, ""))
		first.succeeds(t, client.Result{AckID: 1})
		second.succeeds(t, client.Result{AckID: 2})
	})
}

// TestOwnAckIDs checks that the client does not use an ack id of its caller again,
// which the service would take for a duplicate.
func TestOwnAckIDs(t *testing.T) {
	t.Parallel()
	over(t, protocols, func(t *testing.T, p client.Protocol) {
		r := newRig(t, emulator.Config{}).over(p)
		c := r.client("ann", nil)
		seen := record(c)
		require.NoError(t, c.Start(t.Context()))
		_, err := c.JoinGroup(t.Context(), "g", nil)
		require.NoError(t, err)
		for i, own := range []uint64{0, 3, 0, 0, 10, 4, math.MaxUint64, 0, 0} {
			result, err := c.SendToGroup(t.Context(), "g", client.Text(strconv.Itoa(i)), &client.SendOptions{AckID: own})
			require.NoError(t, err)
			assert.Equal(t, own == 4, result.Duplicate, "message %d, id %d", i, result.AckID)
		}
		assert.Equal(t, []string{"connected ann", "g/" + from(p, "ann") + ": 0", "g/" + from(p, "ann") + ": 1", "g/" + from(p, "ann") + ": 2", "g/" + from(p, "ann") + ": 3", "g/" + from(p, "ann") + ": 4", "g/" + from(p, "ann") + ": 6", "g/" + from(p, "ann") + ": 7", "g/" + from(p, "ann") + ": 8"}, seen.settled())
	})
}

// TestAckBeforeLoss checks that an ack that has arrived counts, even if the
// connection is lost before the operation sees it.
func TestAckBeforeLoss(t *testing.T) {
	t.Parallel()
	for _, retrySends := range []bool{false, true} {
		for range 20 { // which of the two is seen first is random
			bubble(t, func(t *testing.T) {
				f := newFake(t)
				c, p := f.started(&client.Options{RetrySends: retrySends})
				run := begin(func() (client.Result, error) { return c.SendEvent(t.Context(), "pay", client.Text("x"), nil) })
				id := p.expectAck("event")
				p.drop()
				p = f.recovered("id-1")
				p.send(ack(id, "")) // for the request sent over the previous WebSocket
				p.close(websocket.StatusPolicyViolation, "")
				p = f.greet("id-2")
				run.succeeds(t, client.Result{AckID: id})
				p.quiet(10 * time.Second)
			})
		}
	}
}

func TestOperationsInvalid(t *testing.T) {
	t.Parallel()
	f := func(c *client.Client) []error {
		long := strings.Repeat("é", 1024)
		var out []error
		add := func(_ any, err error) { out = append(out, err) }
		join := func(group string) { add(c.JoinGroup(t.Context(), group, nil)) }
		send := func(d client.Data, o *client.SendOptions) { add(c.SendToGroup(t.Context(), "g", d, o)) }
		event := func(name string) { add(c.SendEvent(t.Context(), name, client.Text(""), nil)) }
		join("")
		join(" \t")
		join(long + "x")
		join("\xff")
		add(c.LeaveGroup(t.Context(), "", nil))
		add(c.SendToGroup(t.Context(), "", client.Text(""), nil))
		send(client.Data{}, nil)
		send(client.Text("\xff"), nil)
		send(client.JSON(nil), nil)
		send(client.JSON(func() {}), nil)
		send(client.RawJSON([]byte(" null ")), nil)
		send(client.RawJSON([]byte(`{"a":}`)), nil)
		send(client.RawJSON([]byte("")), nil)
		send(client.RawJSON([]byte("1 2")), nil)
		send(client.RawJSON([]byte("\"\xff\"")), nil)
		send(client.Text(""), &client.SendOptions{TTL: -time.Second})
		send(client.Text(""), &client.SendOptions{TTL: 301 * time.Second})
		send(client.Text(""), &client.SendOptions{TTL: time.Millisecond})
		send(client.Text(""), &client.SendOptions{Metadata: map[string]string{"a b": ""}})
		send(client.Text(""), &client.SendOptions{Metadata: map[string]string{"": ""}})
		send(client.Text(""), &client.SendOptions{Metadata: map[string]string{"a": "é"}})
		send(client.Text(""), &client.SendOptions{Metadata: map[string]string{"a": strings.Repeat("x", 1025)}})
		send(client.Text(""), &client.SendOptions{Metadata: metadata(9)})
		event("")
		event("1a")
		event("a b")
		event("a/b")
		event(strings.Repeat("a", 129))
		add(c.SendEvent(t.Context(), "e", client.Data{}, nil))
		add(c.SendEvent(t.Context(), "e", client.Text(""), &client.EventOptions{Metadata: map[string]string{"\n": ""}}))
		add(c.InvokeEvent(t.Context(), "", client.Text(""), nil))
		add(c.InvokeEvent(t.Context(), "e", client.JSON(nil), nil))
		add(c.InvokeEvent(t.Context(), "e", client.Text(""), &client.InvokeOptions{InvocationID: "\xff"}))
		add(c.OpenGroupStream(t.Context(), "", nil))
		add(c.OpenGroupStream(t.Context(), "g", &client.StreamWriterOptions{IdleTimeout: -1}))
		add(c.OpenGroupStream(t.Context(), "g", &client.StreamWriterOptions{IdleTimeout: time.Microsecond}))
		add(c.OpenGroupStream(t.Context(), "g", &client.StreamWriterOptions{IdleTimeout: 50 * 24 * time.Hour}))
		add(c.OpenGroupStream(t.Context(), "g", &client.StreamWriterOptions{Window: -1}))
		add(c.OpenGroupStream(t.Context(), "g", &client.StreamWriterOptions{StreamID: "\xff"}))
		return out
	}
	group := `: want 1 to 1024 characters of UTF-8, not blank, without line feed`
	event := `: want a letter, then at most 127 letters, digits or characters of _.-`
	cut := strings.Repeat("é", 64) + "…"
	want := []string{
		`JoinGroup: group ""` + group,
		`JoinGroup: group " \t"` + group,
		`JoinGroup: group "` + cut + `"` + group,
		`JoinGroup: group "\xff"` + group,
		`LeaveGroup: group ""` + group,
		`SendToGroup: group ""` + group,
		`SendToGroup: Data is empty, want one of Text, JSON, RawJSON, Binary, Protobuf and ProtobufMessage`,
		`SendToGroup: text is not UTF-8; use Binary for other bytes`,
		`SendToGroup: JSON payload is null, which the service rejects`,
		`SendToGroup: encode func(): json: unsupported type: func()`,
		`SendToGroup: JSON payload is null, which the service rejects`,
		`SendToGroup: raw JSON: offset 5: want a value`,
		`SendToGroup: raw JSON: text ends at offset 0: want a value`,
		`SendToGroup: raw JSON: offset 2: want nothing after the value`,
		`SendToGroup: JSON payload is not UTF-8`,
		`SendToGroup: TTL is -1s, want whole seconds from 0 to 5m0s`,
		`SendToGroup: TTL is 5m1s, want whole seconds from 0 to 5m0s`,
		`SendToGroup: TTL is 1ms, want whole seconds from 0 to 5m0s`,
		`SendToGroup: metadata name "a b": want an HTTP token of 1 to 256 bytes`,
		`SendToGroup: metadata name "": want an HTTP token of 1 to 256 bytes`,
		`SendToGroup: metadata value of "a": want printable ASCII of at most 1024 bytes`,
		`SendToGroup: metadata value of "a": want printable ASCII of at most 1024 bytes`,
		`SendToGroup: metadata has 9009 bytes of names and values, want at most 8192`,
		`SendEvent: event ""` + event,
		`SendEvent: event "1a"` + event,
		`SendEvent: event "a b"` + event,
		`SendEvent: event "a/b"` + event,
		`SendEvent: event "` + strings.Repeat("a", 128) + `…"` + event,
		`SendEvent: Data is empty, want one of Text, JSON, RawJSON, Binary, Protobuf and ProtobufMessage`,
		`SendEvent: metadata name "\n": want an HTTP token of 1 to 256 bytes`,
		`InvokeEvent: event ""` + event,
		`InvokeEvent: JSON payload is null, which the service rejects`,
		`InvokeEvent: invocation id "\xff": want at most 1024 characters of UTF-8`,
		`OpenGroupStream: group ""` + group,
		`OpenGroupStream: IdleTimeout is -1ns, want whole milliseconds from 0 to 4294967295`,
		`OpenGroupStream: IdleTimeout is 1µs, want whole milliseconds from 0 to 4294967295`,
		`OpenGroupStream: IdleTimeout is 1200h0m0s, want whole milliseconds from 0 to 4294967295`,
		`OpenGroupStream: Window is -1, want 0 or more`,
		`OpenGroupStream: stream id "\xff": want at most 1024 characters of UTF-8`,
	}
	c, err := client.New(client.StaticURL(fakeAddress), nil)
	require.NoError(t, err)
	var got []string
	for _, err := range f(c) {
		require.ErrorIs(t, err, client.ErrInvalid)
		got = append(got, strings.TrimPrefix(err.Error(), "client: "))
	}
	assert.Equal(t, want, got)
}

func metadata(n int) map[string]string {
	m := make(map[string]string)
	for i := range n {
		m[string(rune('a'+i))] = strings.Repeat("x", 1000)
	}
	return m
}

// TestTooLarge checks that the size of a frame is checked before anything is sent, and
// before a request waits for a connection.
func TestTooLarge(t *testing.T) {
	t.Parallel()
	over(t, protocols, func(t *testing.T, protocol client.Protocol) {
		r := newRig(t, emulator.Config{}).over(protocol)
		c := r.started("ann", nil)
		r.network.setDown(true)
		r.network.cut()
		pass(time.Minute)
		require.Equal(t, client.StateReconnecting, c.State())
		large := client.Binary(make([]byte, 2<<20))
		want := "frame has 2097174 bytes, want at most 1048576" // in protobuf, to the group
		_, err := c.SendToGroup(t.Context(), "g", large, nil)
		require.ErrorIs(t, err, client.ErrTooLarge)
		require.ErrorIs(t, err, client.ErrInvalid)
		if from(protocol, "ann") != "" {
			want = "frame has 2796293 bytes, want at most 1048576"
		}
		require.EqualError(t, err, "client: SendToGroup: "+want)
		_, err = c.SendEvent(t.Context(), "e", large, nil)
		require.ErrorIs(t, err, client.ErrTooLarge)
		_, err = c.InvokeEvent(t.Context(), "e", large, nil)
		require.ErrorIs(t, err, client.ErrTooLarge)
		_, err = c.SetGroupState(t.Context(), "g", map[string]string{"k": large.String()}, nil)
		require.ErrorIs(t, err, client.ErrTooLarge)
		require.ErrorIs(t, err, client.ErrInvalid)
		if from(protocol, "ann") != "" { // six bytes each in JSON
			_, err = c.SendToGroup(t.Context(), "g", client.Text(strings.Repeat("\x01", 200_000)), &client.SendOptions{FireAndForget: true})
			require.ErrorIs(t, err, client.ErrTooLarge)
		}
	})
}
