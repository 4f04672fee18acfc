package cli_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/internal/cli"
)

// flaky answers each third event with 503 and each seventh with an unusable reply.
func flaky(t *testing.T) string {
	t.Helper()
	var n atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		switch i := n.Add(1); {
		case i%3 == 0:
			w.WriteHeader(http.StatusServiceUnavailable)
		case i%7 == 0:
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, "<p>")
		default:
			w.WriteHeader(http.StatusNoContent)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func TestTriggerRepeats(t *testing.T) {
	t.Parallel()
	u := newChat(t, "Endpoint=http://localhost;AccessKey=ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH;")
	const times = "answers  min TIME  p50 TIME  p90 TIME  p95 TIME  p99 TIME  max TIME\n"
	checkMasked(t, []programRun{
		{
			name: "all are answered", args: []string{"trigger", "event", "message", u, "--data", "x", "--repeat", "20", "--concurrency", "4"},
			stdout: "sent     20 of 20 in TIME, RATE, up to 4 at a time\nok       20\nfailed   0\n" + times,
		},
		{
			name: "some fail", args: []string{"trigger", "event", "message", flaky(t), "--data", "x", "--repeat", "14"}, code: 1,
			stdout: "sent     14 of 14 in TIME, RATE, up to 1 at a time\nok       8\nfailed   6\n         4  503 Service Unavailable\n         2  invalid answer\n" + times,
		},
		{
			name: "nobody there", args: []string{"trigger", "connect", "http://127.0.0.1:1", "--repeat", "2"}, code: 1,
			stdout: "sent     2 of 2 in TIME, RATE, up to 1 at a time\nok       0\nfailed   2\n         2  nothing listens at 127.0.0.1:1\n",
		},
		{
			name: "JSON", args: []string{"trigger", "event", "message", flaky(t), "--data", "x", "--repeat", "3", "-o", "json"}, code: 1,
			stdout: `{
  "planned": 3,
  "sent": 3,
  "ok": 2,
  "failed": 1,
  "seconds": 0,
  "perSecond": 0,
  "statuses": [
    {
      "status": 204,
      "times": 2
    },
    {
      "status": 503,
      "times": 1
    }
  ],
  "failures": [
    {
      "failure": "503 Service Unavailable",
      "times": 1
    }
  ],
  "milliseconds": {
    "max": 0,
    "min": 0,
    "p50": 0,
    "p90": 0,
    "p95": 0,
    "p99": 0
  }
}
`,
		},
		{
			name: "an event that cannot be written", args: []string{"trigger", "connected", u, "--state", "a\nb", "--repeat", "2"}, code: 2,
			stderr: "webpubsub: --state: want a JSON object, or printable ASCII as in a header\nRun 'webpubsub trigger --help' for usage.\n",
		},
	})
}

// Each event of a run differs from the others in its connection or its id.
func TestTriggerRepeatsWithIDs(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	got := make(map[string][]string) // by user
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		user := r.Header.Get("ce-userId")
		got[user] = append(got[user], r.Header.Get("ce-connectionId")+"|"+r.Header.Get("ce-id"))
	}))
	t.Cleanup(server.Close)
	for _, args := range [][]string{{"event", "say", server.URL, "--user", "event"}, {"connect", server.URL, "--user", "connect"}, {"connect", server.URL, "--user", "one", "--connection", "c"}} {
		require.Zero(t, cli.Main(append([]string{"trigger", "--repeat", "3", "--concurrency", "3"}, args...), environment(nil), nil, io.Discard, io.Discard))
	}
	for _, shots := range got {
		slices.Sort(shots)
		require.Len(t, shots, 3)
		assert.Len(t, slices.Compact(slices.Clone(shots)), 3)
	}
	connection, _, _ := strings.Cut(got["event"][0], "|")
	assert.Equal(t, []string{connection + "|2", connection + "|3", connection + "|4"}, got["event"])
	assert.Equal(t, []string{"c|0", "c|1", "c|2"}, got["one"])
	for _, shot := range got["connect"] {
		assert.Equal(t, "|0", shot[32:])
	}
}

// An interrupted run prints what it has.
func TestTriggerIsInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	var n atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if n.Add(1) > 3 {
			cancel()
			<-r.Context().Done()
			return
		}
		w.WriteHeader(http.StatusNoContent)
	}))
	t.Cleanup(server.Close)
	var stdout, stderr bytes.Buffer
	err := cli.Exec(ctx, []string{"trigger", "event", "say", server.URL, "--repeat", "1000"}, environment(nil), nil, &stdout, &stderr)
	require.EqualError(t, err, "interrupted")
	assert.Regexp(t, `^sent     3 of 1000 in TIME, RATE, up to 1 at a time\nok       3\nfailed   0\nanswers `, mask(stdout.String()))

	ctx, cancel = context.WithCancel(t.Context())
	n.Store(3)
	stdout.Reset()
	err = cli.Exec(ctx, []string{"trigger", "event", "say", server.URL}, environment(nil), nil, &stdout, &stderr)
	require.EqualError(t, err, "interrupted")
	assert.Empty(t, stdout.String())
	cancel()
}

// On a terminal there is a progress bar, which disappears.
func TestTriggerProgressBar(t *testing.T) {
	t.Parallel()
	user, terminal := openTerminal(t)
	ready, goOn := make(chan struct{}), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		ready <- struct{}{}
		<-goOn
	}))
	t.Cleanup(server.Close)
	done := make(chan int, 1)
	go func() {
		done <- cli.Main([]string{"trigger", "event", "say", server.URL, "--repeat", "2"}, environment(map[string]string{"NO_COLOR": "1"}), nil, terminal, terminal)
	}()
	<-ready
	assert.Contains(t, user.until("(0/2"), "0%")
	goOn <- struct{}{}
	<-ready
	goOn <- struct{}{}
	shown := user.until("max ")
	assert.Contains(t, shown, "\r  ", "the bar is cleared")
	assert.Contains(t, mask(shown), "sent     2 of 2 in TIME, RATE, up to 1 at a time\r\nok       2\r\nfailed   0\r\n")
	user.line()
	assert.Zero(t, <-done)
}
