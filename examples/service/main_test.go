package main_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"regexp"
	"runtime/pprof"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/emulator"
	main "github.com/go-webpubsub/webpubsub/examples/service"
)

var update = flag.Bool("update", false, "write testdata/output.txt anew")

const golden = "testdata/output.txt"

// TestMain fails the test binary if a goroutine of the tour is left.
func TestMain(m *testing.M) {
	code := m.Run()
	var all bytes.Buffer
	_ = pprof.Lookup("goroutine").WriteTo(&all, 2) // a buffer takes everything
	for stack := range strings.SplitSeq(all.String(), "\n\n") {
		ours := strings.Contains(stack, "go-webpubsub/webpubsub") || strings.Contains(stack, "coder/websocket")
		if ours && !strings.Contains(stack, "service_test.TestMain(") {
			fmt.Fprintf(os.Stderr, "goroutine leaked:\n%s\n", stack)
			code = 1
		}
	}
	os.Exit(code)
}

// without gives an environment of nothing but these variables.
func without(variables map[string]string) func(string) string {
	return func(name string) string { return variables[name] }
}

// fixed replaces what is another each time.
func fixed(output string) string {
	output = regexp.MustCompile(`\b[0-9a-f]{32}\b`).ReplaceAllString(output, "ID")
	return regexp.MustCompile(`127\.0\.0\.1:\d+`).ReplaceAllString(output, "127.0.0.1:PORT")
}

func TestTour(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, main.Run(t.Context(), without(nil), &out))
	if *update {
		require.NoError(t, os.WriteFile(golden, []byte(fixed(out.String())), 0o644))
		return
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	assert.Equal(t, string(want), fixed(out.String()))
	assert.NotContains(t, out.String(), "eyJ", "a token")
	assert.NotContains(t, out.String(), emulator.DefaultAccessKey)
}

// TestTourOfAService: with a connection string the tour goes where it says, and
// without Entra ID.
func TestTourOfAService(t *testing.T) {
	t.Parallel()
	const key = "not a real key, only one for tests"
	emu := emulator.Start(t, emulator.Config{AccessKeys: []string{key}})
	var out bytes.Buffer
	require.NoError(t, main.Run(t.Context(), without(map[string]string{"WEBPUBSUB_CONNECTION_STRING": emu.ConnectionString}), &out))
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	entra := "Entra ID: user nobody exists: false\n"
	require.Contains(t, string(want), entra)
	assert.Equal(t, strings.Replace(string(want), entra, "", 1), fixed(out.String()))
	assert.Contains(t, out.String(), strings.Replace(emu.Endpoint, "http", "ws", 1)+"/client/hubs/tour")
	assert.NotContains(t, out.String(), key)
}

func TestRunFails(t *testing.T) {
	t.Parallel()
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	broken := errors.New("pipe is broken")
	t.Run("cancelled", func(t *testing.T) {
		t.Parallel()
		require.ErrorIs(t, main.Run(cancelled, without(nil), new(bytes.Buffer)), context.Canceled)
	})
	t.Run("connection string", func(t *testing.T) {
		t.Parallel()
		err := main.Run(t.Context(), without(map[string]string{"WEBPUBSUB_CONNECTION_STRING": "Endpoint=https://a.example;AccessKey="}), new(bytes.Buffer))
		require.Error(t, err)
	})
	t.Run("output", func(t *testing.T) {
		t.Parallel()
		require.ErrorIs(t, main.Run(t.Context(), without(nil), failing{broken}), broken)
	})
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

// TestDefaultCredential: Entra ID is asked only once there is something to send.
func TestDefaultCredential(t *testing.T) {
	t.Parallel()
	c, err := main.WithDefaultCredential("https://name.webpubsub.azure.com")
	require.NoError(t, err)
	assert.Equal(t, "https://name.webpubsub.azure.com", c.Endpoint())
	_, err = main.WithDefaultCredential("http://name.webpubsub.azure.com")
	require.EqualError(t, err, "service: new client: http://name.webpubsub.azure.com is not https, and Entra tokens are not sent in the clear")
}
