package main_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	queues "github.com/go-webpubsub/webpubsub/examples/queues"
	"github.com/go-webpubsub/webpubsub/httptest"
)

func getenv(name string) string {
	return map[string]string{"WEBPUBSUB_CONNECTION_STRING": httptest.ConnectionString}[name]
}

func TestRun(t *testing.T) {
	t.Parallel()
	s := startNATS(t, server.RANDOM_PORT, t.TempDir())
	_, js := dial(t, s)
	ctx, stop := context.WithCancel(t.Context())
	out, stdout := io.Pipe()
	done := make(chan error, 1)
	go func() {
		err := queues.Run(ctx, []string{"-addr", "127.0.0.1:0", "-nats", s.ClientURL(), "-queue", stream}, getenv, stdout)
		_ = stdout.CloseWithError(fmt.Errorf("run has ended: %w", err))
		done <- err
	}()
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	url := strings.TrimSpace(strings.TrimPrefix(line, "event handler:"))

	conn, err := httptest.New(nil, &httptest.Options{URL: url}).Connect(t.Context(), nil)
	require.NoError(t, err)
	_, err = conn.SendText(t.Context(), "say", "hello")
	require.NoError(t, err)
	assert.Len(t, stored(t, js), 1)
	stop()
	require.NoError(t, <-done)
}

func TestRunErrors(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		args []string
		want string
	}{
		{"no queue", nil, "want one of -nats and -kafka"},
		{"two queues", []string{"-nats", "nats://127.0.0.1:1", "-kafka", "127.0.0.1:1"}, "want one of -nats and -kafka"},
		{"no NATS server", []string{"-nats", "nats://127.0.0.1:1"}, "NATS: nats: no servers available for connection"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			err := queues.Run(t.Context(), append(tc.args, "-addr", "127.0.0.1:0"), getenv, io.Discard)
			assert.EqualError(t, err, tc.want)
		})
	}
}
