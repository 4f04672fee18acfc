package client_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/client"
	"github.com/go-webpubsub/webpubsub/emulator"
)

func TestStartRefused(t *testing.T) {
	t.Parallel()
	status := func(code int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { http.Error(w, body, code) }
	}
	const elsewhere = " (clients do not connect there; want the URL of ClientAccess, such as wss://<name>.webpubsub.azure.com/client/hubs/<hub>, but the host is fake.test)"
	tests := []struct {
		name   string
		answer http.HandlerFunc
		text   string
		is     error
	}{
		{"400", status(400, "The token contains an invalid group name."), "client: Start: 400 Bad Request: The token contains an invalid group name.", nil},
		{"401", status(401, "Unauthorized"), "client: Start: 401 Unauthorized (the token in the client URL is not one of fake.test for this hub; check the key and the endpoint that made it)", client.ErrUnauthorized},
		{"403", status(403, ""), "client: Start: 403 Forbidden", client.ErrForbidden},
		{"404", status(404, "no\nsuch\thub"), "client: Start: 404 Not Found: no such hub" + elsewhere, client.ErrNotFound},
		{"429", status(429, "slow down"), "client: Start: 429 Too Many Requests: slow down", client.ErrTooManyRequests},
		{"500", status(500, "you sent secret"), "client: Start: 500 Internal Server Error: you sent REDACTED", nil},
		{"a page", status(200, "hello"), "client: Start: 200 OK: hello" + elsewhere, nil},
		{"a redirect", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://other.test/", http.StatusFound)
		}, `client: Start: 302 Found: <a href="http://other.test/">Found</a>.` + elsewhere, nil},
		{"other subprotocol", func(w http.ResponseWriter, r *http.Request) {
			r.Header.Set("Sec-Websocket-Protocol", "")
			conn, err := websocket.Accept(w, r, nil)
			if err == nil {
				_ = conn.CloseNow()
			}
		}, "client: Start: service did not agree to subprotocol json.reliable.webpubsub.azure.v1", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T) {
				f := newFake(t)
				f.answer = tt.answer
				c := f.client(nil)
				seen := record(c)
				err := c.Start(t.Context())
				require.EqualError(t, err, tt.text)
				var e *client.Error
				require.ErrorAs(t, err, &e)
				if tt.is != nil {
					require.ErrorIs(t, err, tt.is)
				}
				assert.Equal(t, client.StateStopped, c.State())
				assert.Empty(t, seen.settled(), "a start that fails is told by its error alone")
				assert.Equal(t, 1, f.network.dialled(), "a first connection is not tried again")

				f.answer = nil // it works another time
				f.start(c)
				assert.Equal(t, []string{"connected ann"}, seen.settled())
			})
		})
	}
}

func TestStartClosedAtOnce(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		c := f.client(nil)
		go func() {
			p := <-f.peers
			p.send(`{"type":"system","event":"disconnected","message":"no room"}`)
			p.close(websocket.StatusPolicyViolation, "The connection could not be activated.")
			p = <-f.peers
			p.send(`{"type":"system","event":"disconnected","message":"no room"}`)
			p.close(websocket.StatusNormalClosure, "")
		}()
		err := c.Start(t.Context())
		require.EqualError(t, err, "client: Start: closed with 1008: The connection could not be activated.")
		var e *client.Error
		require.ErrorAs(t, err, &e)
		assert.Equal(t, 1008, e.CloseCode)
		require.EqualError(t, c.Start(t.Context()), "client: Start: closed with 1000: no room")
	})
}

func TestStartWithoutAnswer(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		c := f.client(nil)
		start := time.Now()
		require.EqualError(t, c.Start(t.Context()), "client: Start: service does not answer", "no greeting")
		assert.Equal(t, 30*time.Second, time.Since(start))

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, c.Start(ctx), context.DeadlineExceeded)

		f.network.setDown(true)
		err := c.Start(t.Context())
		require.EqualError(t, err, "client: Start: dial tcp: use of closed network connection")
		var network *net.OpError
		require.ErrorAs(t, err, &network, "the cause can be told")
	})
}

func TestStartBadAddress(t *testing.T) {
	t.Parallel()
	for address, text := range map[string]string{
		"":                         "client: Start: client URL is empty",
		"ws://a b/secret":          "client: Start: client URL cannot be parsed",
		"ftp://fake.test/?secret":  "client: Start: client URL: want ws, wss, http or https",
		"/client/hubs/chat":        "client: Start: client URL: want ws, wss, http or https",
		"ws:///client/hubs/secret": "client: Start: client URL has no host",
		"ws://u:secret@fake.test/": "client: Start: client URL has a user",
	} {
		c, err := client.New(client.StaticURL(address), nil)
		require.NoError(t, err)
		require.EqualError(t, c.Start(t.Context()), text)
	}
}

func TestStartCredential(t *testing.T) {
	t.Parallel()
	denied := errors.New("denied")
	c, err := client.New(func(ctx context.Context) (string, error) {
		assert.Equal(t, "v", ctx.Value(contextKey{}), "the credential sees the values of Start's context")
		return "", denied
	}, nil)
	require.NoError(t, err)
	err = c.Start(context.WithValue(t.Context(), contextKey{}, "v"))
	require.ErrorIs(t, err, denied)
	require.EqualError(t, err, "client: Start: credential: denied")

	_, err = client.New(nil, nil)
	require.EqualError(t, err, "client: new: credential is nil; want one that returns the URL of ClientAccess, such as StaticURL(url)")
}

// TestStartTLS: a certificate that nobody knows is an error that can be told.
func TestStartTLS(t *testing.T) {
	t.Parallel()
	srv := httptest.NewUnstartedServer(http.NotFoundHandler())
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.StartTLS()
	defer srv.Close()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	c, err := client.New(client.StaticURL("wss"+srv.URL[len("https"):]+"/client/hubs/chat?access_token=secret"), &client.Options{HTTPClient: &http.Client{Transport: transport}})
	require.NoError(t, err)
	err = c.Start(t.Context())
	var unknown *tls.CertificateVerificationError
	require.ErrorAs(t, err, &unknown)
	assert.NotContains(t, err.Error(), "secret")
}

// TestStartAgain: starting what is started waits for the connection, or is done.
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

		p.drop() // while it is recovered, Start waits
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

// TestStartTakesOver: of two starts the second goes on if the first gives up.
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
		require.NoError(t, c.Stop(t.Context()), "of what was never started")
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

// TestStopSilentService: a service that does not answer the close frame is not
// waited for a long time, and less so if the context ends.
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

// TestStopAnyTime: whatever the client is doing, it stops.
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
			f.start(c).drop() // and nobody answers
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

// TestStopInCallbacks: with the callback's context Stop does not wait for the
// callback, in which it is called.
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

// TestStartInCallbacks: the client can be started again by the callback of its
// end, and by none before.
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

// TestStopInCredential: a credential that wants no connection can stop the client.
func TestStopInCredential(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		var c *client.Client
		asked := 0
		c, err := client.New(func(ctx context.Context) (string, error) {
			if asked++; asked > 1 {
				return "", errors.Join(errors.New("signed out"), c.Stop(ctx))
			}
			return fakeAddress, nil
		}, &client.Options{HTTPClient: f.network.client()})
		require.NoError(t, err)
		seen := record(c)
		p := f.start(c)
		pass(15 * time.Second)
		p.close(websocket.StatusPolicyViolation, "")
		assert.Equal(t, []string{"connected ann", "disconnected", "stopped"}, seen.settled())
		require.ErrorIs(t, c.Start(t.Context()), client.ErrStopped)
		assert.Equal(t, 3, asked)
	})
}

// TestStopHurriesTheEnd: a client that ends by itself hands out what has come;
// Stop drops it.
func TestStopHurriesTheEnd(t *testing.T) {
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

// TestStopWhatIsStartedInCallback: the callbacks of the next life wait for the one
// in which it begins, which can end it all the same.
func TestStopWhatIsStartedInCallback(t *testing.T) {
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

// TestStartFailsInOnStopped: a start that failed in between changes nothing of
// callbacks being called one after the other, nor of what Stop waits for.
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

// TestCredentialEndsGoroutine: a credential of a test may, by FailNow.
func TestCredentialEndsGoroutine(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(){"Goexit": runtime.Goexit, "panic": func() { panic("oh") }} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T) {
				f := newFake(t)
				first := true
				c, err := client.New(func(context.Context) (string, error) {
					if first {
						first = false
						end()
					}
					return fakeAddress, nil
				}, &client.Options{HTTPClient: f.network.client()})
				require.NoError(t, err)
				started := make(chan any)
				go func() {
					defer func() { started <- recover() }()
					_ = c.Start(t.Context())
				}()
				if v := <-started; name == "panic" {
					assert.Equal(t, "oh", v)
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				require.NoError(t, c.Stop(ctx))
				assert.Equal(t, client.StateStopped, c.State())
				f.start(c)
				require.NoError(t, c.Stop(t.Context()))
			})
		})
	}
}
