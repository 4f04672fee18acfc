package main_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	replicas "github.com/go-webpubsub/webpubsub/examples/chat/replicas"
)

// TestMain runs the program if the stack has started the test's executable as a replica.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "replica" {
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
		err := replicas.Run(ctx, os.Args[1:], os.Getenv, os.Stdout)
		stop()
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// TestProve is the proof with few clients and messages. It fails if a message is lost or
// is in the history twice, if an event does not end in success, or if presence is wrong.
func TestProve(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	err := replicas.Run(t.Context(), []string{"prove", "-clients", "100", "-messages", "2000", "-pause", "1s", "-interval", "5s"}, os.Getenv, &out)
	t.Log(out.String())
	require.NoError(t, err)
	assert.Contains(t, out.String(), "messages acknowledged         2000 of 2000")
	assert.Regexp(t, `replicas +3, killed [1-9]\d* times; Redis restarted 1 times`, out.String(), "something was killed")
}

func TestDemo(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	out, stdout := io.Pipe()
	done := make(chan error, 1)
	go func() {
		err := replicas.Run(ctx, []string{"demo", "-replicas", "2"}, os.Getenv, stdout)
		_ = stdout.CloseWithError(errors.Join(err, io.EOF))
		done <- err
	}()
	lines := bufio.NewScanner(out)
	require.True(t, lines.Scan())
	m := regexp.MustCompile(`^Chat at (\S+) on 2 replicas`).FindStringSubmatch(lines.Text())
	require.NotNil(t, m, lines.Text())
	url := m[1]
	go func() { _, _ = io.Copy(io.Discard, out) }()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	require.NoError(t, err)
	res, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	page, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	assert.Contains(t, string(page), "<title>")
	stop()
	require.NoError(t, <-done)
}

func TestErrors(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		args []string
		want string
	}{
		{"no command", nil, `command "": want demo, prove or replica`},
		{"unknown command", []string{"x"}, `command "x": want demo, prove or replica`},
		{"no Redis", []string{"replica", "-addr", "127.0.0.1:0"}, "-redis is empty: want a URL, such as redis://127.0.0.1:6379; for a chat of one process run examples/chat"},
		{"no URL", []string{"replica", "-addr", "127.0.0.1:0", "-redis", "secret"}, "redis: parse URL: the scheme is unknown, want redis, rediss for TLS, or unix (the URL is not shown, it may contain a password)"},
		{"no replicas", []string{"demo", "-replicas", "0"}, "0 replicas: want at least 1"},
		{"no messages", []string{"prove", "-messages", "0"}, "want at least one client, room and replica, and a message of each client"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			err := replicas.Run(t.Context(), tc.args, func(string) string { return "" }, io.Discard)
			assert.EqualError(t, err, tc.want)
		})
	}
}
