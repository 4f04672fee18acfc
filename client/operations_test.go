package client_test

import (
	"context"
	"math"
	"net/http"
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

// call is an operation under way.
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

// operations by what they put on the wire.
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
	{"event with options", "event", `{"type":"event","event":"say","ackId":3,"dataType":"protobuf","data":"AQ==","metadata":{"a":"b"}}`, func(ctx context.Context, c *client.Client) (client.Result, error) {
		return c.SendEvent(ctx, "say", client.Protobuf([]byte{1}), &client.EventOptions{AckID: 3, Metadata: map[string]string{"a": "b"}})
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

				// Refused for good.
				final := []string{"Forbidden", "BadRequest", "NotFound"}
				if op.kind == "event" {
					final = append(final, "InternalServerError") // its handler's
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

				// Refused for now: the same id again and again, and a duplicate is done.
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

				// Too often.
				run = begin(func() (client.Result, error) { return op.call(t.Context(), c) })
				for range 4 {
					p.send(ack(p.expectAck(op.kind), "Timeout"))
				}
				<-run.done
				var e *client.Error
				require.ErrorAs(t, run.err, &e)
				assert.Equal(t, "Timeout", e.Name)

				// Given up, while it waits for the ack and before it is sent again.
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

// TestOperationsAcrossConnections: a request is carried out once, or the caller
// is told that nobody knows.
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

					// What is not sent yet waits for the next connection, or for its context.
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

func TestFireAndForget(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		c, p := f.started(nil)
		result, err := c.SendToGroup(t.Context(), "g", client.Text("x"), &client.SendOptions{FireAndForget: true, AckID: 5})
		require.NoError(t, err)
		assert.Zero(t, result)
		result, err = c.SendEvent(t.Context(), "e", client.JSON(1), &client.EventOptions{FireAndForget: true})
		require.NoError(t, err)
		assert.Zero(t, result)
		p.expect(`{"type":"sendToGroup","group":"g","noEcho":false,"dataType":"text","data":"x"}`, `{"type":"event","event":"e","dataType":"json","data":1}`)

		// What is on its way when the client stops still goes out.
		for range 3 {
			_, err = c.SendToGroup(t.Context(), "g", client.Text("y"), &client.SendOptions{FireAndForget: true})
			require.NoError(t, err)
		}
		stopped := make(chan error)
		go func() { stopped <- c.Stop(t.Context()) }()
		for range 3 {
			p.expect(`{"type":"sendToGroup","group":"g","noEcho":false,"dataType":"text","data":"y"}`)
		}
		p.ended(websocket.StatusNormalClosure)
		require.NoError(t, <-stopped)
		_, err = c.SendToGroup(t.Context(), "g", client.Text("x"), &client.SendOptions{FireAndForget: true})
		require.ErrorIs(t, err, client.ErrStopped)
	})
}

// TestSlowNetwork: requests wait for room to be written, as long as their context
// lets them; a service that takes nothing at all is given up.
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
		assert.Equal(t, "recovering", c.State().String(), "a write that makes no way is the end of the link")
		f.recovered("id-1")
		assert.Equal(t, []string{"recovered"}, seen.settled())
	})
}

// TestPingDuringSlowWrite: a large frame on a slow line does not keep the client
// from answering the service's pings, without which the link would end.
func TestPingDuringSlowWrite(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		f.network.setShape(func(c *cable) { c.pace = 100 * time.Millisecond })
		c := f.client(&client.Options{KeepAliveInterval: -1})
		seen := record(c)
		p := f.start(c)
		start := time.Now()
		run := begin(func() (client.Result, error) {
			return c.SendToGroup(t.Context(), "g", client.Binary(make([]byte, 700<<10)), nil)
		})
		pinged := make(chan error)
		go func() {
			<-time.After(time.Second)
			pinged <- p.conn.Ping(t.Context())
		}()
		id := p.expectAck("sendToGroup")
		assert.Greater(t, time.Since(start), 10*time.Second, "a slow line")
		go p.drain()
		require.NoError(t, <-pinged)
		p.send(ack(id, ""))
		run.succeeds(t, client.Result{AckID: id})
		assert.Equal(t, []string{"connected ann"}, seen.settled())
	})
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
	group := `: want 1 to 1024 characters, not blank`
	event := `: want a letter, then at most 127 letters, digits or characters of _.-`
	cut := strings.Repeat("é", 64) + "…"
	want := []string{
		`JoinGroup: group ""` + group,
		`JoinGroup: group " \t"` + group,
		`JoinGroup: group "` + cut + `"` + group,
		`JoinGroup: group "\xff" is not UTF-8`,
		`LeaveGroup: group ""` + group,
		`SendToGroup: group ""` + group,
		`SendToGroup: Data is empty, want one of Text, JSON, RawJSON, Binary and Protobuf`,
		`SendToGroup: text is not UTF-8; Binary takes any bytes`,
		`SendToGroup: JSON payload is null, which the service does not take`,
		`SendToGroup: encode func(): json: unsupported type: func()`,
		`SendToGroup: JSON payload is null, which the service does not take`,
		`SendToGroup: raw JSON: offset 5: want a value`,
		`SendToGroup: raw JSON: text ends at offset 0: want a value`,
		`SendToGroup: raw JSON: offset 2: want nothing after the value`,
		`SendToGroup: JSON payload is not UTF-8`,
		`SendToGroup: TTL is -1s, want whole seconds from 0 to 5m0s`,
		`SendToGroup: TTL is 5m1s, want whole seconds from 0 to 5m0s`,
		`SendToGroup: TTL is 1ms, want whole seconds from 0 to 5m0s`,
		`SendToGroup: Metadata name "a b": want an HTTP token of 1 to 256 bytes`,
		`SendToGroup: Metadata name "": want an HTTP token of 1 to 256 bytes`,
		`SendToGroup: Metadata value of "a": want printable ASCII of at most 1024 bytes`,
		`SendToGroup: Metadata value of "a": want printable ASCII of at most 1024 bytes`,
		`SendToGroup: Metadata has 9009 bytes of names and values, want at most 8192`,
		`SendEvent: event ""` + event,
		`SendEvent: event "1a"` + event,
		`SendEvent: event "a b"` + event,
		`SendEvent: event "a/b"` + event,
		`SendEvent: event "` + strings.Repeat("a", 128) + `…"` + event,
		`SendEvent: Data is empty, want one of Text, JSON, RawJSON, Binary and Protobuf`,
		`SendEvent: Metadata name "\n": want an HTTP token of 1 to 256 bytes`,
		`InvokeEvent: event ""` + event,
		`InvokeEvent: JSON payload is null, which the service does not take`,
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

// TestContextEnded: nothing is sent for a caller who has gone.
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

// TestAckIDInUse: two requests under one id at a time would get each other's ack.
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
		require.Equal(t, uint64(2), p.expectAck("joinGroup"), "the client's own ids go round it")
		p.send(ack(99, ""), ack(2, ""), ack(1, ""))
		first.succeeds(t, client.Result{AckID: 1})
		second.succeeds(t, client.Result{AckID: 2})
	})
}

// TestOwnAckIDs: the client's own ids are none that its caller has chosen, or the
// service would take a new message for one that it has had.
func TestOwnAckIDs(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		r := newRig(t, emulator.Config{})
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
		assert.Equal(t, []string{"connected ann", "g/ann: 0", "g/ann: 1", "g/ann: 2", "g/ann: 3", "g/ann: 4", "g/ann: 6", "g/ann: 7", "g/ann: 8"}, seen.settled())
	})
}

// TestAckBeforeLoss: an ack that has come counts, even if the connection is lost
// before anybody looks at it.
func TestAckBeforeLoss(t *testing.T) {
	t.Parallel()
	for _, retrySends := range []bool{false, true} {
		for range 20 { // which of the two is seen first is a matter of chance
			bubble(t, func(t *testing.T) {
				f := newFake(t)
				c, p := f.started(&client.Options{RetrySends: retrySends})
				run := begin(func() (client.Result, error) { return c.SendEvent(t.Context(), "pay", client.Text("x"), nil) })
				id := p.expectAck("event")
				p.drop()
				p = f.recovered("id-1")
				p.send(ack(id, "")) // of what was sent over the link before
				p.close(websocket.StatusPolicyViolation, "")
				p = f.greet("id-2")
				run.succeeds(t, client.Result{AckID: id})
				p.quiet(10 * time.Second)
			})
		}
	}
}

// TestLargestFrame: what the service takes goes out, and a byte more does not.
func TestLargestFrame(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		r := newRig(t, emulator.Config{})
		c := r.started("ann", nil)
		seen := make(chan int, 1)
		c.OnGroupMessage(func(_ context.Context, m *client.GroupMessage) { seen <- len(m.Data.Bytes()) })
		_, err := c.JoinGroup(t.Context(), "g", nil)
		require.NoError(t, err)
		room := 1<<20 - len(`{"type":"sendToGroup","group":"g","ackId":2,"noEcho":false,"dataType":"text","data":""}`)
		_, err = c.SendToGroup(t.Context(), "g", client.Text(strings.Repeat("x", room)), nil)
		require.NoError(t, err)
		assert.Equal(t, room, <-seen)
		_, err = c.SendToGroup(t.Context(), "g", client.Text(strings.Repeat("x", room+1)), nil)
		require.ErrorIs(t, err, client.ErrInvalid)
		require.EqualError(t, err, "client: SendToGroup: frame has 1048577 bytes, want at most 1048576")

		// One that is longest on its way to the client: each byte takes six.
		_, err = c.SendToGroup(t.Context(), "g", client.Text(strings.Repeat("\x01", room/6)), nil)
		require.NoError(t, err)
		assert.Equal(t, room/6, <-seen)
	})
}

// TestForbidden: the emulator's own refusal.
func TestForbidden(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		r := newRig(t, emulator.Config{})
		c := newClient(t, r.network, address(t, "ann", ""), nil)
		require.NoError(t, c.Start(t.Context()))
		start := time.Now()
		_, err := c.JoinGroup(t.Context(), "g", nil)
		require.EqualError(t, err, "client: JoinGroup: Forbidden: The client does not have permission to join group 'g'. (the client needs the role \"webpubsub.joinLeaveGroup.g\", in its token or in the reply to its connect event)")
		require.ErrorIs(t, err, client.ErrForbidden)
		_, err = c.SendToGroup(t.Context(), "g", client.Text("x"), nil)
		require.ErrorIs(t, err, client.ErrForbidden)
		assert.Zero(t, time.Since(start), "no retries")
	})
}

// TestEvents: what the event handler answers comes before the ack.
func TestEvents(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodOptions {
				w.Header().Set("WebHook-Allowed-Origin", "*")
				return
			}
			switch r.Header.Get("ce-eventName") {
			case "say":
				w.Header().Set("Content-Type", "application/json")
				w.Header().Set("X-WebPubSub-Metadata-From", r.Header.Get("X-WebPubSub-Metadata-To"))
				_, _ = w.Write([]byte(`{"heard":true}`))
			case "fail":
				w.WriteHeader(http.StatusBadRequest)
			default:
				w.WriteHeader(http.StatusNoContent)
			}
		})
		r := newRig(t, emulator.Config{Hubs: map[string]emulator.Hub{"chat": {EventHandlers: []emulator.EventHandler{emulator.Local(handler)}}}})
		c := r.started("ann", nil)
		var got []*client.ServerMessage
		c.OnServerMessage(func(_ context.Context, m *client.ServerMessage) { got = append(got, m) })
		_, err := c.SendEvent(t.Context(), "say", client.Text("hi"), &client.EventOptions{Metadata: map[string]string{"to": "all"}})
		require.NoError(t, err)
		synctest.Wait()
		require.Len(t, got, 1)
		assert.Equal(t, `{"heard":true}`, got[0].Data.String())
		assert.Equal(t, client.DataJSON, got[0].Data.Type())
		assert.Equal(t, map[string]string{"from": "all"}, got[0].Metadata)
		assert.Equal(t, uint64(1), got[0].SequenceID)
		start := time.Now()
		_, err = c.SendEvent(t.Context(), "fail", client.Text("hi"), nil)
		require.EqualError(t, err, "client: SendEvent: InternalServerError: Internal server error")
		assert.Zero(t, time.Since(start), "what the handler has refused is not sent again")
	})
}
