package main_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
)

const (
	key              = "not a real key, only one for tests"
	origin           = "contoso.webpubsub.azure.com"
	connectionString = "Endpoint=https://" + origin + ";AccessKey=" + key + ";Version=1.0;"
)

// build makes the program that the README shows.
func build(t *testing.T) (program string) {
	t.Helper()
	program = filepath.Join(t.TempDir(), "echo.exe")
	output, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".").CombinedOutput()
	require.NoError(t, err, "%s", output)
	return program
}

// start runs the program on a free port until the test ends. It gives the
// command that the program prints.
func start(t *testing.T, program string, environment ...string) (command string) {
	t.Helper()
	run := exec.CommandContext(t.Context(), program) // killed with the test's context
	run.Env = append(os.Environ(), "PORT="+freePort(t), "WEBPUBSUB_CONNECTION_STRING=")
	run.Env = append(run.Env, environment...)
	stderr, err := run.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, run.Start())
	t.Cleanup(func() {
		var exit *exec.ExitError
		assert.ErrorAs(t, run.Wait(), &exit, "the program ended by itself")
	})
	lines := bufio.NewScanner(stderr)
	for lines.Scan() {
		if command == "" && !strings.HasPrefix(lines.Text(), "curl ") {
			continue
		}
		command += lines.Text() + "\n"
		if !strings.HasSuffix(lines.Text(), `\`) {
			awaitListener(t, curl(t, command).URL.Host)
			return command
		}
	}
	require.Fail(t, "no curl command was printed", "output %q, error %v", command, lines.Err())
	return ""
}

// awaitListener waits until the program listens, just after it has printed.
func awaitListener(t *testing.T, address string) {
	t.Helper()
	var dialer net.Dialer
	for {
		conn, err := dialer.DialContext(t.Context(), "tcp", address)
		if err == nil {
			require.NoError(t, conn.Close())
			return
		}
		require.ErrorIs(t, err, syscall.ECONNREFUSED)
		runtime.Gosched()
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	var config net.ListenConfig
	ln, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { assert.NoError(t, ln.Close()) }()
	_, port, err := net.SplitHostPort(ln.Addr().String())
	require.NoError(t, err)
	return port
}

// words splits a command as a POSIX shell does, as far as quotes and backslashes go.
func words(command string) ([]string, error) {
	var all []string
	var word strings.Builder
	var quote rune
	inWord, escaped := false, false
	for _, c := range command {
		switch {
		case escaped:
			escaped = false
			if c == '\n' {
				continue // the line goes on
			}
			if quote == '"' && !strings.ContainsRune("\"\\$`", c) {
				word.WriteRune('\\')
			}
			word.WriteRune(c)
			inWord = true
		case c == '\\' && quote != '\'':
			escaped = true
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '\'' || c == '"'):
			quote, inWord = c, true
		case quote != '\'' && (c == '$' || c == '`'), quote == 0 && strings.ContainsRune("|&;<>()*?[#~!{", c):
			return nil, fmt.Errorf("%q means something to a shell", c)
		case quote == 0 && (c == ' ' || c == '\t' || c == '\n'):
			if inWord {
				all = append(all, word.String())
			}
			word.Reset()
			inWord = false
		default:
			word.WriteRune(c)
			inWord = true
		}
	}
	if quote != 0 || escaped || inWord {
		return nil, errors.New("command ends within a word")
	}
	return all, nil
}

// curl makes the request that the real curl would send for a command.
func curl(t *testing.T, command string) *http.Request {
	t.Helper()
	args, err := words(command)
	require.NoError(t, err, command)
	require.Equal(t, "curl", args[0])
	method, url, body := "", "", ""
	header := http.Header{}
	for args = args[1:]; len(args) > 0; args = args[1:] {
		switch arg := args[0]; arg {
		case "-i", "-s", "-sS", "-sSi", "-v", "--include", "--silent", "--show-error", "--globoff":
			continue
		case "-X", "--request", "-H", "--header", "-d", "--data", "--data-raw", "--data-binary":
			require.Greater(t, len(args), 1, "%s without a value", arg)
			args = args[1:]
			switch arg {
			case "-X", "--request":
				method = args[0]
			case "-H", "--header":
				name, value, ok := strings.Cut(args[0], ":")
				require.True(t, ok, "header %q", args[0])
				header.Add(name, strings.TrimSpace(value))
			default:
				if arg != "--data-raw" {
					require.NotEqual(t, byte('@'), args[0][0], "data from a file")
				}
				body = args[0]
				method = "POST"
			}
		default:
			require.Empty(t, url, "%q after the URL", arg)
			require.True(t, strings.HasPrefix(arg, "http://127.0.0.1:"), "%q is no option known here and not the URL", arg)
			url = arg
		}
	}
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	require.NoError(t, err)
	r.Header = header
	return r
}

func do(t *testing.T, r *http.Request) (res *http.Response, body string) {
	t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(r)
	require.NoError(t, err)
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return res, string(data)
}

func TestEcho(t *testing.T) {
	t.Parallel()
	program := build(t)
	for _, tc := range []struct{ name, connection string }{
		{"of the emulator", ""},
		{"of a service", connectionString},
	} {
		t.Run("printed command "+tc.name, func(t *testing.T) {
			t.Parallel()
			testPrintedCommand(t, start(t, program, "WEBPUBSUB_CONNECTION_STRING="+tc.connection))
		})
	}
	t.Run("events", func(t *testing.T) {
		t.Parallel()
		command := start(t, program, "WEBPUBSUB_CONNECTION_STRING="+connectionString)
		testEvents(t, curl(t, command).URL.String())
	})
}

func testPrintedCommand(t *testing.T, command string) {
	assert.NotContains(t, command, key)
	res, body := do(t, curl(t, command))
	assert.Equal(t, http.StatusOK, res.StatusCode, body)
	assert.Equal(t, "text/plain; charset=utf-8", res.Header.Get("Content-Type"))
	assert.Equal(t, "hello", body)

	forged := curl(t, command)
	forged.Header.Set("ce-connectionId", "another")
	res, _ = do(t, forged)
	assert.Equal(t, http.StatusUnauthorized, res.StatusCode)
}

func testEvents(t *testing.T, url string) {
	for _, tc := range []struct {
		name, kind, contentType, body string
		status                        int
		answer                        string
	}{
		{"connect", "sys.connect", "application/json", `{"claims":{}}`, http.StatusNoContent, ""},
		{"message", "user.message", "text/plain", "hello, 世界", http.StatusOK, "hello, 世界"},
		{"message that is not text", "user.message", "application/octet-stream", "hello", http.StatusUnsupportedMediaType, "event payload is binary, want text/plain"},
		{"something else", "user.sing", "text/plain", "la", http.StatusNoContent, ""},
	} {
		_, event, _ := strings.Cut(tc.kind, ".")
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(tc.body))
		require.NoError(t, err)
		for name, v := range map[string]string{
			"WebHook-Request-Origin": origin, "Content-Type": tc.contentType,
			"ce-awpsversion": "1.0", "ce-specversion": "1.0", "ce-type": "azure.webpubsub." + tc.kind,
			"ce-source": "/hubs/chat/client/c1", "ce-id": "0", "ce-time": "2026-01-01T00:00:00Z",
			"ce-signature": webpubsub.Sign(key, "c1"), "ce-connectionId": "c1", "ce-hub": "chat", "ce-eventName": event,
		} {
			r.Header.Set(name, v)
		}
		res, body := do(t, r)
		assert.Equal(t, tc.status, res.StatusCode, tc.name)
		assert.Equal(t, tc.answer, body, tc.name)
	}

	r, err := http.NewRequestWithContext(t.Context(), http.MethodOptions, url, http.NoBody)
	require.NoError(t, err)
	r.Header.Set("WebHook-Request-Origin", origin)
	r.Header.Set("ce-awpsversion", "1.0")
	res, _ := do(t, r)
	assert.Equal(t, origin, res.Header.Get("WebHook-Allowed-Origin"))
}
