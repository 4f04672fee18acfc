package emulator_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/emulator"
)

// arrive serves a request as if it was received at an address.
func arrive(s *emulator.Server, req *http.Request, address string) *httptest.ResponseRecorder {
	ctx := context.WithValue(req.Context(), http.LocalAddrContextKey, net.Addr(&net.TCPAddr{IP: net.ParseIP(address), Port: 8080}))
	w := httptest.NewRecorder()
	s.ServeHTTP(w, req.WithContext(ctx))
	return w
}

func TestInspectorIsOff(t *testing.T) {
	t.Parallel()
	s, err := emulator.New(emulator.Config{})
	require.NoError(t, err)
	defer s.Close()
	assert.Empty(t, s.InspectorURL("http://localhost:8080"))
	w := arrive(s, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost:8080/inspector/", nil), "127.0.0.1")
	assert.Equal(t, http.StatusNotFound, w.Code)
}

// Only the inspector's own page reaches it, whatever the keys and the trusted hosts are.
func TestInspectorRejectsForeignRequests(t *testing.T) {
	t.Parallel()
	local := &emulator.Inspector{}
	anywhere := &emulator.Inspector{InsecureNonLoopback: true}
	for _, tc := range []struct {
		name    string
		cfg     emulator.Config
		address string
		host    string
		header  http.Header
		status  int
	}{
		{"localhost", emulator.Config{Inspector: local}, "127.0.0.1", "localhost:8080", nil, 200},
		{"127.0.0.1", emulator.Config{Inspector: local}, "127.0.0.1", "127.0.0.1:8080", nil, 200},
		{"::1", emulator.Config{Inspector: local}, "::1", "[::1]:8080", nil, 200},
		{"own origin", emulator.Config{Inspector: local}, "127.0.0.1", "localhost:8080", http.Header{"Origin": {"http://localhost:8080"}, "Sec-Fetch-Site": {"same-origin"}}, 200},
		{"typed URL", emulator.Config{Inspector: local}, "127.0.0.1", "localhost:8080", http.Header{"Sec-Fetch-Site": {"none"}, "Sec-Fetch-Dest": {"document"}}, 200},
		{"link of another page", emulator.Config{Inspector: local}, "127.0.0.1", "localhost:8080", http.Header{"Sec-Fetch-Site": {"cross-site"}, "Sec-Fetch-Dest": {"document"}}, 200},

		{"DNS rebinding", emulator.Config{Inspector: local}, "127.0.0.1", "evil.example:8080", nil, 403},
		{"DNS rebinding with its own origin", emulator.Config{Inspector: local}, "127.0.0.1", "evil.example:8080", http.Header{"Origin": {"http://evil.example:8080"}}, 403},
		{"DNS rebinding, all hosts trusted", emulator.Config{Inspector: local, TrustHosts: []string{"*", "evil.example"}}, "127.0.0.1", "evil.example:8080", nil, 403},
		{"DNS rebinding, private key", emulator.Config{Inspector: local, AccessKeys: []string{longKey}}, "127.0.0.1", "evil.example:8080", nil, 403},
		{"DNS rebinding to the emulator's origin", emulator.Config{Inspector: local, Origin: "emu.example"}, "127.0.0.1", "emu.example:8080", nil, 403},
		{"foreign page", emulator.Config{Inspector: local}, "127.0.0.1", "localhost:8080", http.Header{"Origin": {"https://evil.example"}}, 403},
		{"foreign page, trusted host", emulator.Config{Inspector: local, TrustHosts: []string{"app.example"}}, "127.0.0.1", "localhost:8080", http.Header{"Origin": {"https://app.example"}}, 403},
		{"page of another port", emulator.Config{Inspector: local}, "127.0.0.1", "localhost:8080", http.Header{"Origin": {"http://localhost:3000"}}, 403},
		{"page of another name of this machine", emulator.Config{Inspector: local}, "127.0.0.1", "localhost:8080", http.Header{"Origin": {"http://127.0.0.1:8080"}}, 403},
		{"page without a server", emulator.Config{Inspector: local}, "127.0.0.1", "localhost:8080", http.Header{"Origin": {"null"}}, 403},
		{"two origins", emulator.Config{Inspector: local}, "127.0.0.1", "localhost:8080", http.Header{"Origin": {"http://localhost:8080", "https://evil.example"}}, 403},
		{"script of another page", emulator.Config{Inspector: local}, "127.0.0.1", "localhost:8080", http.Header{"Sec-Fetch-Site": {"cross-site"}, "Sec-Fetch-Dest": {"script"}}, 403},
		{"frame of another page", emulator.Config{Inspector: local}, "127.0.0.1", "localhost:8080", http.Header{"Sec-Fetch-Site": {"same-site"}, "Sec-Fetch-Dest": {"iframe"}}, 403},
		{"header in the host", emulator.Config{Inspector: local}, "127.0.0.1", "localhost:80; script-src *", nil, 403},
		{"address of the network", emulator.Config{Inspector: local}, "192.0.2.1", "localhost:8080", nil, 403},
		{"address of the network as host", emulator.Config{Inspector: local}, "192.0.2.1", "192.0.2.1:8080", nil, 403},

		{"insecure, address of the network", emulator.Config{Inspector: anywhere}, "192.0.2.1", "192.0.2.1:8080", nil, 200},
		{"insecure, trusted host", emulator.Config{Inspector: anywhere, TrustHosts: []string{"emu.example"}}, "192.0.2.1", "emu.example:8080", nil, 200},
		{"insecure, any host", emulator.Config{Inspector: anywhere, TrustHosts: []string{"*"}}, "192.0.2.1", "any.example", nil, 200},
		{"insecure, DNS rebinding", emulator.Config{Inspector: anywhere}, "192.0.2.1", "evil.example:8080", nil, 403},
		{"insecure, foreign page", emulator.Config{Inspector: anywhere}, "192.0.2.1", "192.0.2.1:8080", http.Header{"Origin": {"https://evil.example"}}, 403},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s, err := emulator.New(tc.cfg)
			require.NoError(t, err)
			defer s.Close()
			_, token, _ := strings.Cut(s.InspectorURL(""), "#token=")
			for _, path := range []string{"/inspector/", "/inspector/state", "/inspector/export"} {
				req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost"+path, nil)
				req.Host = tc.host
				if tc.header != nil {
					req.Header = tc.header.Clone()
				}
				req.Header.Set("Inspector-Token", token)
				w := arrive(s, req, tc.address)
				assert.Equal(t, tc.status, w.Code, "%s: %s", path, w.Body)
				assert.Empty(t, w.Header().Get("Access-Control-Allow-Origin"))
			}
		})
	}
}

// A request without a server, such as that of a test, reaches no address.
func TestInspectorNeedsAnAddress(t *testing.T) {
	t.Parallel()
	s, err := emulator.New(emulator.Config{Inspector: &emulator.Inspector{}})
	require.NoError(t, err)
	defer s.Close()
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost/inspector/", nil))
	assert.Equal(t, http.StatusForbidden, w.Code)
}

// Everything but the page's files needs the token, in the header.
func TestInspectorToken(t *testing.T) {
	t.Parallel()
	i := newInspection(t, emulator.Config{})
	other := newInspection(t, emulator.Config{})
	assert.NotEqual(t, i.token, other.token, "each start has its own")
	for _, call := range []string{
		"GET records", "GET records/1", "GET records/1/curl", "GET records/1/trigger", "GET records/1/gotest", "GET state", "GET export", "POST import",
		"POST actions/send", "POST actions/close", "POST actions/raise", "POST actions/clientURL", "POST actions/pause", "POST actions/clear",
	} {
		method, path, _ := strings.Cut(call, " ")
		for _, given := range [][]string{nil, {""}, {i.token[1:]}, {i.token + "A"}, {other.token}, {strings.ToLower(i.token)}, {i.token, i.token}} {
			req := i.request(method, path, "{}")
			req.Header["Inspector-Token"] = given
			status, body, _ := i.do(req)
			assert.Equal(t, http.StatusUnauthorized, status, "%s %q", call, given)
			assert.Contains(t, body, `{"error":"`)
			assert.NotContains(t, body, i.token)
		}
		req := i.request(method, path+"?token="+i.token+"&access_token="+i.token, "{}")
		req.Header.Del("Inspector-Token")
		req.AddCookie(&http.Cookie{Name: "Inspector-Token", Value: i.token}) //nolint:gosec // of a request
		status, _, _ := i.do(req)
		assert.Equal(t, http.StatusUnauthorized, status, "%s with the token elsewhere", call)
	}
	status, _ := i.get("")
	assert.Equal(t, http.StatusOK, status)
}

// A form or a simple request of another page has no JSON and no header, and a preflight is
// not answered.
func TestInspectorHasNoCORS(t *testing.T) {
	t.Parallel()
	i := newInspection(t, emulator.Config{})
	for _, contentType := range []string{"text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""} {
		req := i.request(http.MethodPost, "actions/clear", "{}")
		req.Header["Content-Type"] = []string{contentType}
		status, _, _ := i.do(req)
		assert.Equal(t, http.StatusUnsupportedMediaType, status, contentType)
	}
	req := i.request(http.MethodOptions, "actions/clear", "")
	req.Header.Set("Access-Control-Request-Method", "POST")
	req.Header.Set("Access-Control-Request-Headers", "inspector-token")
	status, _, header := i.do(req)
	assert.Equal(t, http.StatusMethodNotAllowed, status)
	for name := range header {
		assert.False(t, strings.HasPrefix(name, "Access-Control-"), name)
	}
}

func TestInspectorHeaders(t *testing.T) {
	t.Parallel()
	i := newInspection(t, emulator.Config{})
	host := strings.TrimPrefix(i.emu.Endpoint, "http://")
	for _, path := range []string{"", "state", "export", "nothing", "actions/clear"} {
		req := i.request(http.MethodGet, path, "")
		if path == "state" {
			req.Header.Del("Inspector-Token") // an error has them, too
		}
		_, _, header := i.do(req)
		assert.Equal(t, "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self' ws://"+host+" wss://"+host+
			"; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'", header.Get("Content-Security-Policy"), path)
		if path == "" || path == "state" || path == "export" { // net/http's own errors have nothing to hide
			assert.Equal(t, "no-store", header.Get("Cache-Control"), path)
		}
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer",
			"Cross-Origin-Resource-Policy": "same-origin", "Cross-Origin-Opener-Policy": "same-origin",
		} {
			assert.Equal(t, want, header.Get(name), "%s of %q", name, path)
		}
	}
}

// Settings are checked, copied and used.
func TestInspectorConfig(t *testing.T) {
	t.Parallel()
	for want, i := range map[string]emulator.Inspector{
		"emulator: Inspector.MaxRecords -1: want a positive number, or 0 for 20000":  {MaxRecords: -1},
		"emulator: Inspector.MaxBytes -1: want a positive number, or 0 for 33554432": {MaxBytes: -1},
	} {
		_, err := emulator.New(emulator.Config{Inspector: &i})
		require.EqualError(t, err, want)
	}
	settings := &emulator.Inspector{MaxRecords: 7, MaxBytes: 9000}
	s := newInspection(t, emulator.Config{Inspector: settings})
	assert.Equal(t, emulator.Inspector{MaxRecords: 7, MaxBytes: 9000}, *settings, "it is copied")
	_, hello := s.stream("")
	assert.Contains(t, hello, `"maxRecords":7,"maxBytes":9000`)
	_, hello = newInspection(t, emulator.Config{}).stream("0")
	assert.Contains(t, hello, `"maxRecords":20000,"maxBytes":33554432`)
}
