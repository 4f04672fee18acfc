package client_test

import (
	"context"
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/client"
	"github.com/go-webpubsub/webpubsub/emulator"
	"github.com/go-webpubsub/webpubsub/service"
)

func TestStartRefused(t *testing.T) {
	t.Parallel()
	status := func(code int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { http.Error(w, body, code) }
	}
	const elsewhere = " (fake.test is not a client endpoint; use the URL of ClientAccess, such as wss://<name>.webpubsub.azure.com/client/hubs/<hub>)"
	tests := []struct {
		name   string
		answer http.HandlerFunc
		text   string
		is     error
	}{
		{"400", status(400, "The token contains an invalid group name."), "client: Start: 400 Bad Request: The token contains an invalid group name.", nil},
		{"401", status(401, "Unauthorized"), "client: Start: 401 Unauthorized (the token in the client URL is not valid for this hub of fake.test; check the key and the endpoint that it was made with)", client.ErrUnauthorized},
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
		}, "client: Start: service did not accept subprotocol json.reliable.webpubsub.azure.v1", nil},
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
				assert.Empty(t, seen.settled(), "a failed start raises no events")
				assert.Equal(t, 1, f.network.dialled(), "the first connection is not retried")

				f.answer = nil // the next attempt succeeds
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
		require.EqualError(t, c.Start(t.Context()), "client: Start: service does not answer", "no connected message")
		assert.Equal(t, 30*time.Second, time.Since(start))

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, c.Start(ctx), context.DeadlineExceeded)

		f.network.setDown(true)
		err := c.Start(t.Context())
		require.EqualError(t, err, "client: Start: dial tcp: use of closed network connection")
		var network *net.OpError
		require.ErrorAs(t, err, &network, "the cause is wrapped")
	})
}

// TestStartTLS checks the error of an unknown certificate.
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

// TestSchemeMismatch uses a wss URL for a server without TLS.
func TestSchemeMismatch(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(srv.Close)
	transport := new(http.Transport)
	t.Cleanup(transport.CloseIdleConnections)
	host := strings.TrimPrefix(srv.URL, "http://")
	c, err := client.New(client.StaticURL("wss://"+host+"/client/hubs/chat?access_token=secret"), &client.Options{HTTPClient: &http.Client{Transport: transport}})
	require.NoError(t, err)
	err = c.Start(t.Context())
	require.ErrorIs(t, err, http.ErrSchemeMismatch)
	require.ErrorContains(t, err, host+" speaks ws, not wss: use ws:// in the client URL")
	require.NotContains(t, err.Error(), "secret")
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

// TestReconnectNotTooOften connects to a service that closes each new connection at
// once.
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

// TestServiceRestart restarts the service, which forgets all connections.
func TestServiceRestart(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		one, err := emulator.New(emulator.Config{Origin: "emu.test", KeepAlive: -1})
		require.NoError(t, err)
		n := newNetwork(t, one, one.Close)
		c := newClient(t, n, address(t, "ann", allRoles), nil)
		seen := record(c)
		require.NoError(t, c.Start(t.Context()))
		_, err = c.JoinGroup(t.Context(), "g", nil)
		require.NoError(t, err)
		pass(time.Minute)
		n.setDown(true)
		one.Close()
		pass(time.Minute)
		two := newRig(t, emulator.Config{})
		n.join(two.network)
		n.setDown(false)
		pass(time.Minute)
		_, err = c.SendToGroup(t.Context(), "g", client.Text("hi"), nil)
		require.NoError(t, err)
		assert.Equal(t, []string{"connected ann", "recovering", "disconnected", "connected ann", "g/ann: hi"}, seen.settled())
	})
}

// TestClosedByApplication checks that a client gets the reason when the application
// closes its connection, and makes a new one.
func TestClosedByApplication(t *testing.T) {
	t.Parallel()
	over(t, recovering, func(t *testing.T, p client.Protocol) {
		r := newRig(t, emulator.Config{}).over(p)
		opts := new(service.Options)
		opts.Transport = r.network.client()
		hub, err := service.NewClientFromConnectionString(emulator.ConnectionString(base, emulator.DefaultAccessKey), "chat", opts)
		require.NoError(t, err)
		c := r.client("ann", nil)
		seen := record(c)
		require.NoError(t, c.Start(t.Context()))
		require.NoError(t, hub.User("ann").SendText(t.Context(), "careful", nil))
		pass(time.Minute)
		id := c.ConnectionID()
		require.NoError(t, hub.Connection(id).Close(t.Context(), &service.CloseOptions{Reason: "spam"}))
		pass(time.Second)
		assert.Equal(t, []string{"connected ann", "server: careful", "recovering", "disconnected Application server closed the connection. Reason: spam", "connected ann"}, seen.settled())
		assert.NotEqual(t, id, c.ConnectionID())
		require.NoError(t, hub.User("ann").SendText(t.Context(), "welcome", nil))
		assert.Equal(t, []string{"server: welcome"}, seen.settled())
	})
}
