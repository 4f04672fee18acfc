package webpubsub_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
)

var updateGolden = flag.Bool("update", false, "write the golden files anew")

// assertGolden compares a whole answer, status, every header and body, with
// testdata/golden/{name}.golden.
func assertGolden(t *testing.T, name string, resp *http.Response) {
	t.Helper()
	var got bytes.Buffer
	fmt.Fprintf(&got, "%d\n", resp.StatusCode)
	for _, header := range slices.Sorted(maps.Keys(resp.Header)) {
		for _, v := range resp.Header[header] {
			fmt.Fprintf(&got, "%s: %s\n", header, v)
		}
	}
	fmt.Fprintf(&got, "\n%s", wireText(t, resp))
	path := filepath.Join("testdata", "golden", name+".golden")
	if *updateGolden {
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, got.Bytes(), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, string(want), got.String())
}

// onConnect is a config that answers connect events so.
func onConnect(reply *webpubsub.ConnectReply, err error) webpubsub.Config {
	return webpubsub.Config{OnConnect: func(context.Context, *webpubsub.ConnectEvent) (*webpubsub.ConnectReply, error) {
		return reply, err
	}}
}

// onUserEvent is a config that answers user events so.
func onUserEvent(reply webpubsub.Reply, err error) webpubsub.Config {
	return withFallback(func(context.Context, *webpubsub.UserEvent) (webpubsub.Reply, error) { return reply, err })
}

// withFallback is a config of one function for all user events.
func withFallback(f webpubsub.UserEventFunc) webpubsub.Config { return webpubsub.Config{Fallback: f} }

// serveFixture serves a fixture by a handler of cfg.
func serveFixture(tb testing.TB, cfg webpubsub.Config, fixture string, edits ...func(*http.Request)) *http.Response {
	tb.Helper()
	return wireServe(wireHandler(tb, cfg), wireRequest(tb, fixture, edits...))
}

// receive serves a fixture and gives the event that the function got.
func receive[E webpubsub.Event](tb testing.TB, fixture string, edits ...func(*http.Request)) E {
	tb.Helper()
	var got webpubsub.Event
	cfg := webpubsub.Config{Interceptors: []webpubsub.Interceptor{
		func(ctx context.Context, ev webpubsub.Event, next func(context.Context) error) error {
			got = ev
			return next(ctx)
		},
	}}
	resp := serveFixture(tb, cfg, fixture, edits...)
	require.Equal(tb, http.StatusNoContent, resp.StatusCode)
	ev, ok := got.(E)
	require.Truef(tb, ok, "event is a %T", got)
	return ev
}

// seeError is an interceptor that notes the error of the function inside.
func seeError(err *error) webpubsub.Interceptor {
	return func(ctx context.Context, _ webpubsub.Event, next func(context.Context) error) error {
		*err = next(ctx)
		return *err
	}
}

// logTo gives a logger of all levels that writes JSON lines.
func logTo(out *bytes.Buffer) *slog.Logger {
	return slog.New(slog.NewJSONHandler(out, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// logRecord reads the only record of a log.
func logRecord(tb testing.TB, out *bytes.Buffer) map[string]any {
	tb.Helper()
	lines := bytes.Split(bytes.TrimSpace(out.Bytes()), []byte("\n"))
	require.Len(tb, lines, 1, "records")
	var record map[string]any
	require.NoError(tb, json.Unmarshal(lines[0], &record))
	return record
}

// memberTexts reads the members of an object as they stand in a body.
func memberTexts(tb testing.TB, resp *http.Response) map[string]string {
	tb.Helper()
	var raw map[string]json.RawMessage
	require.NoError(tb, json.Unmarshal([]byte(wireText(tb, resp)), &raw))
	texts := make(map[string]string, len(raw))
	for name, v := range raw {
		texts[name] = string(v)
	}
	return texts
}
