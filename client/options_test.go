package client_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strconv"
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

func TestOptionsRefused(t *testing.T) {
	t.Parallel()
	for text, opts := range map[string]client.Options{
		"Protocol is Protocol(7), want ProtocolJSONReliable or ProtocolJSON":                           {Protocol: 7},
		"RecoveryTimeout is -1ns, want 0 to 30s":                                                       {RecoveryTimeout: -1},
		"RecoveryTimeout is 31s, want 0 to 30s":                                                        {RecoveryTimeout: 31 * time.Second},
		"MaxInFlight is -1, want 0 to 500: the service would forget requests that wait for their ack":  {MaxInFlight: -1},
		"MaxInFlight is 501, want 0 to 500: the service would forget requests that wait for their ack": {MaxInFlight: 501},
		"KeepAliveTimeout is 20s, want more than KeepAliveInterval, which is 20s":                      {KeepAliveInterval: 20 * time.Second, KeepAliveTimeout: 20 * time.Second},
		"QueueSize is -1, want 0 or more":                                                              {QueueSize: -1},
		"MessageRetry.Initial is -1s, want 0 or more":                                                  {MessageRetry: client.Backoff{Initial: -time.Second}},
		"MessageRetry.Max is -1s, want 0 or more":                                                      {MessageRetry: client.Backoff{Max: -time.Second}},
		"Reconnect.Max is less than Initial":                                                           {Reconnect: client.Backoff{Max: time.Millisecond}},
		"Reconnect.MaxRetries is -2, want 0 or more, NoRetries or UnlimitedRetries":                    {Reconnect: client.Backoff{MaxRetries: -2}},
		`Header has "Sec-Websocket-Protocol", which is the handshake's own`:                            {Header: http.Header{"sec-websocket-protocol": {"x"}}},
		`Header has "Upgrade", which is the handshake's own`:                                           {Header: http.Header{"Upgrade": {"x"}}},
		`Header has "Connection", which is the handshake's own`:                                        {Header: http.Header{"Connection": {"x"}}},
	} {
		_, err := client.New(client.StaticURL(fakeAddress), &opts)
		assert.EqualError(t, err, "client: new: "+text)
	}
}

// TestOptionsAreCopied: what a caller does with his options later has no meaning.
func TestOptionsAreCopied(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		opts := &client.Options{Header: http.Header{"X-App": {"chat"}}, HTTPClient: f.network.client()}
		before := opts.HTTPClient.Transport
		c, err := client.New(client.StaticURL(fakeAddress), opts)
		require.NoError(t, err)
		opts.Header.Set("X-App", "other")
		opts.Protocol = client.ProtocolJSON
		p := f.start(c)
		assert.Equal(t, "chat", p.header.Get("X-App"))
		assert.Equal(t, "json.reliable.webpubsub.azure.v1", p.header.Get("Sec-Websocket-Protocol"))
		assert.Equal(t, before, opts.HTTPClient.Transport)
		assert.Nil(t, opts.HTTPClient.CheckRedirect)
		require.NoError(t, c.Stop(t.Context()))
	})
}

// TestHTTPClient: all of it is used, not its transport alone.
func TestHTTPClient(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		jar, err := cookiejar.New(nil)
		require.NoError(t, err)
		jar.SetCookies(&url.URL{Scheme: "http", Host: "fake.test"}, []*http.Cookie{{Name: "affinity", Value: "7"}}) //nolint:gosec // no secret
		h := f.network.client()
		h.Jar, h.Timeout = jar, 2*time.Second
		c, p := f.started(&client.Options{HTTPClient: h})
		assert.Equal(t, "affinity=7", p.header.Get("Cookie"))
		pass(10 * time.Second) // the time is that of the handshake
		assert.Equal(t, client.StateConnected, c.State())
		p.drop()
		f.recovered("id-1")

		release := make(chan struct{})
		f.answer = func(http.ResponseWriter, *http.Request) { <-release }
		defer close(release)
		start := time.Now()
		late := f.client(&client.Options{HTTPClient: h})
		require.ErrorIs(t, late.Start(t.Context()), context.DeadlineExceeded)
		assert.Equal(t, 2*time.Second, time.Since(start))
	})
}

func TestProtocol(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		c := f.client(&client.Options{Protocol: client.ProtocolJSON})
		seen := record(c)
		p := f.start(c)
		assert.Equal(t, "json.webpubsub.azure.v1", p.header.Get("Sec-Websocket-Protocol"))
		p.send(group(5, "a"), group(5, "b")) // sequence ids mean nothing here
		p.drop()
		pass(time.Second)
		assert.Equal(t, client.StateReconnecting, c.State())
		f.greet("id-2")
		assert.Equal(t, []string{"connected ann", "g/bob: a", "g/bob: b", "disconnected", "connected ann"}, seen.settled(), "there is nothing to recover")
	})
}

func TestDisableAutoReconnect(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		c := f.client(&client.Options{DisableAutoReconnect: true})
		seen := record(c)
		p := f.start(c)
		p.send(group(1, "last"), `{"type":"system","event":"disconnected","message":"closed by an admin"}`)
		p.close(websocket.StatusPolicyViolation, "banned")
		assert.Equal(t, []string{"connected ann", "g/bob: last", "disconnected closed by an admin", "stopped client: Run: closed with 1008: banned: connection was lost"}, seen.settled())
		assert.Equal(t, client.StateStopped, c.State())
		require.NoError(t, c.Stop(t.Context()))
		f.start(c)
		assert.Equal(t, []string{"connected ann"}, seen.settled())
	})
}

func TestReconnect(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		var asked atomic.Int64
		var errs []string
		c, err := client.New(func(context.Context) (string, error) {
			if asked.Add(1) == 3 {
				return "", io.ErrUnexpectedEOF
			}
			return fakeAddress, nil
		}, &client.Options{
			HTTPClient: f.network.client(), KeepAliveInterval: -1, KeepAliveTimeout: -1, Reconnect: client.Backoff{Initial: 2 * time.Second, Max: 8 * time.Second, MaxRetries: 5},
			OnError: func(_ context.Context, err error) { errs = append(errs, err.Error()) },
		})
		require.NoError(t, err)
		seen := record(c)
		p := f.start(c)
		f.network.setDown(true)
		pass(time.Minute)
		start := time.Now()
		p.close(websocket.StatusPolicyViolation, "")
		var waits []time.Duration
		for n := int64(1); n < 7; n++ { // the first at once
			for asked.Load() == n {
				<-time.After(10 * time.Millisecond)
				synctest.Wait()
			}
			waits = append(waits, time.Since(start))
			start = time.Now()
		}
		assert.Less(t, waits[0], time.Second)
		jittered := false
		for i, mean := range []time.Duration{2 * time.Second, 4 * time.Second, 8 * time.Second, 8 * time.Second, 8 * time.Second} {
			assert.InDelta(t, mean, waits[i+1], float64(mean/2+time.Second/10), "wait %d", i)
			if (waits[i+1] - mean).Abs() > time.Second/20 {
				jittered = true
			}
		}
		assert.True(t, jittered, "%v", waits)
		pass(time.Minute)
		assert.Equal(t, int64(7), asked.Load())
		dial := "client: Reconnect: dial tcp: use of closed network connection"
		assert.Equal(t, []string{dial, "client: Reconnect: credential: unexpected EOF", dial, dial, dial, dial}, errs)
		assert.Equal(t, []string{"connected ann", "disconnected", "stopped " + dial}, seen.settled())
	})
}

func TestReconnectWithoutRetries(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		c := f.client(&client.Options{Reconnect: client.Backoff{MaxRetries: client.NoRetries}})
		seen := record(c)
		p := f.start(c)
		f.network.setDown(true)
		p.close(websocket.StatusPolicyViolation, "")
		pass(time.Hour)
		assert.Equal(t, []string{"connected ann", "disconnected", "stopped client: Reconnect: dial tcp: use of closed network connection"}, seen.settled())
		assert.Equal(t, 2, f.network.dialled())
	})
}

// TestReconnectNotTooOften: a service that greets and hangs up is not run down.
func TestReconnectNotTooOften(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		c, p := f.started(nil)
		done := make(chan struct{})
		go func() {
			defer close(done)
			for {
				p.close(websocket.StatusPolicyViolation, "")
				select {
				case p = <-f.peers:
					p.send(`{"type":"system","event":"connected","connectionId":"x","reconnectionToken":"t"}`)
				case <-t.Context().Done():
					return
				}
			}
		}()
		pass(10 * time.Minute)
		assert.InDelta(t, 24, f.network.dialled(), 12)
		require.NoError(t, c.Stop(t.Context()))
	})
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

func TestAutoRejoin(t *testing.T) {
	t.Parallel()
	for _, disable := range []bool{false, true} {
		bubble(t, func(t *testing.T) {
			f := newFake(t)
			c := f.client(&client.Options{DisableAutoRejoin: disable})
			seen := record(c)
			p := f.start(c)
			for _, g := range []string{"a", "b", "c", "d"} {
				run := begin(func() (client.Result, error) { return c.JoinGroup(t.Context(), g, nil) })
				p.send(ack(p.expectAck("joinGroup"), ""))
				<-run.done
			}
			leave := begin(func() (client.Result, error) { return c.LeaveGroup(t.Context(), "b", nil) })
			p.send(ack(p.expectAck("leaveGroup"), ""))
			<-leave.done
			leave = begin(func() (client.Result, error) { return c.LeaveGroup(t.Context(), "d", nil) })
			p.send(ack(p.expectAck("leaveGroup"), "Forbidden")) // so the client is still in it
			<-leave.done
			require.Equal(t, []string{"connected ann"}, seen.settled())
			p.close(websocket.StatusPolicyViolation, "")
			p = f.greet("id-2")
			p.send(group(1, "early"))
			if disable {
				assert.Equal(t, []string{"disconnected", "connected ann", "g/bob: early"}, seen.settled())
				p.expect(`{"type":"sequenceAck","sequenceId":1}`)
				p.quiet(15 * time.Second)
				return
			}
			assert.Equal(t, []string{"disconnected"}, seen.settled(), "connected is told when the groups are joined")
			ids := make(map[string]uint64)
			for range 3 {
				frame := p.next()
				ids[groupOf(t, frame)] = ackID(t, frame)
			}
			require.Len(t, ids, 3)
			p.send(ack(ids["a"], ""), ack(ids["c"], "Forbidden"), group(2, "late"), ack(ids["d"], ""))
			assert.Equal(t, []string{"connected ann", "g/bob: early", "g/bob: late", "rejoin of c failed: client: JoinGroup: Forbidden: because (the client needs the role \"webpubsub.joinLeaveGroup.c\", in its token or in the reply to its connect event)"}, seen.settled())

			// After a stop and a start the client is in its groups again.
			stopped := make(chan error)
			go func() { stopped <- c.Stop(t.Context()) }()
			p.ended(websocket.StatusNormalClosure)
			require.NoError(t, <-stopped)
			p = f.start(c)
			for range 3 {
				p.send(ack(p.expectAck("joinGroup"), ""))
			}
			assert.Equal(t, []string{"disconnected", "stopped", "connected ann"}, seen.settled())
		})
	}
}

// TestRejoinBusyGroups: groups in which more is said than the queue takes, before
// all of them are joined, hold back neither the others nor the client.
func TestRejoinBusyGroups(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		c := f.client(&client.Options{QueueSize: 10, KeepAliveInterval: -1})
		seen := record(c)
		p := f.start(c)
		for i := range 100 {
			run := begin(func() (client.Result, error) { return c.JoinGroup(t.Context(), strconv.Itoa(i), nil) })
			p.send(ack(p.expectAck("joinGroup"), ""))
			run.succeeds(t, client.Result{AckID: uint64(i + 1)})
		}
		pass(15 * time.Second)
		start := time.Now()
		p.close(websocket.StatusPolicyViolation, "")
		p = f.greet("id-2")
		joins := make(chan uint64, 100)
		go func() {
			for range 100 {
				joins <- p.expectAck("joinGroup")
			}
			p.drain()
		}()
		var want []string
		for i := range 100 {
			id := <-joins
			p.send(group(i+1, strconv.Itoa(i)), ack(id, ""))
			want = append(want, "g/bob: "+strconv.Itoa(i))
		}
		assert.Equal(t, append([]string{"connected ann", "disconnected", "connected ann"}, want...), seen.settled())
		assert.Less(t, time.Since(start), time.Second)
	})
}

// TestLeaveWhileRejoining: a group that is left meanwhile is not joined any more.
func TestLeaveWhileRejoining(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		c, p := f.started(nil)
		for i := range 100 {
			run := begin(func() (client.Result, error) { return c.JoinGroup(t.Context(), strconv.Itoa(i), nil) })
			p.send(ack(p.expectAck("joinGroup"), ""))
			run.succeeds(t, client.Result{AckID: uint64(i + 1)})
		}
		p.close(websocket.StatusPolicyViolation, "")
		p = f.greet("id-2")
		first := p.next()
		synctest.Wait() // some joins are on their way, and the others wait for them
		leave := begin(func() (client.Result, error) { return c.LeaveGroup(t.Context(), "99", nil) })
		left := false
		for frame := first; ; frame = p.next() {
			if strings.Contains(frame, `"leaveGroup"`) {
				left = true
			} else if groupOf(t, frame) == "99" {
				assert.False(t, left, "joined after it was left")
			}
			p.send(ack(ackID(t, frame), ""))
			synctest.Wait()
			if groupOf(t, frame) == "98" {
				break
			}
		}
		<-leave.done
		require.NoError(t, leave.err)
		p.quiet(10 * time.Second)
	})
}

func TestKeepAlive(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		var log bytes.Buffer
		c := f.lively(&client.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
		seen := record(c)
		p := f.start(c)
		start := time.Now()
		for range 10 {
			p.expect(`{"type":"ping"}`)
			p.send(`{"type":"pong"}`)
		}
		assert.Equal(t, 100*time.Second, time.Since(start), "each 10 seconds")
		p.expect(`{"type":"ping"}`) // it reads, and says nothing any more
		assert.Equal(t, []string{"connected ann"}, seen.settled())
		pass(11 * time.Second) // 15 seconds after the last pong, give or take a third
		assert.Equal(t, []string{"recovering"}, seen.settled())
		assert.Contains(t, log.String(), "service is silent")
		f.recovered("id-1")
		assert.Equal(t, []string{"recovered"}, seen.settled())
	})
}

func TestKeepAliveOptions(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		c := f.client(&client.Options{KeepAliveInterval: time.Second, KeepAliveTimeout: 3 * time.Second})
		seen := record(c)
		p := f.start(c)
		start := time.Now()
		p.expect(`{"type":"ping"}`)
		assert.Equal(t, time.Second, time.Since(start))
		p.expect(`{"type":"ping"}`)
		p.expect(`{"type":"ping"}`)
		pass(time.Second)
		assert.Equal(t, []string{"connected ann", "recovering"}, seen.settled())
		require.NoError(t, c.Stop(t.Context()))
	})
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		c := f.client(&client.Options{KeepAliveInterval: -1, KeepAliveTimeout: -1})
		seen := record(c)
		p := f.start(c)
		p.quiet(time.Hour)
		assert.Equal(t, []string{"connected ann"}, seen.settled())
	})
}

// TestKeepAliveByService: a service that pings the client is not silent.
func TestKeepAliveByService(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		c := f.client(&client.Options{KeepAliveInterval: -1})
		seen := record(c)
		p := f.start(c)
		go p.drain()
		for range 30 {
			pass(20 * time.Second)
			require.NoError(t, p.conn.Ping(t.Context()))
		}
		assert.Equal(t, []string{"connected ann"}, seen.settled())
		pass(3 * time.Minute)
		assert.Equal(t, []string{"recovering"}, seen.settled())
	})
}

func TestLoggerGetsWhatNobodyHandles(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		var log bytes.Buffer
		c := f.client(&client.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
		c.OnGroupMessage(func(context.Context, *client.GroupMessage) { panic("oh") })
		p := f.start(c)
		p.send(`{"type":`, group(1, "x"))
		synctest.Wait()
		assert.Contains(t, log.String(), `level=WARN msg=client error="client: Receive: text ends at offset 8: want a string"`)
		assert.Contains(t, log.String(), `level=ERROR msg=client error="client: callback panicked: oh" stack=`)
	})
}
