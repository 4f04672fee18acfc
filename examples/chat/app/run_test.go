package app_test

import (
	"flag"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/emulator"
	chat "github.com/go-webpubsub/webpubsub/examples/chat/app"
)

func (s *server) request(method, path string) (*http.Response, []byte) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, http.NoBody)
	require.NoError(s.t, err)
	return do(s.t, r)
}

func TestPage(t *testing.T) {
	t.Parallel()
	s := run(t)
	media := map[string]string{
		".html": "text/html; charset=utf-8",
		".css":  "text/css; charset=utf-8",
		".js":   "text/javascript; charset=utf-8",
		".svg":  "image/svg+xml",
	}
	files, err := os.ReadDir("page")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		path := "/" + strings.TrimSuffix(file.Name(), "index.html")
		res, body := s.request(http.MethodGet, path)
		assert.Equal(t, http.StatusOK, res.StatusCode, path)
		assert.Equal(t, media[filepath.Ext(file.Name())], res.Header.Get("Content-Type"), path)
		assert.Equal(t, "nosniff", res.Header.Get("X-Content-Type-Options"), path)
		assert.Less(t, strings.Count(string(body), "\n"), 500, "lines of %s", path)
		assert.Equal(t, "default-src 'self'; connect-src 'self' ws"+strings.TrimPrefix(s.url, "http")+
			"; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'", res.Header.Get("Content-Security-Policy"), path)
		for _, forbidden := range []string{`https?://(?:[^w]|w[^w])`, `innerHTML`, `\bon[a-z]+=`, `style="`, `eval\(`, `document\.write`} {
			assert.NotRegexp(t, forbidden, string(body), path)
		}
	}
	for _, tt := range []struct {
		method, path string
		status       int
	}{
		{http.MethodGet, "/nothing", 404},
		{http.MethodGet, "/..%2fmain.go", 404},
		{http.MethodGet, "/page/chat.js", 404},
		{http.MethodPost, "/", 405},
		{http.MethodDelete, "/chat.js", 405},
		{http.MethodGet, "/eventhandler/chat/connect", 405},
		{http.MethodPost, "/eventhandler/chat/connect", 404},
		{http.MethodHead, "/api/hubs/chat/users/x", 401},
		{http.MethodGet, "/client/hubs/chat", 400},
	} {
		res, _ := s.request(tt.method, tt.path)
		assert.Equal(t, tt.status, res.StatusCode, "%s %s", tt.method, tt.path)
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	err := chat.Run(t.Context(), []string{"--help"}, func(string) string { return "" }, &out, chat.Replica{})
	require.ErrorIs(t, err, flag.ErrHelp)
	for _, want := range []string{"-addr", `default "127.0.0.1:3000"`, "PORT", "-url", "-logins"} {
		assert.Contains(t, out.String(), want)
	}
}

func TestRunErrors(t *testing.T) {
	t.Parallel()
	var config net.ListenConfig
	taken, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, taken.Close()) })
	for _, tt := range []struct {
		name        string
		args        []string
		environment string
		want        string
	}{
		{"unknown flag", []string{"--port", "1"}, "", "flag provided but not defined: -port"},
		{"address", []string{"--addr", "nowhere"}, "", "missing port in address"},
		{"port that is in use", []string{"--addr", taken.Addr().String()}, "",
			"address already in use; choose another address by -addr, or another port by PORT in the environment"},
		{"room without name", []string{"--rooms", "a,,b"}, "", `-rooms "a,,b": want names separated by commas`},
		{"no logins", []string{"--logins", "0"}, "", "-logins 0: want 1 to 1000000"},
		{"URL", []string{"--addr", "127.0.0.1:0", "--url", "http://%"}, "", `-url "http://%": want a URL such as https://chat.example.com`},
		{"URL of another kind", []string{"--addr", "127.0.0.1:0", "--url", "ftp://chat.example.com"}, "", `scheme "ftp"`},
		{"URL without host", []string{"--addr", "127.0.0.1:0", "--url", "chat.example.com"}, "", `-url "chat.example.com": want a URL`},
		{"all addresses", []string{"--addr", ":0"}, "", `-url "http://[::]:`},
		{"all addresses of IPv4", []string{"--addr", "0.0.0.0:0"}, "", `-url "http://`},
		{"connection string", []string{"--addr", "127.0.0.1:0"}, "Endpoint=", "connection string"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			getenv := func(k string) string { return map[string]string{"WEBPUBSUB_CONNECTION_STRING": tt.environment}[k] }
			err := chat.Run(t.Context(), tt.args, getenv, io.Discard, chat.Replica{})
			require.ErrorContains(t, err, tt.want)
			assert.NotContains(t, err.Error(), "AccessKey=")
		})
	}
}

// TestPort sets the port with the environment variable PORT.
func TestPort(t *testing.T) {
	t.Parallel()
	var config net.ListenConfig
	taken, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, taken.Close()) })
	_, port, err := net.SplitHostPort(taken.Addr().String())
	require.NoError(t, err)
	getenv := func(k string) string { return map[string]string{"PORT": port}[k] }
	err = chat.Run(t.Context(), nil, getenv, io.Discard, chat.Replica{})
	require.ErrorContains(t, err, "listen tcp "+taken.Addr().String())

	s := runIn(t, map[string]string{"PORT": port}, "-addr", "127.0.0.1:0")
	assert.NotContains(t, s.url, ":"+port, "the flag counts")
}

// TestURL serves behind another public URL.
func TestURL(t *testing.T) {
	t.Parallel()
	s := run(t, "-addr", ":0", "-url", "https://chat.example.com/")
	assert.Equal(t, "https://chat.example.com", s.url)
}

// TestAzure runs the program with a connection string: it starts no emulator and
// prints the configuration of the hub.
func TestAzure(t *testing.T) {
	t.Parallel()
	s := runIn(t, map[string]string{
		"WEBPUBSUB_CONNECTION_STRING": "Endpoint=https://contoso.webpubsub.azure.com;AccessKey=not a real key, only one for tests;Version=1.0;",
	})
	res, _ := s.request(http.MethodGet, "/")
	assert.Contains(t, res.Header.Get("Content-Security-Policy"), "connect-src 'self' wss://contoso.webpubsub.azure.com;")
	got := s.admit("Ann", "ann")
	assert.True(t, strings.HasPrefix(got.URL, "wss://contoso.webpubsub.azure.com/client/hubs/chat?access_token="), "%s", got.URL)
	res, _ = s.request(http.MethodGet, "/client/hubs/chat")
	assert.Equal(t, http.StatusNotFound, res.StatusCode)
	require.NoError(t, s.stop())
	var printed strings.Builder
	for line := range s.lines {
		printed.WriteString(line + "\n")
	}
	assert.Contains(t, printed.String(), `url-template="`+s.url+`/eventhandler/{hub}/{event}"`)
	assert.NotContains(t, printed.String(), "not a real key")
}

// TestStop stops the program while people are connected. TestMain checks for leaked
// goroutines.
func TestStop(t *testing.T) {
	t.Parallel()
	s := run(t)
	ann := s.open("Ann")
	require.NoError(t, s.stop())
	var closed error
	for closed == nil {
		_, _, closed = ann.in.Next(t.Context())
	}
	assert.Equal(t, websocket.StatusGoingAway, websocket.CloseStatus(closed))
	printed := ""
	for line := range s.lines {
		printed += line + "\n"
	}
	assert.Regexp(t, `(?m)^\S+ disconnected 200 `, printed)
	assert.NotContains(t, printed, " 500 ")
	assert.Regexp(t, `(?m)^\d\d:\d\d:\d\d connect +200 +\d+\.\d ms  \S+$`, printed)
}

// The chat prints an address of its inspector that answers, or none.
func TestInspectorURL(t *testing.T) {
	t.Parallel()
	emu, err := emulator.New(emulator.Config{Inspector: &emulator.Inspector{}})
	require.NoError(t, err)
	t.Cleanup(emu.Close)
	for at, want := range map[string]string{
		"127.0.0.1:3000": "http://127.0.0.1:3000", "[::1]:3000": "http://[::1]:3000",
		"0.0.0.0:3000": "http://localhost:3000", "[::]:3000": "http://localhost:3000",
	} {
		assert.Equal(t, emu.InspectorURL(want), chat.InspectorURL(emu, net.TCPAddrFromAddrPort(netip.MustParseAddrPort(at))))
	}
	assert.Empty(t, chat.InspectorURL(emu, net.TCPAddrFromAddrPort(netip.MustParseAddrPort("192.0.2.1:3000"))))
}
