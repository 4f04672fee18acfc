package main_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// program is the command, built for the tests.
var program string

func TestMain(m *testing.M) { os.Exit(run(m)) }

// run runs the tests, or a part of one of them.
func run(m *testing.M) int {
	if part := os.Getenv(partVariable); part != "" {
		return play(part)
	}
	dir, err := os.MkdirTemp("", "webpubsub")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	program = filepath.Join(dir, "webpubsub")
	if runtime.GOOS == "windows" {
		program += ".exe"
	}
	if output, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "%v\n%s", err, output)
		return 1
	}
	return m.Run()
}

// TestSignals checks that the program shuts down on each signal: the client gets a close
// frame and the event handler gets disconnected.
func TestSignals(t *testing.T) {
	t.Parallel()
	for _, signal := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			events := make(chan string, 10)
			handler := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("WebHook-Allowed-Origin", "*")
				events <- r.Header.Get("ce-eventName")
			}))
			t.Cleanup(handler.Close)
			settings := filepath.Join(t.TempDir(), "settings.json")
			require.NoError(t, os.WriteFile(settings, []byte(`{"hubs":{"open":{"anonymousConnectPolicy":"allow","eventHandlers":[`+
				`{"urlTemplate":"`+handler.URL+`","systemEvents":["disconnected"]}]}}}`), 0o600))
			run := exec.CommandContext(t.Context(), program, "emulator", "--addr", "127.0.0.1:0", "--settings", settings)
			stdout, err := run.StdoutPipe()
			require.NoError(t, err)
			var stderr strings.Builder
			run.Stderr = &stderr
			require.NoError(t, run.Start())
			lines := bufio.NewReader(stdout)
			line, err := lines.ReadString('\n')
			require.NoError(t, err)
			address := strings.TrimSpace(strings.TrimPrefix(line, "listening"))
			conn, _, err := websocket.Dial(t.Context(), "ws://"+address+"/client/hubs/open", &websocket.DialOptions{HTTPClient: &http.Client{Transport: new(http.Transport)}})
			require.NoError(t, err)
			require.NoError(t, run.Process.Signal(signal))
			_, _, err = conn.Read(t.Context())
			assert.Equal(t, websocket.StatusGoingAway, websocket.CloseStatus(err))
			_, err = io.Copy(io.Discard, lines)
			require.NoError(t, err)
			require.NoError(t, run.Wait(), "%s", &stderr)
			assert.Contains(t, stderr.String(), " INFO  stopping\n")
			assert.Empty(t, <-events, "for its consent the handler is asked at the end")
			assert.Equal(t, "disconnected", <-events)
		})
	}
}
