package client_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/client"
	"github.com/go-webpubsub/webpubsub/emulator"
)

func TestConversation(t *testing.T) {
	t.Parallel()
	over(t, protocols, func(t *testing.T, p client.Protocol) {
		r := newRig(t, emulator.Config{}).over(p)
		ann := r.client("ann", nil)
		seen := record(ann)
		require.NoError(t, ann.Start(t.Context()))
		assert.Equal(t, client.StateConnected, ann.State())
		assert.Len(t, ann.ConnectionID(), 32)
		assert.Equal(t, "ann", ann.UserID())
		bob := r.started("bob", nil)

		joined, err := ann.JoinGroup(t.Context(), "g", nil)
		require.NoError(t, err)
		assert.Equal(t, client.Result{AckID: 1}, joined)
		for _, d := range []client.Data{client.Text("hi\n\"there\" \u00e9"), client.JSON(map[string]int{"n": 1}), client.Binary([]byte{0, 255}), client.Protobuf([]byte{8, 1})} {
			_, err = bob.SendToGroup(t.Context(), "g", d, nil)
			require.NoError(t, err)
		}
		_, err = ann.LeaveGroup(t.Context(), "g", nil)
		require.NoError(t, err)
		_, err = bob.SendToGroup(t.Context(), "g", client.Text("unheard"), nil)
		require.NoError(t, err)
		assert.Equal(t, []string{"connected ann", "g/" + from(p, "bob") + ": hi\n\"there\" \u00e9", "g/" + from(p, "bob") + `: {"n":1}`, "g/" + from(p, "bob") + ": AP8=", "g/" + from(p, "bob") + ": CAE="}, seen.settled())

		require.NoError(t, ann.Stop(t.Context()))
		assert.Equal(t, []string{"disconnected", "stopped"}, seen.settled())
		assert.Equal(t, client.StateStopped, ann.State())
		assert.Empty(t, ann.ConnectionID())
	})
}

// TestRealSockets is TestConversation over TCP and in real time.
func TestRealSockets(t *testing.T) {
	t.Parallel()
	emu := emulator.Start(t, emulator.Config{})
	var mu sync.Mutex
	var conns []net.Conn
	transport := &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, address)
		mu.Lock()
		defer mu.Unlock()
		conns = append(conns, conn)
		return conn, err
	}}
	c, err := client.New(client.StaticURL(emu.ClientURL("chat", &emulator.ClientOptions{UserID: "ann", Roles: strings.Fields(allRoles)})), &client.Options{HTTPClient: &http.Client{Transport: transport}})
	require.NoError(t, err)
	connected, recovered := make(chan client.ConnectedEvent, 1), make(chan client.RecoveredEvent, 1)
	c.OnConnected(func(_ context.Context, ev client.ConnectedEvent) { connected <- ev })
	c.OnRecovered(func(_ context.Context, ev client.RecoveredEvent) { recovered <- ev })
	messages := c.GroupMessages(t.Context())
	require.NoError(t, c.Start(t.Context()))
	assert.Equal(t, client.ConnectedEvent{ConnectionID: c.ConnectionID(), UserID: "ann"}, <-connected)
	_, err = c.JoinGroup(t.Context(), "g", nil)
	require.NoError(t, err)
	for i := range 3 {
		mu.Lock()
		require.NoError(t, conns[len(conns)-1].Close())
		mu.Unlock()
		assert.Equal(t, client.RecoveredEvent{ConnectionID: c.ConnectionID()}, <-recovered)
		_, err = c.SendToGroup(t.Context(), "g", client.JSON(i), nil)
		require.NoError(t, err)
	}
	n := 0
	for m := range messages {
		var got int
		require.NoError(t, m.Data.Decode(&got))
		require.Equal(t, n, got)
		if n++; n == 3 {
			break
		}
	}
	require.NoError(t, c.Stop(t.Context()))
}

// TestStartAgain starts a client that is already started.
func TestStartAgain(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		c := f.client(nil)
		results := make(chan error)
		for range 3 {
			go func() { results <- c.Start(t.Context()) }()
		}
		synctest.Wait()
		assert.Equal(t, client.StateConnecting, c.State())
		p := f.greet("id-1")
		for range 3 {
			require.NoError(t, <-results)
		}
		require.NoError(t, c.Start(t.Context()))
		assert.Equal(t, 1, f.network.dialled())

		p.drop() // Start waits for the recovery
		go func() { results <- c.Start(t.Context()) }()
		synctest.Wait()
		assert.Equal(t, client.StateRecovering, c.State())
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		require.ErrorIs(t, c.Start(ctx), context.DeadlineExceeded)
		f.recovered("id-1")
		require.NoError(t, <-results)
	})
}

// TestStartTakesOver cancels the first of two concurrent starts: the second
// continues.
func TestStartTakesOver(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		c := f.client(nil)
		results := make(chan error)
		first, cancel := context.WithCancel(t.Context())
		go func() { results <- c.Start(first) }()
		synctest.Wait()
		second := make(chan error)
		go func() { second <- c.Start(t.Context()) }()
		synctest.Wait()
		cancel()
		require.ErrorIs(t, <-results, context.Canceled)
		<-f.peers
		f.greet("id-2")
		require.NoError(t, <-second)
		assert.Equal(t, "id-2", c.ConnectionID())
	})
}

func TestStop(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		c := f.client(nil)
		require.NoError(t, c.Stop(t.Context()), "never started")
		seen := record(c)
		for range 2 {
			p := f.start(c)
			results := make(chan error)
			for range 3 {
				go func() { results <- c.Stop(t.Context()) }()
			}
			p.ended(websocket.StatusNormalClosure)
			for range 3 {
				require.NoError(t, <-results)
			}
			require.NoError(t, c.Stop(t.Context()))
			assert.Equal(t, []string{"connected ann", "disconnected", "stopped"}, seen.settled())
			_, err := c.JoinGroup(t.Context(), "g", nil)
			require.ErrorIs(t, err, client.ErrStopped)
			require.EqualError(t, err, "client: JoinGroup: client is stopped")
		}
	})
}

// TestStopSilentService stops a client whose service does not answer the close
// frame. Stop returns after a while, or when its context ends.
func TestStopSilentService(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		c, _ := f.started(nil)
		start := time.Now()
		require.NoError(t, c.Stop(t.Context()))
		assert.Equal(t, 5*time.Second, time.Since(start))

		f.start(c)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start = time.Now()
		require.ErrorIs(t, c.Stop(ctx), context.DeadlineExceeded)
		require.NoError(t, c.Stop(t.Context()))
		assert.Equal(t, time.Second, time.Since(start))
	})
}

// TestStopAnyTime stops the client in each of its states.
func TestStopAnyTime(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		lead  func(t *testing.T, f *fake, c *client.Client)
		state client.State
		want  []string
	}{
		{"connecting", func(t *testing.T, _ *fake, c *client.Client) {
			t.Helper()
			go func() { assert.ErrorIs(t, c.Start(t.Context()), client.ErrStopped) }()
		}, client.StateConnecting, nil},
		{"recovering", func(t *testing.T, f *fake, c *client.Client) {
			t.Helper()
			p := f.start(c)
			f.network.setDown(true)
			p.drop()
			pass(3 * time.Second)
		}, client.StateRecovering, []string{"connected ann", "recovering", "disconnected", "stopped"}},
		{"waiting to be recovered", func(t *testing.T, f *fake, c *client.Client) {
			t.Helper()
			f.start(c).drop() // the service does not answer
		}, client.StateRecovering, []string{"connected ann", "recovering", "disconnected", "stopped"}},
		{"reconnecting", func(t *testing.T, f *fake, c *client.Client) {
			t.Helper()
			p := f.start(c)
			f.network.setDown(true)
			p.close(websocket.StatusPolicyViolation, "")
			pass(3 * time.Second)
		}, client.StateReconnecting, []string{"connected ann", "disconnected", "stopped"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T) {
				f := newFake(t)
				c := f.client(nil)
				seen := record(c)
				tt.lead(t, f, c)
				synctest.Wait()
				require.Equal(t, tt.state, c.State())
				require.NoError(t, c.Stop(t.Context()))
				assert.Equal(t, client.StateStopped, c.State())
				assert.Equal(t, tt.want, seen.settled())
				pass(time.Minute)
				assert.Empty(t, seen.settled())
			})
		})
	}
}

type contextKey struct{}

// TestStopInCallbacks checks that Stop does not wait for the callback that calls it
// with its context.
func TestStopInCallbacks(t *testing.T) {
	t.Parallel()
	for _, event := range []string{"connected", "message", "disconnected", "stopped", "stream"} {
		t.Run(event, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T) {
				r := newRig(t, emulator.Config{})
				c := r.client("ann", nil)
				stop := func(ctx context.Context, name string) {
					if name == event {
						assert.NoError(t, c.Stop(ctx))
						assert.NoError(t, c.Stop(context.WithValue(ctx, contextKey{}, "derived")))
					}
				}
				c.OnConnected(func(ctx context.Context, _ client.ConnectedEvent) { stop(ctx, "connected") })
				c.OnGroupMessage(func(ctx context.Context, _ *client.GroupMessage) { stop(ctx, "message") })
				c.OnDisconnected(func(ctx context.Context, _ client.DisconnectedEvent) { stop(ctx, "disconnected") })
				c.OnStopped(func(ctx context.Context, _ client.StoppedEvent) { stop(ctx, "stopped") })
				c.OnGroupStream(func(ctx context.Context, _ *client.StreamReader) { stop(ctx, "stream") }, nil)
				require.NoError(t, c.Start(t.Context()))
				_, _ = c.JoinGroup(t.Context(), "g", nil)
				_, _ = c.SendToGroup(t.Context(), "g", client.Text("x"), nil)
				_, _ = c.OpenGroupStream(t.Context(), "g", nil)
				w, err := c.OpenGroupStream(t.Context(), "g", nil)
				if err == nil {
					_ = w.Write(t.Context(), client.Text("x"))
				}
				synctest.Wait()
				require.NoError(t, c.Stop(t.Context()))
				assert.Equal(t, client.StateStopped, c.State())
			})
		})
	}
}

// TestStartInCallbacks checks that only the callback of OnStopped can start the
// client again.
func TestStartInCallbacks(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		r := newRig(t, emulator.Config{})
		c := r.client("ann", nil)
		seen := record(c)
		c.OnConnected(func(ctx context.Context, _ client.ConnectedEvent) { assert.NoError(t, c.Start(ctx)) })
		c.OnDisconnected(func(ctx context.Context, _ client.DisconnectedEvent) {
			assert.ErrorIs(t, c.Start(ctx), client.ErrStopped)
		})
		lives := 0
		c.OnStopped(func(ctx context.Context, _ client.StoppedEvent) {
			if lives++; lives < 3 {
				assert.NoError(t, c.Start(ctx))
			}
		})
		require.NoError(t, c.Start(t.Context()))
		for range 3 {
			pass(time.Second)
			require.NoError(t, c.Stop(t.Context()))
		}
		want := []string{"connected ann", "disconnected", "stopped"}
		assert.Equal(t, append(append(want, want...), want...), seen.settled())
		assert.Equal(t, client.StateStopped, c.State())
	})
}

// TestStopDuringTheEnd checks that a client that ends by itself delivers the
// messages that wait, and that Stop drops them.
func TestStopDuringTheEnd(t *testing.T) {
	t.Parallel()
	for _, stop := range []bool{false, true} {
		bubble(t, func(t *testing.T) {
			f := newFake(t)
			c := f.client(&client.Options{DisableAutoReconnect: true})
			seen := record(c)
			free := make(chan struct{})
			c.OnGroupMessage(func(ctx context.Context, _ *client.GroupMessage) {
				select {
				case <-ctx.Done():
				case <-free:
				}
			})
			p := f.start(c)
			p.send(group(1, "a"), group(2, "b"))
			p.close(websocket.StatusPolicyViolation, "")
			assert.Equal(t, []string{"connected ann", "g/bob: a"}, seen.settled())
			end := "stopped client: Run: closed with 1008: connection was lost"
			if stop {
				require.NoError(t, c.Stop(t.Context()))
				assert.Equal(t, []string{"disconnected", end}, seen.settled())
				return
			}
			close(free)
			assert.Equal(t, []string{"g/bob: b", "disconnected", end}, seen.settled())
		})
	}
}

// TestStopAfterStartInCallback starts a client in a callback. The callbacks of the
// new session wait for that one, which can stop the client.
func TestStopAfterStartInCallback(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		r := newRig(t, emulator.Config{})
		c := r.client("ann", nil)
		seen := record(c)
		first := true
		c.OnStopped(func(ctx context.Context, _ client.StoppedEvent) {
			if first {
				first = false
				assert.NoError(t, c.Start(ctx))
				assert.NoError(t, c.Stop(ctx))
				assert.ErrorIs(t, c.Start(ctx), client.ErrStopped)
			}
		})
		require.NoError(t, c.Start(t.Context()))
		synctest.Wait()
		require.NoError(t, c.Stop(t.Context()))
		require.NoError(t, c.Stop(t.Context()))
		life := []string{"connected ann", "disconnected", "stopped"}
		assert.Equal(t, append(life, life...), seen.settled())
	})
}

// TestStartFailsInOnStopped checks that a failed start in between changes neither
// the order of callbacks nor what Stop waits for.
func TestStartFailsInOnStopped(t *testing.T) {
	t.Parallel()
	for _, again := range []bool{true, false} {
		bubble(t, func(t *testing.T) {
			f := newFake(t)
			asked := 0
			c, err := client.New(func(context.Context) (string, error) {
				if asked++; asked == 2 {
					return "", io.ErrUnexpectedEOF
				}
				return fakeAddress, nil
			}, &client.Options{HTTPClient: f.network.client()})
			require.NoError(t, err)
			seen := record(c)
			c.OnStopped(func(ctx context.Context, _ client.StoppedEvent) {
				if asked > 1 {
					return
				}
				require.ErrorIs(t, c.Start(ctx), io.ErrUnexpectedEOF)
				if again {
					go func() { f.greet("id-2").drain() }() //nolint:contextcheck // the service is not the client's
					require.NoError(t, c.Start(ctx))
				}
				<-time.After(time.Minute)
				seen.note("a minute later")
			})
			p := f.start(c)
			go p.drain()
			first := time.Now()
			stopped := make(chan error)
			go func() { stopped <- c.Stop(t.Context()) }()
			pass(time.Second)
			require.NoError(t, c.Stop(t.Context()))
			require.NoError(t, <-stopped)
			assert.Equal(t, time.Minute, time.Since(first).Round(time.Second), "Stop waits for the callback")
			want := []string{"connected ann", "disconnected", "stopped", "a minute later"}
			if again {
				want = append(want, "connected ann", "disconnected", "stopped")
			}
			assert.Equal(t, want, seen.settled())
		})
	}
}
