package webpubsub_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
)

// The values in the fixtures of testdata/wire. The secondary key is the public key of the
// emulator.
const (
	wireHub                       = "chat"
	wireOrigin                    = "contoso.webpubsub.azure.com"
	wireConnectionID              = "0f9c97a2f0bf4706afe87a14e0797b11"
	wireMQTTClientID              = "device-7"
	wireKey                       = "BCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGHI"
	wireSecondaryKey              = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH"
	wireConnectionString          = "Endpoint=https://" + wireOrigin + ";AccessKey=" + wireKey + ";Version=1.0;"
	wireSecondaryConnectionString = "Endpoint=https://" + wireOrigin + ";AccessKey=" + wireSecondaryKey + ";Version=1.0;"
)

// wireNames returns the names of the fixtures testdata/wire/*.http, without directory and
// extension.
func wireNames(tb testing.TB) []string {
	tb.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", "wire", "*.http"))
	require.NoError(tb, err)
	require.NotEmpty(tb, files)
	names := make([]string, len(files))
	for i, file := range files {
		names[i] = strings.TrimSuffix(filepath.Base(file), ".http")
	}
	return names
}

// wireBytes returns the bytes of a fixture.
func wireBytes(tb testing.TB, name string) []byte {
	tb.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "wire", name+".http"))
	require.NoError(tb, err)
	return data
}

// wireRequest parses a fixture as a server does, and applies edits to the request.
func wireRequest(tb testing.TB, name string, edits ...func(*http.Request)) *http.Request {
	tb.Helper()
	r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(wireBytes(tb, name))))
	require.NoError(tb, err)
	r = r.WithContext(tb.Context())
	for _, edit := range edits {
		edit(r)
	}
	return r
}

// wireBody replaces the body of a request.
func wireBody(body string) func(*http.Request) {
	return func(r *http.Request) {
		r.Body = io.NopCloser(strings.NewReader(body))
		r.ContentLength = int64(len(body))
		r.TransferEncoding = nil
	}
}

// wireHeader sets a header of a request, one line for each value. Without values it
// removes the header.
func wireHeader(name string, values ...string) func(*http.Request) {
	return func(r *http.Request) {
		r.Header.Del(name)
		for _, v := range values {
			r.Header.Add(name, v)
		}
	}
}

// wireHandler returns a handler for the fixtures. If cfg has no hub, verification or
// logger, it sets the hub, the connection string and a logger that discards records.
func wireHandler(tb testing.TB, cfg webpubsub.Config) *webpubsub.Handler {
	tb.Helper()
	if cfg.Hub == "" {
		cfg.Hub = wireHub
	}
	if cfg.ConnectionStrings == nil && cfg.Verifier == nil {
		cfg.ConnectionStrings = []string{wireConnectionString}
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	h, err := webpubsub.NewHandler(cfg)
	require.NoError(tb, err)
	return h
}

// wireServe serves a request and returns the answer.
func wireServe(h http.Handler, r *http.Request) *http.Response {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

// wireText returns the body of an answer.
func wireText(tb testing.TB, resp *http.Response) string {
	tb.Helper()
	body, err := io.ReadAll(resp.Body)
	require.NoError(tb, err)
	return string(body)
}

func TestWireFixturesAreWhatTheServiceSends(t *testing.T) {
	t.Parallel()
	for _, name := range wireNames(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			raw := bufio.NewReader(bytes.NewReader(wireBytes(t, name)))
			r, err := http.ReadRequest(raw)
			require.NoError(t, err)
			body, err := io.ReadAll(r.Body)
			require.NoError(t, err)
			rest, err := io.ReadAll(raw)
			require.NoError(t, err)
			assert.Empty(t, rest, "bytes after the request")
			assert.Contains(t, strings.Join(r.Header.Values("WebHook-Request-Origin"), ", "), wireOrigin)
			assert.Equal(t, "1.0", r.Header.Get("ce-awpsversion"))
			if r.Method != http.MethodPost {
				assert.Empty(t, body)
				return
			}
			signature := strings.Join(r.Header.Values("ce-signature"), ",")
			id := r.Header.Get("ce-connectionId")
			assert.Contains(t, signature, webpubsub.Sign(wireKey, id))
			assert.Contains(t, signature, webpubsub.Sign(wireSecondaryKey, id))
		})
	}
}

// verifierFunc is a function that implements Verifier.
type verifierFunc func(*http.Request) error

func (f verifierFunc) Verify(r *http.Request) error { return f(r) }

// signed replaces the signature of a request.
func signed(lines ...string) func(*http.Request) { return wireHeader("ce-signature", lines...) }

// both combines edits.
func both(edits ...func(*http.Request)) func(*http.Request) {
	return func(r *http.Request) {
		for _, edit := range edits {
			edit(r)
		}
	}
}

// unreadableBody sets a body that fails the test when it is read.
func unreadableBody(tb testing.TB) func(*http.Request) {
	return func(r *http.Request) { r.Body = untouchable{tb} }
}

type untouchable struct{ tb testing.TB }

func (u untouchable) Read([]byte) (int, error) {
	u.tb.Error("the body was read")
	return 0, io.ErrUnexpectedEOF
}

func (untouchable) Close() error { return nil }

// mustNotRun returns an interceptor that fails the test when it is called.
func mustNotRun(tb testing.TB) webpubsub.Interceptor {
	return func(_ context.Context, ev webpubsub.Event, _ func(context.Context) error) error {
		tb.Errorf("%T reached the interceptors", ev)
		return webpubsub.Forbidden("")
	}
}

// replyText returns a function that replies with a text.
func replyText(text string) webpubsub.UserEventFunc {
	return func(context.Context, *webpubsub.UserEvent) (webpubsub.Reply, error) {
		return webpubsub.TextReply(text), nil
	}
}

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

// onConnect returns a config whose OnConnect returns reply and err.
func onConnect(reply *webpubsub.ConnectReply, err error) webpubsub.Config {
	return webpubsub.Config{OnConnect: func(context.Context, *webpubsub.ConnectEvent) (*webpubsub.ConnectReply, error) {
		return reply, err
	}}
}

// onUserEvent returns a config whose Fallback returns reply and err.
func onUserEvent(reply webpubsub.Reply, err error) webpubsub.Config {
	return withFallback(func(context.Context, *webpubsub.UserEvent) (webpubsub.Reply, error) { return reply, err })
}

// withFallback returns a config with a Fallback.
func withFallback(f webpubsub.UserEventFunc) webpubsub.Config { return webpubsub.Config{Fallback: f} }

// serveFixture serves a fixture with a handler for cfg.
func serveFixture(tb testing.TB, cfg webpubsub.Config, fixture string, edits ...func(*http.Request)) *http.Response {
	tb.Helper()
	return wireServe(wireHandler(tb, cfg), wireRequest(tb, fixture, edits...))
}

// receive serves a fixture and returns the event that the function receives.
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

// seeError returns an interceptor that stores the error of next.
func seeError(err *error) webpubsub.Interceptor {
	return func(ctx context.Context, _ webpubsub.Event, next func(context.Context) error) error {
		*err = next(ctx)
		return *err
	}
}

// logTo returns a logger that writes JSON lines for all levels.
func logTo(out *bytes.Buffer) *slog.Logger {
	return slog.New(slog.NewJSONHandler(out, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// logRecord returns the only record of a log.
func logRecord(tb testing.TB, out *bytes.Buffer) map[string]any {
	tb.Helper()
	lines := bytes.Split(bytes.TrimSpace(out.Bytes()), []byte("\n"))
	require.Len(tb, lines, 1, "records")
	var record map[string]any
	require.NoError(tb, json.Unmarshal(lines[0], &record))
	return record
}

// memberTexts returns the raw members of the object in a body.
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
