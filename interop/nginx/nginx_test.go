package nginx_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
)

const connectionString = "Endpoint=https://contoso.webpubsub.azure.com;AccessKey=not a real key, only one for tests;Version=1.0;"

// program is the command webpubsub, built for the tests.
var program string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "webpubsub")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	program = filepath.Join(dir, "webpubsub")
	build := exec.CommandContext(context.Background(), "go", "build", "-o", program, "./cmd/webpubsub")
	build.Dir = filepath.Join("..", "..")
	if output, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "%v\n%s", err, output)
		return 1
	}
	return m.Run()
}

// handler serves a handler without mistakes and returns its address.
func handler(t *testing.T) (address string) {
	t.Helper()
	h, err := webpubsub.NewHandler(webpubsub.Config{
		Hub:               "chat",
		ConnectionStrings: []string{connectionString},
		Logger:            slog.New(slog.DiscardHandler),
		OnConnect: func(context.Context, *webpubsub.ConnectEvent) (*webpubsub.ConnectReply, error) {
			return &webpubsub.ConnectReply{State: webpubsub.RawState(strings.Repeat("s", 6000))}, nil
		},
	})
	require.NoError(t, err)
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

// nginx runs nginx with a server of testdata until the test ends, and returns its URL.
// nginx takes over a listener that is open already, so connections wait for its start.
func nginx(t *testing.T, name string) (url string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	socket, err := listener.(*net.TCPListener).File()
	require.NoError(t, err)
	address := listener.Addr().String()

	server, err := os.ReadFile(filepath.Join("testdata", name+".conf"))
	require.NoError(t, err)
	dir := t.TempDir()
	config := filepath.Join(dir, "nginx.conf")
	require.NoError(t, os.WriteFile(config, []byte(strings.NewReplacer("LISTEN", address, "DIR", dir, "USER", account(t)).Replace(`
daemon off;
worker_processes 1;
user USER; # so that it can write to its directory
pid DIR/pid;
error_log stderr error;
events {}
http {
	access_log off;
	client_body_temp_path DIR/body;
	proxy_temp_path DIR/proxy;
	fastcgi_temp_path DIR/fastcgi;
	uwsgi_temp_path DIR/uwsgi;
	scgi_temp_path DIR/scgi;
	limit_req_zone $binary_remote_addr zone=one:1m rate=1r/m;
	server {
		listen LISTEN;
`)+strings.ReplaceAll(string(server), "HANDLER", handler(t))+"}\n}\n"), 0o600)) //nolint:gosec // the directory is the test's

	proxy := exec.CommandContext(context.WithoutCancel(t.Context()), "nginx", "-c", config, "-p", dir, "-e", "stderr")
	proxy.ExtraFiles = []*os.File{socket}
	proxy.Env = append(os.Environ(), "NGINX=3;") // the number of the socket
	var log strings.Builder
	proxy.Stderr = &log
	require.NoError(t, proxy.Start())
	require.NoError(t, listener.Close())
	require.NoError(t, socket.Close())
	t.Cleanup(func() {
		assert.NoError(t, proxy.Process.Signal(syscall.SIGTERM)) // its worker ends, too
		assert.NoError(t, proxy.Wait())
		if t.Failed() {
			t.Log(log.String())
		}
	})
	return "http://" + address
}

// account returns the user and group of the test.
func account(t *testing.T) string {
	t.Helper()
	me, err := user.Current()
	require.NoError(t, err)
	group, err := user.LookupGroupId(me.Gid)
	require.NoError(t, err)
	return me.Username + " " + group.Name
}

// result is what the command says of a URL.
type result struct {
	Status         string
	Passed, Warned int
	Checks         []struct {
		ID, Status, Remedy string
		Problems           []string
		Cause              *struct{ ID, Text string }
	}
}

func check(t *testing.T, url string) (r result, code int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, "check", url, "--hub", "chat", "--output", "json")
	cmd.Env = append(os.Environ(), "WEBPUBSUB_CONNECTION_STRING="+connectionString)
	output, err := cmd.Output()
	if _, exited := err.(*exec.ExitError); err != nil && !exited { //nolint:errorlint // Output returns it as it is
		require.NoError(t, err)
	}
	require.NoError(t, json.Unmarshal(output, &r), "%s", output)
	return r, cmd.ProcessState.ExitCode()
}

func TestCheckPasses(t *testing.T) {
	t.Parallel()
	r, code := check(t, nginx(t, "plain")+"/eventhandler")
	assert.Equal(t, 0, code)
	assert.Equal(t, "passed", r.Status)
	assert.Zero(t, r.Warned)
	for _, c := range r.Checks {
		assert.Empty(t, c.Problems, c.ID)
	}
}

// The first failure that is named is nginx's.
func TestCheckNamesTheDefect(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		config, id, cause, text string
	}{
		"redirect to https":        {"https", "redirect", "redirect-https", "http is redirected to https: https://127.0.0.1/eventhandler?…"},
		"redirect to the slash":    {"slash", "redirect", "redirect-slash", "the URL differs from that of the handler by a slash at its end: http://127.0.0.1:"},
		"redirect to a login":      {"login_page", "redirect", "login", "something in front of the handler redirects to a login: http://127.0.0.1:"},
		"login":                    {"login", "options-consent", "login", "something in front of the handler asks for a login (the answer is from the server \"nginx/"},
		"login except for OPTIONS": {"login_except_options", "signed", "login", "something in front of the handler asks for a login (the answer is from the server \"nginx/"},
		"deny":                     {"deny", "options-consent", "login", "something in front of the handler asks for a login (the answer is from the server \"nginx/"},
		"CORS":                     {"cors", "options-consent", "cors", "a CORS middleware answers OPTIONS itself, so that the handler does not get it"},
		"no origin":                {"no_origin", "options-consent", "header-stripped", "the handler did not receive the header Webhook-Request-Origin, which was sent: something in front of it removes the header (the answer is from the server \"nginx/"},
		"no signature":             {"no_signature", "signed", "header-stripped", "the handler did not receive the header Ce-Signature, which was sent: something in front of it removes the header (the answer is from the server \"nginx/"},
		"no attributes":            {"no_attributes", "options-consent", "header-stripped", "the handler did not receive the header Ce-Awpsversion, which was sent: something in front of it removes the header (the answer is from the server \"nginx/"},
		"no consent":               {"no_consent", "options-consent", "header-stripped", "the handler knows the origin, but its answer arrives without WebHook-Allowed-Origin: something in front of it removes the header (the answer is from the server \"nginx/"},
		"not found":                {"not_found", "options-consent", "not-found", "nothing is served at this URL: the answer is the page for unknown URLs of nginx"},
		"handler stopped":          {"stopped", "options-consent", "gateway", "a proxy answers, and cannot reach the handler behind it (the answer is from the server \"nginx/"},
		"rate limit":               {"rate", "lookalike-origin", "rate-limit", "something limits the number of requests"},
		"page for all paths":       {"spa", "options-consent", "page", "a web page is answered, such as that of a single-page application for all unknown paths"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, code := check(t, nginx(t, tt.config)+"/eventhandler?code=s3cr3t")
			assert.Equal(t, 1, code)
			assert.Equal(t, "failed", r.Status)
			assert.NotContains(t, fmt.Sprint(r), "s3cr3t")
			for _, c := range r.Checks {
				if c.Status != "failed" {
					continue
				}
				assert.Equal(t, tt.id, c.ID, "%q", c.Problems)
				require.NotNil(t, c.Cause)
				assert.Equal(t, tt.cause, c.Cause.ID, "%q", c.Problems)
				assert.Equal(t, tt.text, c.Cause.Text[:min(len(tt.text), len(c.Cause.Text))])
				assert.NotEmpty(t, c.Remedy)
				return
			}
			assert.Fail(t, "no check failed")
		})
	}
}
