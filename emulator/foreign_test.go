package emulator_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/emulator"
)

func TestForeignRequests(t *testing.T) {
	t.Parallel()
	const (
		client = "/client/hubs/chat" // 400: not a handshake
		rest   = "/api/hubs/chat/users/ann"
		health = "/api/health"
	)
	own := emulator.Config{AccessKeys: []string{longKey}}
	for _, tc := range []struct {
		name   string
		cfg    emulator.Config
		path   string
		host   string
		origin []string
		status int
	}{
		{"localhost", emulator.Config{}, client, "localhost:8080", nil, 400},
		{"localhost without port", emulator.Config{}, rest, "localhost", nil, 401},
		{"localhost without case, with a dot", emulator.Config{}, health, "LocalHost.:8080", nil, 200},
		{"below localhost", emulator.Config{}, health, "emulator.localhost:8080", nil, 200},
		{"127.0.0.1", emulator.Config{}, rest, "127.0.0.1:8080", nil, 401},
		{"127.1.2.3", emulator.Config{}, health, "127.1.2.3:8080", nil, 200},
		{"::1", emulator.Config{}, client, "[::1]:8080", nil, 400},
		{"::1 without port", emulator.Config{}, client, "[::1]", nil, 400},
		{"127.0.0.1 in IPv6", emulator.Config{}, health, "[::ffff:127.0.0.1]:8080", nil, 200},
		{"address of the request", emulator.Config{}, rest, "192.0.2.1:8080", nil, 401},
		{"another address", emulator.Config{}, rest, "192.0.2.2:8080", nil, 403},
		{"unspecified address", emulator.Config{}, rest, "0.0.0.0:8080", nil, 403},
		{"another host, client", emulator.Config{}, client, "evil.example:8080", nil, 403},
		{"another host, REST", emulator.Config{}, rest, "evil.example", nil, 403},
		{"another host, health", emulator.Config{}, health, "evil.example", nil, 403},
		{"another host with the prefix", emulator.Config{}, rest, "localhost.evil.example", nil, 403},
		{"another host with the suffix", emulator.Config{}, rest, "evillocalhost", nil, 403},
		{"another host with a user", emulator.Config{}, rest, "localhost@evil.example", nil, 403},
		{"no host", emulator.Config{}, rest, "", nil, 403},
		{"host of the origin", emulator.Config{Origin: "emulator"}, rest, "emulator:8080", nil, 401},
		{"trusted host", emulator.Config{TrustHosts: []string{"Host.Docker.Internal", "::2"}}, rest, "host.docker.internal:8080", nil, 401},
		{"trusted address", emulator.Config{TrustHosts: []string{"Host.Docker.Internal", "::2"}}, rest, "[::2]:8080", nil, 401},
		{"all are trusted", emulator.Config{TrustHosts: []string{"*"}}, rest, "evil.example", []string{"https://evil.example"}, 401},
		{"private key", own, rest, "pubsub.example", []string{"https://app.example"}, 401},
		{"well-known key beside a private one", emulator.Config{AccessKeys: []string{longKey, emulator.DefaultAccessKey}}, rest, "evil.example", nil, 403},
		{"any token with a private key", emulator.Config{AccessKeys: own.AccessKeys, TrustTokens: true}, rest, "evil.example", nil, 403},

		{"page of localhost", emulator.Config{}, client, "localhost:8080", []string{"http://localhost:3000"}, 400},
		{"page of 127.0.0.1", emulator.Config{}, client, "localhost:8080", []string{"https://127.0.0.1:3000"}, 400},
		{"page of the same host", emulator.Config{}, client, "192.0.2.1:8080", []string{"http://192.0.2.1:3000"}, 400},
		{"page of a trusted host", emulator.Config{TrustHosts: []string{"app.test"}}, client, "localhost:8080", []string{"http://app.test:3000"}, 400},
		{"page of another host, client", emulator.Config{}, client, "localhost:8080", []string{"https://evil.example"}, 403},
		{"page of another host, REST", emulator.Config{}, rest, "localhost:8080", []string{"https://evil.example"}, 403},
		{"page of another address", emulator.Config{}, client, "localhost:8080", []string{"http://192.0.2.2"}, 403},
		{"page without a host", emulator.Config{}, client, "localhost:8080", []string{"null"}, 403},
		{"page of a file", emulator.Config{}, client, "localhost:8080", []string{"file://"}, 403},
		{"page of an extension", emulator.Config{}, client, "localhost:8080", []string{"chrome-extension://localhost"}, 403},
		{"page with a user", emulator.Config{}, client, "localhost:8080", []string{"http://localhost@evil.example"}, 403},
		{"no page", emulator.Config{}, client, "localhost:8080", []string{""}, 403},
		{"two pages", emulator.Config{}, client, "localhost:8080", []string{"http://localhost", "https://evil.example"}, 403},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s, err := emulator.New(tc.cfg)
			require.NoError(t, err)
			t.Cleanup(s.Close)
			r := httptest.NewRequestWithContext(
				context.WithValue(t.Context(), http.LocalAddrContextKey, &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 8080}),
				http.MethodGet, tc.path, http.NoBody)
			r.Host = tc.host
			if tc.path == rest {
				r.Method = http.MethodHead
			}
			r.Header["Origin"] = tc.origin
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			assert.Equal(t, tc.status, w.Code, "%s", w.Body)
			for name := range w.Header() {
				assert.False(t, strings.HasPrefix(name, "Access-Control-"), "%s lets pages read answers", name)
			}
		})
	}
}

func TestForeignPageCannotConnect(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := &script{}
		r := newRig(t, chat(h))
		forged := base + "/client/hubs/chat?access_token=" + sign(t, "chat", jwt.MapClaims{"sub": "admin"})
		p, resp := r.try(forged, http.Header{"Origin": {"https://evil.example"}})
		assert.Nil(t, p)
		assert.Equal(t, http.StatusForbidden, resp.StatusCode)
		p, resp = r.try(forged+"&awps_connection_id=x", http.Header{"Origin": {"https://evil.example"}}, reliableJSON)
		assert.Nil(t, p)
		assert.Equal(t, http.StatusForbidden, resp.StatusCode)
		assert.Empty(t, h.settled(), "no event is sent")
		p, _ = r.try(forged, http.Header{"Origin": {"http://localhost:3000"}})
		assert.NotNil(t, p)
	})
}

func TestForeignRequestReason(t *testing.T) {
	t.Parallel()
	const rest = ": want a loopback name or address, the address that received the request, the emulator's origin, or a host of Config.TrustHosts (--trust-host); with a private access key every host is trusted\n"
	long := strings.Repeat("x", 4000)
	for _, tc := range []struct {
		name         string
		cfg          emulator.Config
		host, origin string
		want         string
	}{
		{"host", emulator.Config{}, "evil.example:80", "", `the host "evil.example:80" is not trusted, and the access key is public` + rest},
		{"origin", emulator.Config{AccessKeys: []string{longKey}, TrustTokens: true}, "localhost", "null", `the origin "null" is not trusted, and any token is trusted` + rest},
		{"long", emulator.Config{}, "localhost", long, `the origin "` + long[:128] + `" is not trusted, and the access key is public` + rest},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s, err := emulator.New(tc.cfg)
			require.NoError(t, err)
			t.Cleanup(s.Close)
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/api/health", http.NoBody)
			r.Host = tc.host
			if tc.origin != "" {
				r.Header.Set("Origin", tc.origin)
			}
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			assert.Equal(t, http.StatusForbidden, w.Code)
			assert.Equal(t, tc.want, w.Body.String())
		})
	}
}

func TestInvalidTrustHosts(t *testing.T) {
	t.Parallel()
	for _, host := range []string{"", ".", "http://localhost", "localhost:8080", "[::1]:80", "a/b", "a b", "a@b"} {
		_, err := emulator.New(emulator.Config{TrustHosts: []string{"fine", host}})
		require.ErrorContains(t, err, "want a host name or address without scheme and port", "%q", host)
	}
	for _, host := range []string{"localhost", "Host.Example.", "::1", "[::1]", "*"} {
		s, err := emulator.New(emulator.Config{TrustHosts: []string{host}})
		require.NoError(t, err, "%q", host)
		s.Close()
	}
}
