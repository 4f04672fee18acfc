package main_test

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/coder/websocket"
	"github.com/spf13/cobra"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/emulator"
	"github.com/go-webpubsub/webpubsub/internal/cli"
	"github.com/go-webpubsub/webpubsub/service"
)

// TestExamples runs the examples in the help of each command by a shell. Their world is a
// fresh one for each command:
//
//   - http://localhost:8080 is an emulator with the hub chat, and
//     WEBPUBSUB_CONNECTION_STRING is its connection string.
//   - http://localhost:3000/eventhandler is its event handler, which echoes the user event
//     message, and also accepts events of the host localhost.
//   - User ann is connected, in group lobby; $CONNECTION is the id of the connection.
//   - Commands that listen do so on a free port, by WEBPUBSUB_EMULATOR_ADDR and WEBPUBSUB_LISTEN_ADDR.
//   - The working directory has the files of testdata/examples.
//   - Standard input is empty.
//
// An example must succeed. A command that runs until it is interrupted must print a line,
// and succeed when it is interrupted.
func TestExamples(t *testing.T) {
	t.Parallel()
	var visit func(cmd *cobra.Command)
	visit = func(cmd *cobra.Command) {
		for _, c := range cmd.Commands() {
			visit(c)
		}
		if cmd.HasSubCommands() {
			return
		}
		t.Run(cmd.CommandPath(), func(t *testing.T) {
			t.Parallel()
			require.NotEmpty(t, cmd.Example, "want an Example")
			w := newWorld(t)
			for _, script := range scripts(t, cmd) {
				w.try(script, cli.RunsUntilInterrupted(cmd))
			}
		})
	}
	visit(cli.Root(func(string) (string, bool) { return "", false }))
}

// scripts returns the examples of a command. A command that runs until it is interrupted
// has one a paragraph.
func scripts(t *testing.T, cmd *cobra.Command) []string {
	t.Helper()
	assert.Contains(t, cmd.Example, cmd.CommandPath(), "want an example of the command")
	for line := range strings.Lines(cmd.Example) {
		assert.True(t, strings.TrimSpace(line) == "" || strings.HasPrefix(line, "  "), "want an indentation of two spaces: %q", line)
	}
	if cli.RunsUntilInterrupted(cmd) {
		return strings.Split(cmd.Example, "\n\n")
	}
	return []string{cmd.Example}
}

// world is what the examples find.
type world struct {
	t   *testing.T
	dir string
	env []string
	// replacer replaces the addresses of the examples.
	replacer *strings.Replacer
}

func newWorld(t *testing.T) *world {
	t.Helper()
	emu := emulator.Start(t, emulator.Config{})
	handler, err := webpubsub.NewHandler(webpubsub.Config{
		// The second is for the host localhost.
		ConnectionStrings: []string{emu.ConnectionString, strings.Replace(emu.ConnectionString, "127.0.0.1", "localhost", 1)},
		UserEvents: map[string]webpubsub.UserEventFunc{"message": webpubsub.Text(func(_ context.Context, _ *webpubsub.UserEvent, text string) (string, error) {
			return text, nil
		})},
	})
	require.NoError(t, err)
	mux := http.NewServeMux()
	mux.Handle("/eventhandler", handler)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	require.NoError(t, emu.SetHub("chat", emulator.Hub{EventHandlers: []emulator.EventHandler{emulator.AtURL(server.URL + "/eventhandler")}}))

	chat, err := service.NewClientFromConnectionString(emu.ConnectionString, "chat", nil)
	require.NoError(t, err)
	endpoint := strings.TrimPrefix(strings.Split(emu.ConnectionString, ";")[0], "Endpoint=")
	dir := t.TempDir()
	require.NoError(t, os.CopyFS(dir, os.DirFS(filepath.Join("testdata", "examples"))))
	return &world{
		t: t, dir: dir,
		env: append(os.Environ(),
			"WEBPUBSUB_CONNECTION_STRING="+emu.ConnectionString, "WEBPUBSUB_EMULATOR_ADDR=127.0.0.1:0", "WEBPUBSUB_LISTEN_ADDR=127.0.0.1:0", "CONNECTION="+connectAnn(t, chat),
			"PATH="+filepath.Dir(program)+string(os.PathListSeparator)+os.Getenv("PATH"),
		),
		replacer: strings.NewReplacer(
			"http://localhost:8080", endpoint, "ws://localhost:8080", "ws"+strings.TrimPrefix(endpoint, "http"),
			"http://localhost:3000", server.URL,
		),
	}
}

// connectAnn connects user ann in group lobby and returns the id of the connection.
func connectAnn(t *testing.T, chat *service.Client) (id string) {
	t.Helper()
	access, err := chat.ClientAccess(t.Context(), &service.ClientAccessOptions{UserID: "ann", Groups: []string{"lobby"}})
	require.NoError(t, err)
	conn, _, err := websocket.Dial(t.Context(), access.URL(), &websocket.DialOptions{HTTPClient: &http.Client{Transport: new(http.Transport)}})
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.CloseNow() })
	go func() {
		for err := error(nil); err == nil; {
			_, _, err = conn.Read(context.Background())
		}
	}()
	for c, err := range chat.Group("lobby").Connections(t.Context(), nil) {
		require.NoError(t, err)
		return c.ConnectionID
	}
	require.Fail(t, "nobody is in the group")
	return ""
}

// try runs a script.
func (w *world) try(script string, serves bool) {
	w.t.Helper()
	script = w.replacer.Replace(script)
	if serves {
		script = strings.Replace(script, "  webpubsub ", "  exec webpubsub ", 1) // it gets the signal
	}
	shell := exec.CommandContext(w.t.Context(), "sh", "-euc", script)
	shell.Dir, shell.Env = w.dir, w.env
	var stderr strings.Builder
	shell.Stderr = &stderr
	stdout, err := shell.StdoutPipe()
	require.NoError(w.t, err)
	require.NoError(w.t, shell.Start())
	lines := bufio.NewReader(stdout)
	if serves {
		_, err := lines.ReadString('\n')
		require.NoError(w.t, err, "%s\n%s", script, &stderr)
		require.NoError(w.t, shell.Process.Signal(syscall.SIGINT))
	}
	output, err := io.ReadAll(lines)
	require.NoError(w.t, err)
	require.NoError(w.t, shell.Wait(), "%s\n%s%s", script, output, &stderr)
	assert.NotContains(w.t, stderr.String(), "webpubsub: ", script)
}
