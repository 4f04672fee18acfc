package cli_test

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/emulator"
	"github.com/go-webpubsub/webpubsub/internal/cli"
	"github.com/go-webpubsub/webpubsub/internal/version"
)

const secret = "a key that must not be seen by anybody"

func environment(pairs map[string]string) cli.Environment {
	return func(name string) (string, bool) {
		v, ok := pairs[name]
		return v, ok
	}
}

func write(t *testing.T, content string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

// running is the program. It runs until stop is called.
type running struct {
	endpoint string
	said     string // on standard output
	logged   *bytes.Buffer
	stop     func() error
}

// start runs the command emulator on a free port and reads its output.
func start(t *testing.T, env map[string]string, args ...string) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	stdout, w := io.Pipe()
	r := &running{logged: new(bytes.Buffer)}
	done := make(chan error, 1)
	go func() {
		err := cli.Exec(ctx, append([]string{"emulator", "--addr", "127.0.0.1:0"}, args...), environment(env), nil, w, r.logged)
		_ = w.CloseWithError(io.EOF)
		done <- err
	}()
	t.Cleanup(cancel)
	r.stop = func() error {
		cancel()
		return <-done
	}
	// The program prints all lines with one Write.
	in := bufio.NewReader(stdout)
	first, err := in.ReadString('\n')
	require.NoError(t, err)
	rest := make([]byte, in.Buffered())
	_, err = io.ReadFull(in, rest)
	require.NoError(t, err)
	r.said = first + string(rest)
	r.endpoint = "http://" + strings.TrimSpace(strings.TrimPrefix(first, "listening"))
	return r
}

// head returns the status of a HEAD request over a new connection.
func head(t *testing.T, target, authorization string) (status int) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodHead, target, http.NoBody)
	require.NoError(t, err)
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	return resp.StatusCode
}

func health(t *testing.T, endpoint string) (status int) {
	t.Helper()
	return head(t, endpoint+"/api/health", "")
}

func TestEmulator(t *testing.T) {
	t.Parallel()
	const all = "connect, connected, disconnected, joined, left, user events *"
	yaml := write(t, `
hubs:
  chat:
    anonymousConnectPolicy: allow
    eventHandlers:
      - urlTemplate: http://localhost:3000/{hub}/{event}
        userEventPattern: "say,text"
        systemEvents: [connect]
        groupPresenceEvents: {eventNames: [joined], groupFilters: ["room.*"]}
      - urlTemplate: http://localhost:3001/
        auth: {type: None}
  quiet: {}
`)
	identity := write(t, `
hubs:
  chat:
    eventHandlers:
      - urlTemplate: http://localhost:3000/
        systemEvents: [connect]
        auth: {type: ManagedIdentity, managedIdentity: {resource: "api://chat"}}
`)
	json := write(t, `{"hubs": {"chat": {"eventHandlers": [{"urlTemplate": "http://localhost:3000/", "systemEvents": ["connected"]}]}}}`)
	tests := []struct {
		name  string
		args  []string
		env   map[string]string
		wants []string
	}{
		{name: "nothing", wants: []string{"AccessKey=" + emulator.DefaultAccessKey + ";Version=1.0;\n", "connection string  Endpoint=http://localhost:", "clients            ws://localhost:"}},
		{name: "pairs", args: []string{"--hub", "a", "--upstream", "http://u1/", "--upstream", "http://u2/", "--hub", "b", "--upstream", "http://u3/", "--hub", "c"}, wants: []string{
			"a -> http://u1/ (" + all + ")\n", "a -> http://u2/ (" + all + ")\n", "b -> http://u3/ (" + all + ")\n", "c, no event handler\n",
		}},
		{name: "secret in a URL", args: []string{"--hub", "a", "--upstream", "http://u/?code=1"}, wants: []string{"a -> http://u/?… ("}},
		{name: "environment", env: map[string]string{"WEBPUBSUB_HUB": "a", "WEBPUBSUB_EMULATOR_UPSTREAM": "http://u/", "WEBPUBSUB_EMULATOR_ORIGIN": "emulator"}, wants: []string{
			"a -> http://u/ (", "Endpoint=http://emulator:",
		}},
		{name: "flag before environment", args: []string{"--origin", "flag"}, env: map[string]string{"WEBPUBSUB_EMULATOR_ORIGIN": "env"}, wants: []string{"Endpoint=http://flag:"}},
		{name: "upstream by flag, hub by environment", args: []string{"--upstream", "http://u/"}, env: map[string]string{"WEBPUBSUB_HUB": "a"}, wants: []string{"a -> http://u/ ("}},
		{name: "settings in YAML", args: []string{"--settings", yaml, "--hub", "more"}, wants: []string{
			"chat -> http://localhost:3000/{hub}/{event} (connect, joined, user events say,text)\n",
			"chat -> http://localhost:3001/ (no events)\n", "quiet, no event handler\n", "more, no event handler\n",
		}},
		{name: "settings in JSON", env: map[string]string{"WEBPUBSUB_EMULATOR_SETTINGS": json}, wants: []string{"chat -> http://localhost:3000/ (connected)\n"}},
		{name: "identity", args: []string{"--settings", identity}, wants: []string{
			"entra authority    http://localhost:", "/entra\n",
			"identity           tenant 7e57e57e-0000-4000-8000-7e57e57e0001, object 7e57e57e-0000-4000-8000-7e57e57e0002, app 7e57e57e-0000-4000-8000-7e57e57e0003\n",
			"chat -> http://localhost:3000/ (connect, with tokens for api://chat)\n",
		}},
		{name: "key in the environment", env: map[string]string{"WEBPUBSUB_ACCESS_KEY": secret}, wants: []string{"AccessKey=<your key>;"}},
		{name: "key in a file", args: []string{"--access-key-file", write(t, secret+"\n")}, wants: []string{"AccessKey=<your key>;"}},
		{name: "log", args: []string{"--log-format", "json", "--verbose", "--trust-tokens"}, wants: []string{"listening"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := start(t, tt.env, tt.args...)
			assert.Equal(t, http.StatusOK, health(t, r.endpoint))
			require.NoError(t, r.stop())
			for _, want := range tt.wants {
				assert.Contains(t, r.said, want)
			}
			assert.NotContains(t, r.said+r.logged.String(), secret)
		})
	}
}

func TestLogFormat(t *testing.T) {
	t.Parallel()
	for format, want := range map[string]string{"text": " INFO  stopping\n", "json": `"level":"INFO","msg":"stopping"`} {
		r := start(t, nil, "--log-format", format)
		require.NoError(t, r.stop())
		assert.Contains(t, r.logged.String(), want)
	}
}

func TestWarnings(t *testing.T) {
	t.Parallel()
	const (
		keyOutside    = "the access key is public, and others can reach this address"
		tokensOutside = "any token is trusted, and others can reach this address"
		keyPages      = "the access key is public, and any web page"
		tokensPages   = "any token is trusted, and any web page"
	)
	ours := map[string]string{"WEBPUBSUB_ACCESS_KEY": secret}
	for _, tt := range []struct {
		args  string
		env   map[string]string
		warns []string
	}{
		{"--addr 127.0.0.1:0", nil, nil},
		{"--addr 127.0.0.1:0 --trust-tokens --trust-host a", nil, nil},
		{"--addr 127.0.0.1:0 --trust-tokens --trust-host *", nil, []string{keyPages, tokensPages}},
		{"--addr 127.0.0.1:0 --trust-host *", ours, nil},
		{"--addr 0.0.0.0:0", nil, []string{keyOutside}},
		{"--addr 0.0.0.0:0", ours, nil},
		{"--addr 0.0.0.0:0 --trust-tokens", ours, []string{tokensOutside}},
		{"--addr :0 --trust-tokens", nil, []string{keyOutside, tokensOutside}},
	} {
		r := start(t, tt.env, strings.Fields(tt.args)...)
		require.NoError(t, r.stop())
		for _, text := range []string{keyOutside, tokensOutside, keyPages, tokensPages} {
			assert.Equal(t, slices.Contains(tt.warns, text), strings.Contains(r.logged.String(), text), "%+v: %s", tt, text)
		}
	}
}

func TestTrustedHosts(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		args   []string
		env    map[string]string
		host   string
		status int
	}{
		{name: "another", host: "emulator.test", status: http.StatusForbidden},
		{name: "trusted", args: []string{"--trust-host", "other.test", "--trust-host", "emulator.test"}, host: "emulator.test", status: http.StatusOK},
		{name: "trusted in the environment", env: map[string]string{"WEBPUBSUB_EMULATOR_TRUST_HOST": "other.test,emulator.test"}, host: "emulator.test", status: http.StatusOK},
		{name: "any", args: []string{"--trust-host", "*"}, host: "emulator.test", status: http.StatusOK},
		{name: "origin", args: []string{"--origin", "emulator.test"}, host: "emulator.test", status: http.StatusOK},
		{name: "where it listens", args: []string{"--addr", "0.0.0.0:0"}, host: "0.0.0.0", status: http.StatusOK},
		{name: "private key", env: map[string]string{"WEBPUBSUB_ACCESS_KEY": secret}, host: "emulator.test", status: http.StatusOK},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := start(t, tt.env, tt.args...)
			req, err := http.NewRequestWithContext(t.Context(), http.MethodHead, strings.Replace(r.endpoint, "[::]", "127.0.0.1", 1)+"/api/health", http.NoBody)
			require.NoError(t, err)
			req.Host = tt.host
			client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
			resp, err := client.Do(req)
			require.NoError(t, err)
			assert.Equal(t, tt.status, resp.StatusCode)
			require.NoError(t, r.stop())
		})
	}
}

// TestLocalhost checks that the emulator listens on IPv4 and, if the machine has it, IPv6.
func TestLocalhost(t *testing.T) {
	t.Parallel()
	r := start(t, nil, "--addr", "localhost:0")
	wants := 1
	probe, err := net.Listen("tcp", "[::1]:0")
	if err == nil {
		wants = 2
		require.NoError(t, probe.Close())
	}
	var reached int
	for line := range strings.Lines(r.said) {
		if address, ok := strings.CutPrefix(line, "listening "); ok {
			assert.Equal(t, http.StatusOK, health(t, "http://"+strings.TrimSpace(address)))
			reached++
		}
	}
	assert.Equal(t, wants, reached)
	require.NoError(t, r.stop())
}

func TestTrustTokens(t *testing.T) {
	t.Parallel()
	for _, trust := range []bool{false, true} {
		var args []string
		want := http.StatusUnauthorized
		if trust {
			args, want = []string{"--trust-tokens"}, http.StatusNotFound
		}
		r := start(t, nil, args...)
		assert.Equal(t, want, head(t, r.endpoint+"/api/hubs/h/users/u", "Bearer any"))
		require.NoError(t, r.stop())
	}
}

// TestExitCodes checks the output and exit code of the program.
func TestExitCodes(t *testing.T) {
	t.Parallel()
	file := func(content string) []string { return []string{"emulator", "--settings", write(t, content)} }
	taken := start(t, nil)
	t.Cleanup(func() { assert.NoError(t, taken.stop()) })
	address := strings.TrimPrefix(taken.endpoint, "http://")
	tests := []struct {
		name   string
		args   []string
		env    map[string]string
		code   int
		stdout string
		stderr string
	}{
		{name: "help", args: []string{"help"}, stdout: "Finds out why an event handler does not work"},
		{name: "help of the emulator", args: []string{"emulator", "--help"}, stdout: "WEBPUBSUB_ACCESS_KEY"},
		{name: "version", args: []string{"version"}, stdout: "webpubsub " + version.Version + " "},
		{name: "version by flag", args: []string{"--version"}, stdout: "webpubsub " + version.Version + " "},
		{name: "completion", args: []string{"completion", "bash"}, stdout: "__start_webpubsub"},
		{name: "unknown command", args: []string{"serve"}, code: 2, stderr: "unknown command \"serve\" for \"webpubsub\", want one of check, completion, "},
		{name: "misspelt command", args: []string{"emulater"}, code: 2, stderr: "did you mean emulator?"},
		{name: "unknown flag", args: []string{"emulator", "--port", "1"}, code: 2, stderr: "unknown flag: --port\nRun 'webpubsub emulator --help' for usage.\n"},
		{name: "misspelt flag", args: []string{"emulator", "--upstrem", "http://u/"}, code: 2, stderr: "unknown flag: --upstrem, did you mean --upstream?\nRun 'webpubsub emulator --help' for usage.\n"},
		{name: "unknown shorthand", args: []string{"emulator", "-p", "1"}, code: 2, stderr: "unknown shorthand flag: 'p' in -p\nRun 'webpubsub emulator --help' for usage.\n"},
		{name: "argument", args: []string{"emulator", "chat"}, code: 2, stderr: "unexpected argument \"chat\", want: webpubsub emulator [flags]\n"},
		{name: "address", args: []string{"emulator", "--addr", "8080"}, code: 2, stderr: `--addr "8080": want host:port`},
		{name: "address in use", args: []string{"emulator", "--addr", address}, code: 1, stderr: `--addr "` + address + `": listen tcp ` + address},
		{name: "remedy of an address in use", args: []string{"emulator", "--addr", address}, code: 1, stderr: "; choose another address, or any free port with --addr localhost:0\n"},
		{name: "log format", args: []string{"emulator", "--log-format", "xml"}, code: 2, stderr: `--log-format "xml": want text or json`},
		{name: "no groups", args: []string{"emulator", "--max-groups", "0"}, code: 2, stderr: "--max-groups 0: want 1 or more"},
		{name: "trusted host with a port", args: []string{"emulator", "--trust-host", "a:80"}, code: 2, stderr: `--trust-host "a:80": want a host name or address without scheme and port`},
		{name: "flag in the environment", args: []string{"emulator"}, env: map[string]string{"WEBPUBSUB_EMULATOR_VERBOSE": "maybe"}, code: 2, stderr: "WEBPUBSUB_EMULATOR_VERBOSE \"maybe\": want true or false"},
		{name: "upstream without hub", args: []string{"emulator", "--upstream", "http://u/"}, code: 2, stderr: `--upstream "http://u/": want a --hub before it`},
		{name: "upstream with secrets", args: []string{"emulator", "--upstream", "http://u/?code=secret"}, code: 2, stderr: `--upstream "http://u/?…": want a --hub before it`},
		{name: "upstream with a password", args: []string{"emulator", "--upstream", "http://me:secret@u/?code=secret"}, code: 2, stderr: `--upstream "http://…@u/?…": user information and fragment are not allowed`},
		{name: "upstream that is no URL", args: []string{"emulator", "--hub", "a", "--upstream", "u"}, code: 2, stderr: `--upstream "u": want an absolute http or https URL`},
		{name: "empty hub", args: []string{"emulator", "--hub", ""}, code: 2, stderr: "want a name"},
		{name: "empty upstream", args: []string{"emulator", "--hub", "a", "--upstream", ""}, code: 2, stderr: "want a URL"},
		{name: "hub with hyphen", args: []string{"emulator", "--hub", "my-hub"}, code: 2, stderr: `hub "my-hub": want a letter, then`},
		{name: "hub twice", args: []string{"emulator", "--hub", "a", "--hub", "A"}, code: 2, stderr: `--hub "A": the hub is configured twice`},
		{name: "two keys", args: []string{"emulator", "--access-key-file", "f"}, env: map[string]string{"WEBPUBSUB_ACCESS_KEY": secret}, code: 2, stderr: "want one of them"},
		{name: "empty key file", args: []string{"emulator", "--access-key-file", write(t, " \n")}, code: 2, stderr: "the file is empty"},
		{name: "long key file", args: []string{"emulator", "--access-key-file", write(t, strings.Repeat("k", 4097))}, code: 2, stderr: "longer than 4096 bytes"},
		{name: "no file to watch", args: []string{"emulator", "--watch", "--settings", os.DevNull}, code: 2, stderr: "want a regular file with --watch"},
		{name: "nothing to watch", args: []string{"emulator", "--watch"}, code: 2, stderr: "--watch: want a file to watch, with --settings"},
		{name: "no settings file", args: []string{"emulator", "--settings", "none.yaml"}, code: 2, stderr: `--settings "none.yaml": open none.yaml`},
		{name: "settings with an unknown member", args: file("hubs: {a: {eventHandler: []}}"), code: 2, stderr: `line 1, column 12: unknown field "eventHandler", did you mean "eventHandlers"?`},
		{name: "settings with an unknown member on line 4", args: file("hubs:\n  a:\n    eventHandlers:\n      - urlTemplat: http://u/?code=" + url.QueryEscape(secret) + "\n"), code: 2, stderr: `": line 4, column 9: unknown field "urlTemplat", did you mean "urlTemplate"?` + "\n"},
		{name: "settings with a mapping for a list", args: file("hubs:\n  a:\n    eventHandlers:\n      urlTemplate: http://u/\n"), code: 2, stderr: `": line 4, column 18: mapping was used where sequence is expected` + "\n"},
		{name: "settings with a list for text", args: file("hubs:\n  a:\n    anonymousConnectPolicy: [allow]\n"), code: 2, stderr: `": line 3, column 29: want text` + "\n"},
		{name: "settings with a number for a hub", args: file("hubs:\n  a: 1\n"), code: 2, stderr: `": line 2, column 6: int was used where mapping is expected` + "\n"},
		{name: "settings with a tab", args: file("hubs:\n\ta: {}\n"), code: 2, stderr: `": line 2, column 1: found character '` + "\t" + `' that cannot start any token`},
		{name: "settings with an open quote", args: file("hubs:\n  a:\n    anonymousConnectPolicy: \"" + secret + "\n"), code: 2, stderr: `": line 3, column 29: could not find end character of double-quoted text` + "\n"},
		{name: "settings with a hub twice", args: file("hubs:\n  a: {}\n  a: {}\n"), code: 2, stderr: `": line 3, column 3: mapping key "a" already defined at [2:3]` + "\n"},
		{name: "settings with an unknown policy", args: file("hubs: {a: {anonymousConnectPolicy: maybe}}"), code: 2, stderr: `hub "a": anonymousConnectPolicy "maybe": want allow or deny`},
		{name: "settings with an unknown auth type", args: file("hubs: {a: {eventHandlers: [{urlTemplate: 'http://u/', auth: {type: Basic}}]}}"), code: 2, stderr: `hub "a", event handler 0: auth.type "Basic": want None or ManagedIdentity`},
		{name: "settings for Microsoft Graph", args: file("hubs: {a: {eventHandlers: [{urlTemplate: 'http://u/', auth: {type: ManagedIdentity, managedIdentity: {}}}]}}"), code: 2, stderr: `hub "a", event handler 0: auth.managedIdentity.resource is missing`},
		{name: "settings with an unknown event", args: file("hubs: {a: {eventHandlers: [{urlTemplate: 'http://u/', systemEvents: [begun]}]}}"), code: 2, stderr: `hub "a", event handler 0: `},
		{name: "settings of two documents", args: file("hubs: {}\n---\nhubs: {}\n"), code: 2, stderr: "want one document"},
		{name: "settings that are no YAML", args: file("{"), code: 2, stderr: "--settings "},
		{name: "settings over 1 MiB", args: file(strings.Repeat("#", 1<<20+1)), code: 2, stderr: "longer than 1048576 bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var stdout, stderr bytes.Buffer
			code := cli.Main(tt.args, environment(tt.env), strings.NewReader(""), &stdout, &stderr)
			assert.Equal(t, tt.code, code, "%s%s", &stdout, &stderr)
			assert.Contains(t, stdout.String(), tt.stdout)
			assert.Contains(t, stderr.String(), tt.stderr)
			assert.NotContains(t, stdout.String()+stderr.String(), secret)
			if tt.code == 0 {
				assert.Empty(t, stderr.String())
			}
		})
	}
}

func TestUsageErrorHasItsCause(t *testing.T) {
	t.Parallel()
	err := cli.Exec(t.Context(), []string{"emulator", "--settings", "none.yaml"}, environment(nil), nil, io.Discard, io.Discard)
	require.ErrorIs(t, err, os.ErrNotExist)
	var mistake *cli.UsageError
	assert.ErrorAs(t, err, &mistake)
}
