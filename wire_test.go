package webpubsub_test

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
)

// What the fixtures of testdata/wire were made with: two keys, of which the
// secondary one is the emulator's, which a handler warns of.
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

// wireNames lists the fixtures: the names of testdata/wire/*.http without
// directory and ending.
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

// wireBytes gives a fixture as it goes over the wire.
func wireBytes(tb testing.TB, name string) []byte {
	tb.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "wire", name+".http"))
	require.NoError(tb, err)
	return data
}

// wireRequest parses a fixture as a server does, and lets edits change it.
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

// wireHeader sets a header of a request, one line for each value; without any
// it takes the header away.
func wireHeader(name string, values ...string) func(*http.Request) {
	return func(r *http.Request) {
		r.Header.Del(name)
		for _, v := range values {
			r.Header.Add(name, v)
		}
	}
}

// wireHandler makes a handler for the fixtures: hub, connection string and a
// silent logger are filled in where cfg has none.
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

// wireServe serves a request and gives the answer.
func wireServe(h http.Handler, r *http.Request) *http.Response {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

// wireText reads the body of an answer.
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

// verifierFunc is a Verifier of one function.
type verifierFunc func(*http.Request) error

func (f verifierFunc) Verify(r *http.Request) error { return f(r) }

// signed replaces the signature of a request.
func signed(lines ...string) func(*http.Request) { return wireHeader("ce-signature", lines...) }

// both makes one edit of several.
func both(edits ...func(*http.Request)) func(*http.Request) {
	return func(r *http.Request) {
		for _, edit := range edits {
			edit(r)
		}
	}
}

// unreadableBody is a body that nobody may touch.
func unreadableBody(tb testing.TB) func(*http.Request) {
	return func(r *http.Request) { r.Body = untouchable{tb} }
}

type untouchable struct{ tb testing.TB }

func (u untouchable) Read([]byte) (int, error) {
	u.tb.Error("the body was read")
	return 0, io.ErrUnexpectedEOF
}

func (untouchable) Close() error { return nil }

// mustNotRun is an interceptor that fails the test if any event gets as far.
func mustNotRun(tb testing.TB) webpubsub.Interceptor {
	return func(_ context.Context, ev webpubsub.Event, _ func(context.Context) error) error {
		tb.Errorf("%T reached the interceptors", ev)
		return webpubsub.Forbidden("")
	}
}

// replyText answers every event with a text.
func replyText(text string) webpubsub.UserEventFunc {
	return func(context.Context, *webpubsub.UserEvent) (webpubsub.Reply, error) {
		return webpubsub.TextReply(text), nil
	}
}
