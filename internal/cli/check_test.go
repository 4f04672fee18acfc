package cli_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"log"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/internal/cli"
	"github.com/go-webpubsub/webpubsub/internal/conformance"
	"github.com/go-webpubsub/webpubsub/internal/conformance/broken"
)

// handlerAt serves a handler on a loopback listener.
func handlerAt(t *testing.T, h http.Handler) (url string) {
	t.Helper()
	server := httptest.NewUnstartedServer(h)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.Start()
	t.Cleanup(server.Close)
	return server.URL + "/eventhandler"
}

// handlerWith returns a handler whose configuration is changed.
func handlerWith(t *testing.T, change func(*webpubsub.Config)) http.Handler {
	t.Helper()
	cfg := broken.Config()
	change(&cfg)
	h, err := webpubsub.NewHandler(cfg)
	require.NoError(t, err)
	return h
}

func brokenAt(t *testing.T, name string) (url string) {
	t.Helper()
	all, err := broken.Handlers()
	require.NoError(t, err)
	require.Contains(t, all, name)
	return handlerAt(t, all[name])
}

func TestCheck(t *testing.T) {
	t.Parallel()
	right := handlerAt(t, handlerWith(t, func(*webpubsub.Config) {}))
	anyHub := handlerAt(t, handlerWith(t, func(cfg *webpubsub.Config) { cfg.Hub = "" }))
	login := brokenAt(t, "login")
	open := brokenAt(t, "no signature check")
	severalKeys := brokenAt(t, "keys of several services for one")
	env := map[string]string{"WEBPUBSUB_CONNECTION_STRING": broken.ConnectionString, "WEBPUBSUB_HUB": "chat"}
	check := func(args ...string) []string { return append([]string{"check"}, args...) }
	nobody := strings.Replace(broken.ConnectionString, "AccessKey=", "AccessKey=x", 1)
	file := write(t, broken.OtherConnectionString+"\n")
	checkRuns(t, cli.Main, []programRun{
		{name: "passed", args: check(right), env: env, stdout: "golden:check/passed.txt"},
		{name: "parameters and a query", args: check(right + "/{hub}/{event}?code=s3cr3t"), env: env, stdout: "golden:check/passed.txt"},
		{name: "warned", args: check(anyHub), env: env, stdout: "golden:check/warned.txt"},
		{name: "any hub", args: check(anyHub, "--any-hub"), env: env, stdout: "golden:check/any_hub.txt"},
		{name: "login", args: check(login), env: env, stdout: "golden:check/login.txt", code: 1},
		{name: "login as JSON", args: check(login+"?code=s3cr3t", "--output", "json"), env: env, stdout: "golden:check/login.json", code: 1, replace: []string{login, "URL"}},
		{name: "unsigned events", args: check(open), env: env, stdout: "golden:check/open.txt", code: 1},
		{name: "wrong key", args: check(right, "--connection-string", nobody), env: env, stdout: "golden:check/wrong_key.txt", code: 1},
		{name: "key of another service", args: check(severalKeys, "--other-connection-string", "@"+file), env: env, stdout: "golden:check/other_service.txt", code: 1},
		{name: "nobody listens", args: check("http://127.0.0.1:1"), env: env, stdout: "golden:check/refused.txt", code: 1},
	})
}

func TestCheckUsage(t *testing.T) {
	t.Parallel()
	const help = "Run 'webpubsub check --help' for usage.\n"
	env := map[string]string{"WEBPUBSUB_CONNECTION_STRING": broken.ConnectionString, "WEBPUBSUB_HUB": "chat"}
	check := func(args ...string) []string { return append([]string{"check"}, args...) }
	with := func(args ...string) []string { return check(append([]string{"http://localhost:1/"}, args...)...) }
	const keyless = "Endpoint=https://other.test;"
	checkRuns(t, cli.Main, []programRun{
		{name: "no URL", args: check(), env: env, code: 2, stderr: "webpubsub: an argument is missing, want: webpubsub check URL [flags]\n" + help},
		{name: "no hub", args: with(), env: map[string]string{"WEBPUBSUB_CONNECTION_STRING": broken.ConnectionString}, code: 2, stderr: "webpubsub: --hub is missing, want the name of a hub\n" + help},
		{name: "hub", args: with("--hub", "my-hub"), env: env, code: 2, stderr: "webpubsub: --hub \"my-hub\": want a letter, then at most 127 letters, digits or characters of _`,.[] (no hyphen, no space)\n" + help},
		{name: "URL", args: check("localhost:3000/?code=s3cr3t"), env: env, code: 2, stderr: "webpubsub: URL: \"localhost:3000/?…\": want an absolute http or https URL\n" + help},
		{name: "parameter", args: check("https://a.test/{name}"), env: env, code: 2, stderr: "webpubsub: URL: \"https://a.test/{name}\": the only parameters are {hub} and {event}; other braces must be percent-encoded\n" + help},
		{name: "no key", args: with("--connection-string", keyless), env: env, code: 2, stderr: "webpubsub: --connection-string: connection string has no AccessKey\n" + help},
		{name: "no service", args: with(), env: map[string]string{"WEBPUBSUB_HUB": "chat"}, code: 2, stderr: "webpubsub: no service, set WEBPUBSUB_CONNECTION_STRING (\"webpubsub emulator\" prints one)\n" + help},
		{name: "other without a key", args: with("--other-connection-string", keyless), env: env, code: 2, stderr: "webpubsub: --other-connection-string: connection string has no AccessKey to sign with\n" + help},
		{name: "other", args: with("--other-connection-string", secret), env: env, code: 2, stderr: "webpubsub: --other-connection-string: connection string: part 1 has no =, want Endpoint=…;AccessKey=…; as \"az webpubsub key show\" prints it, or \"webpubsub emulator\" its own\n" + help},
		{name: "event", args: with("--events", "1st"), env: env, code: 2, stderr: "webpubsub: --events: event \"1st\": want a letter, then at most 127 letters, digits or characters of _.-\n" + help},
		{name: "timeout", args: with("--timeout", "0s"), env: env, code: 2, stderr: "webpubsub: --timeout 0s: want more than 0\n" + help},
	})
}

// The answer in JSON has the documented members, and no others.
func TestCheckJSON(t *testing.T) {
	t.Parallel()
	var stdout, stderr bytes.Buffer
	code := cli.Main([]string{
		"check", brokenAt(t, "no signature check"), "--hub", "chat", "--connection-string", broken.ConnectionString, "-o", "json",
	}, environment(nil), nil, &stdout, &stderr)
	assert.Equal(t, 1, code)
	assert.Empty(t, stderr.String())
	var got struct {
		URL, Hub, Origin, Status        string
		Interrupted                     bool
		Passed, Warned, Failed, Untried int
		Checks                          []struct {
			ID, Step, Status, Rule, Reason, Remedy, Because, Why string
			Problems                                             []string
			Cause                                                *struct{ ID, Text string }
		}
	}
	decoder := json.NewDecoder(&stdout)
	decoder.DisallowUnknownFields()
	require.NoError(t, decoder.Decode(&got))
	assert.Equal(t, "failed", got.Status)
	assert.Equal(t, "contoso.webpubsub.azure.com", got.Origin)
	assert.Len(t, got.Checks, len(conformance.Checks(false)))
	assert.Equal(t, len(got.Checks), got.Passed+got.Warned+got.Failed+got.Untried)
	for _, c := range got.Checks {
		switch c.ID {
		case "signature-missing":
			require.NotNil(t, c.Cause)
			assert.Equal(t, "unverified", c.Cause.ID)
			assert.NotEmpty(t, c.Problems)
			assert.NotEmpty(t, c.Remedy)
		case "signature-wrong":
			assert.Equal(t, "untried", c.Status)
			assert.Equal(t, "signature-missing", c.Because)
		}
	}
}

func TestCheckSendsWhatFlagsSay(t *testing.T) {
	t.Parallel()
	seen := make(map[string]bool)
	url := handlerAt(t, handlerWith(t, func(cfg *webpubsub.Config) {
		cfg.Fallback = func(_ context.Context, ev *webpubsub.UserEvent) (webpubsub.Reply, error) {
			seen[ev.UserID+": "+ev.EventName] = true // one request after another
			return webpubsub.Reply{}, nil
		}
	}))
	args := []string{"check", url, "--hub", "chat", "--connection-string", broken.ConnectionString}
	assert.Equal(t, 0, cli.Main(args, environment(nil), nil, io.Discard, io.Discard))
	assert.Equal(t, map[string]bool{"webpubsub-check: webpubsub-check": true}, seen)
	clear(seen)
	assert.Equal(t, 0, cli.Main(append(args, "--events", "say,draw", "--user", "ann"), environment(nil), nil, io.Discard, io.Discard))
	assert.Equal(t, map[string]bool{"ann: say": true, "ann: draw": true}, seen)
}

func TestCheckTimeout(t *testing.T) {
	t.Parallel()
	url := handlerAt(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	var stdout bytes.Buffer
	code := cli.Main([]string{"check", url, "--hub", "chat", "--connection-string", broken.ConnectionString, "--timeout", "10ms"}, environment(nil), nil, &stdout, io.Discard)
	assert.Equal(t, 1, code)
	assert.Contains(t, stdout.String(), "OPTIONS: no answer in time: 10ms\n")
	assert.Contains(t, stdout.String(), "failed at reach: the answer takes too long: the service waits for 10s, and does not ask again")
}

// interruptedCheck interrupts a check of a handler when that gets the first request for
// which when is true.
func interruptedCheck(t *testing.T, h http.Handler, when func(*http.Request) bool, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	url := handlerAt(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !when(r) {
			h.ServeHTTP(w, r)
			return
		}
		_, _ = io.Copy(io.Discard, r.Body) // so that the server notices the end
		cancel()
		<-r.Context().Done()
	}))
	var out, notes bytes.Buffer
	code = cli.Run(ctx, append([]string{"check", url, "--hub", "chat", "--connection-string", broken.ConnectionString}, args...), environment(nil), nil, &out, &notes)
	return out.String(), notes.String(), code
}

func TestCheckIsInterrupted(t *testing.T) {
	t.Parallel()
	at := func(check string) func(r *http.Request) bool {
		return func(r *http.Request) bool { return check == "" || r.Method == check }
	}
	right := handlerWith(t, func(*webpubsub.Config) {})
	all, err := broken.Handlers()
	require.NoError(t, err)
	stdout, stderr, code := interruptedCheck(t, right, at(""))
	assert.Equal(t, 1, code)
	assert.Equal(t, "webpubsub: interrupted\n", stderr)
	assert.Equal(t, "reach\n  passed  url-braces: the URL has no percent-encoded {hub} or {event}\n\ninterrupted (1 passed)\n", stdout)

	type report struct {
		Status      string
		Interrupted bool
		Passed      int
		Failed      int
		Checks      []struct{ ID, Status string }
	}
	for name, tt := range map[string]struct {
		handler http.Handler
		when    string
		want    report
	}{
		"passed so far": {right, http.MethodGet, report{Status: "interrupted", Interrupted: true, Passed: 4}},
		"failed so far": {
			all["origins matched by prefix"], http.MethodPost, report{Status: "failed", Interrupted: true, Passed: 8, Failed: 1},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stdout, stderr, code := interruptedCheck(t, tt.handler, at(tt.when), "-o", "json")
			assert.Equal(t, 1, code)
			assert.Equal(t, "webpubsub: interrupted\n", stderr)
			var got report
			require.NoError(t, json.Unmarshal([]byte(stdout), &got), stdout)
			assert.Len(t, got.Checks, got.Passed+got.Failed)
			got.Checks = nil
			assert.Equal(t, tt.want, got)
		})
	}
}

// serveHostileName serves with a certificate whose name would clear a terminal.
func serveHostileName(t *testing.T) (url string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"\x1b[2J.test"}}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, &key.PublicKey, key)
	require.NoError(t, err)
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	server.StartTLS()
	t.Cleanup(server.Close)
	return "https://localhost:" + strings.Split(server.URL, ":")[2]
}

// Errors are safe for a terminal, whatever they quote.
func TestNamesOfCertificates(t *testing.T) {
	t.Parallel()
	url := serveHostileName(t)
	for name, args := range map[string][]string{
		"check":    {"check", url, "--hub", "chat", "--connection-string", broken.ConnectionString},
		"settings": {"settings", "--hub", "chat", "--upstream", url, "--validate", "contoso.test"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var said bytes.Buffer
			assert.Equal(t, 1, cli.Main(args, environment(nil), nil, &said, &said))
			assert.Contains(t, said.String(), `\x1b[2J.test`)
			assert.NotContains(t, said.String(), "\x1b")
		})
	}
}

func TestCheckInColours(t *testing.T) {
	t.Parallel()
	user, program := openTerminal(t)
	done := make(chan int, 1)
	url := brokenAt(t, "login")
	go func() {
		done <- cli.Main([]string{"check", url, "--hub", "chat", "--connection-string", broken.ConnectionString}, environment(nil), program, program, program)
	}()
	shown := user.until("not tried)\r\n")
	assert.Equal(t, 1, <-done)
	assert.Contains(t, shown, "\x1b[32mpassed\x1b[0m  reach: ")
	assert.Contains(t, shown, "\x1b[31mfailed\x1b[0m  options-consent: ")
	assert.Contains(t, shown, "\x1b[31mfailed\x1b[0m at options-consent")
}

// closedPipe is a stdout that nobody reads.
type closedPipe struct{}

func (closedPipe) Write([]byte) (int, error) { return 0, os.ErrClosed }

func TestCheckWithoutReader(t *testing.T) {
	t.Parallel()
	var stderr bytes.Buffer
	code := cli.Main([]string{"check", brokenAt(t, "login"), "--hub", "chat", "--connection-string", broken.ConnectionString}, environment(nil), nil, closedPipe{}, &stderr)
	assert.Equal(t, 1, code)
	assert.Equal(t, "webpubsub: file already closed\n", stderr.String())
}
