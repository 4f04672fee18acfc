package emulator_test

import (
	"context"
	"io"
	"net/http"
	nethttptest "net/http/httptest"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/emulator"
	"github.com/go-webpubsub/webpubsub/httptest"
)

// dialer returns an HTTP client with its own transport.
func dialer(t *testing.T) *http.Client {
	t.Helper()
	transport := new(http.Transport)
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// With the defaults of Start, handlers with any of these connection strings fit.
func TestStartFitsConnectionStrings(t *testing.T) {
	t.Parallel()
	for name, connectionString := range map[string]func(*emulator.TestServer) string{
		"package httptest": func(*emulator.TestServer) string { return httptest.ConnectionString },
		"TestServer":       func(emu *emulator.TestServer) string { return emu.ConnectionString },
		"127.0.0.1": func(*emulator.TestServer) string {
			return emulator.ConnectionString("http://127.0.0.1", emulator.DefaultAccessKey)
		},
		"localhost": func(*emulator.TestServer) string {
			return emulator.ConnectionString("http://localhost:8080", emulator.DefaultAccessKey)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			emu := emulator.Start(t, emulator.Config{})
			h, err := webpubsub.NewHandler(webpubsub.Config{
				ConnectionStrings: []string{connectionString(emu)},
				UserEvents: map[string]webpubsub.UserEventFunc{"message": webpubsub.Text(func(_ context.Context, ev *webpubsub.UserEvent, in string) (string, error) {
					return in + " from " + ev.Origin, nil
				})},
			})
			require.NoError(t, err)
			require.NoError(t, emu.SetHub("chat", emulator.Hub{EventHandlers: []emulator.EventHandler{emulator.InMemory(h)}}))
			conn, _, err := websocket.Dial(t.Context(), emu.ClientURL("chat", nil), &websocket.DialOptions{HTTPClient: dialer(t)})
			require.NoError(t, err)
			require.NoError(t, conn.Write(t.Context(), websocket.MessageText, []byte("hello")))
			_, data, err := conn.Read(t.Context())
			require.NoError(t, err)
			assert.Contains(t, string(data), "hello from ")
			require.NoError(t, conn.CloseNow())
		})
	}
}

// With Config.Origin, Start announces no other.
func TestStartWithOrigin(t *testing.T) {
	t.Parallel()
	h := &script{}
	cfg := chat(h)
	cfg.Origin = "emu.test"
	emu := emulator.Start(t, cfg)
	conn, _, err := websocket.Dial(t.Context(), emu.ClientURL("chat", nil), &websocket.DialOptions{HTTPClient: dialer(t)})
	require.NoError(t, err)
	require.NoError(t, conn.CloseNow())
	assert.Equal(t, []string{"emu.test"}, h.told("connect")[0].header["Webhook-Request-Origin"])
}

// recordedTB is a TB whose output and end a test controls.
type recordedTB struct {
	testing.TB
	out      logBook
	cleanups []func()
	ended    atomic.Bool
}

func (r *recordedTB) Output() io.Writer { return r }
func (r *recordedTB) Cleanup(f func())  { r.cleanups = append(r.cleanups, f) }

func (r *recordedTB) Write(p []byte) (int, error) {
	if r.ended.Load() {
		panic("Write called after the test has completed") // as package testing does
	}
	return r.out.Write(p)
}

func (r *recordedTB) end() {
	for _, f := range slices.Backward(r.cleanups) {
		f()
	}
	r.ended.Store(true)
}

// Without Logger, Start logs to the test's output, cleanup included, and nothing after
// the test has ended.
func TestStartLogs(t *testing.T) {
	t.Parallel()
	tb := &recordedTB{TB: t}
	emu := emulator.Start(tb, chat(&script{consent: answer(200, "text/plain", "compare them")}))
	_, _, err := websocket.Dial(t.Context(), emu.ClientURL("chat", nil), &websocket.DialOptions{HTTPClient: dialer(t)})
	require.Error(t, err)
	conn, _, err := websocket.Dial(t.Context(), emu.ClientURL("other", nil), &websocket.DialOptions{HTTPClient: dialer(t), Subprotocols: []string{plainJSON}})
	require.NoError(t, err)
	_, _, err = conn.Read(t.Context())
	require.NoError(t, err)
	require.NoError(t, conn.CloseNow())
	tb.end()
	assert.Regexp(t, `(?m)^emulator: level=WARN msg="client refused" hub=chat connection_id=[0-9a-f]{32} status=500 reason="no consent: the answer to OPTIONS has no header WebHook-Allowed-Origin: \\"compare them\\""$`, tb.out.String())
	assert.Contains(t, tb.out.String(), "emulator: level=INFO msg=\"client gone\" hub=other connection_id=", "in the cleanup")
	assert.NotContains(t, tb.out.String(), emulator.DefaultAccessKey)

	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://127.0.0.1/client/hubs/chat", http.NoBody)
	require.NoError(t, err)
	late := nethttptest.NewRecorder()
	require.NotPanics(t, func() { emu.ServeHTTP(late, req) })
	assert.Equal(t, http.StatusServiceUnavailable, late.Code)
}

// With Config.Logger, Start does not log to the test's output.
func TestStartWithLogger(t *testing.T) {
	t.Parallel()
	tb := &recordedTB{TB: t}
	var own logBook
	cfg := chat(&script{consent: consents(403)})
	cfg.Logger = own.logger()
	emu := emulator.Start(tb, cfg)
	_, _, err := websocket.Dial(t.Context(), emu.ClientURL("chat", nil), &websocket.DialOptions{HTTPClient: dialer(t)})
	require.Error(t, err)
	tb.end()
	assert.Len(t, own.lines("client refused"), 1)
	assert.Empty(t, tb.out.String())
}

// These types implement emulator.TB.
var _ = []emulator.TB{(*testing.T)(nil), (*testing.B)(nil), (*testing.F)(nil), testing.TB(nil)}

// recordedB is a recordedTB with the method by which Start recognizes *testing.B.
type recordedB struct{ recordedTB }

func (*recordedB) ReportAllocs() {}

var _ interface{ ReportAllocs() } = (*testing.B)(nil)

func TestStartLogsInTestsAndFuzzTests(t *testing.T) {
	t.Parallel()
	for _, tb := range []any{t, (*testing.F)(nil)} {
		_, benchmark := tb.(interface{ ReportAllocs() })
		assert.False(t, benchmark, "%T", tb)
	}
}

// fatalTB is a TB that keeps the argument of Fatal.
type fatalTB struct {
	testing.TB
	fatal any
}

func (f *fatalTB) Fatal(args ...any) {
	f.fatal = args[0]
	runtime.Goexit()
}

func TestStartFailsTheTest(t *testing.T) {
	t.Parallel()
	for want, cfg := range map[string]emulator.Config{
		"emulator: MaxGroups -1: want a positive number, or 0 for 1000": {MaxGroups: -1},
		`emulator: hub "chat", event handler 0: neither Handler nor URLTemplate is set; want InMemory with a handler or AtURL with a URL`: {
			Hubs: map[string]emulator.Hub{"chat": {EventHandlers: []emulator.EventHandler{emulator.AtURL("")}}},
		},
	} {
		tb := &fatalTB{TB: t}
		done := make(chan struct{})
		go func() {
			defer close(done)
			emulator.Start(tb, cfg)
		}()
		<-done
		assert.EqualError(t, tb.fatal.(error), want)
	}
}

func TestStartIsSilentInABenchmark(t *testing.T) {
	t.Parallel()
	b := &recordedB{recordedTB{TB: t}}
	emu := emulator.Start(b, emulator.Config{})
	conn, _, err := websocket.Dial(t.Context(), emu.ClientURL("chat", nil), &websocket.DialOptions{HTTPClient: dialer(t)})
	require.NoError(t, err)
	require.NoError(t, conn.CloseNow())
	b.end()
	assert.Empty(t, b.out.String())
}
