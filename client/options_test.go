package client_test

import (
	"context"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/client"
	"github.com/go-webpubsub/webpubsub/internal/version"
)

func TestOptionsRefused(t *testing.T) {
	t.Parallel()
	for text, opts := range map[string]client.Options{
		"Protocol is Protocol(7), want ProtocolJSONReliable, ProtocolJSON, ProtocolProtobufReliable or ProtocolProtobuf": {Protocol: 7},
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
		`Header has "Sec-Websocket-Protocol", which belongs to the handshake`:                          {Header: http.Header{"sec-websocket-protocol": {"x"}}},
		`Header has "Upgrade", which belongs to the handshake`:                                         {Header: http.Header{"Upgrade": {"x"}}},
		`Header has "Connection", which belongs to the handshake`:                                      {Header: http.Header{"Connection": {"x"}}},
	} {
		_, err := client.New(client.StaticURL(fakeAddress), &opts)
		assert.EqualError(t, err, "client: new: "+text)
	}
}

// TestOptionsAreCopied changes the options after New.
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
		assert.Equal(t, "webpubsub-go-client/"+version.Version, p.header.Get("User-Agent"))
		assert.Equal(t, "json.reliable.webpubsub.azure.v1", p.header.Get("Sec-Websocket-Protocol"))
		assert.Equal(t, before, opts.HTTPClient.Transport)
		assert.Nil(t, opts.HTTPClient.CheckRedirect)
		require.NoError(t, c.Stop(t.Context()))
	})
}

// TestUserAgent checks that the caller's User-Agent replaces the module's, in any
// spelling.
func TestUserAgent(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		c, err := client.New(client.StaticURL(fakeAddress), &client.Options{Header: http.Header{"user-agent": {"app/1"}}, HTTPClient: f.network.client()})
		require.NoError(t, err)
		assert.Equal(t, []string{"app/1"}, f.start(c).header.Values("User-Agent"))
		require.NoError(t, c.Stop(t.Context()))
	})
}

// TestHTTPClient checks that the whole client is used, not only its transport.
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
		pass(10 * time.Second) // the timeout applies to the handshake only
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
		p.send(group(5, "a"), group(5, "b")) // this subprotocol ignores sequence ids
		p.drop()
		pass(time.Second)
		assert.Equal(t, client.StateReconnecting, c.State())
		f.greet("id-2")
		assert.Equal(t, []string{"connected ann", "g/bob: a", "g/bob: b", "disconnected", "connected ann"}, seen.settled(), "no recovery")
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
