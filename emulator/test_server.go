package emulator

import (
	"cmp"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// TestServer is an emulator on a loopback address that runs until its test ends.
type TestServer struct {
	*Server
	// Endpoint is its URL, such as http://127.0.0.1:40123.
	Endpoint string
	// ConnectionString is for service clients and event handlers.
	ConnectionString string
	// Authority is the URL of Entra for verifiers of its tokens, see [ManagedIdentity].
	Authority string
}

// TB is the part of [testing.TB] that [Start] uses. *testing.T, *testing.B and
// *testing.F implement it. Fatal must not return.
type TB interface {
	Helper()
	Cleanup(f func())
	Fatal(args ...any)
	Output() io.Writer
}

// startGrace is how long the cleanup of a test waits for event handlers.
const startGrace = time.Second

// Start runs an emulator on a free port of the loopback address until the test
// ends. It calls tb.Fatal if cfg is invalid. When the test ends, event handlers
// have a second to receive the events that are left, disconnected included.
//
// Without Origin the emulator announces both localhost and 127.0.0.1, in one
// header, as a service with replicas does. It therefore fits handlers with the
// connection string of package httptest, of [TestServer] or of [ConnectionString].
//
// Without Logger the log goes to tb.Output, which go test shows if the test fails or
// with -v. In a benchmark, whose output is always shown, Start logs nothing; in a
// test, a Logger over [slog.DiscardHandler] does the same.
func Start(tb TB, cfg Config) *TestServer {
	tb.Helper()
	closeLog := func() {}
	if cfg.Logger == nil && !isBenchmark(tb) {
		w := &testOutput{w: tb.Output()}
		closeLog = w.close
		cfg.Logger = slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{ReplaceAttr: withoutTime}))
	}
	var origins []string
	if cfg.Origin == "" {
		origins = []string{"localhost", "127.0.0.1"}
	}
	s, err := newServer(&cfg, origins)
	if err != nil {
		tb.Fatal(err)
	}
	endpoint, stop := serve(tb, s)
	tb.Cleanup(func() {
		defer closeLog()
		ctx, cancel := context.WithTimeout(context.Background(), startGrace)
		defer cancel()
		_ = s.Shutdown(ctx) // an undelivered event does not fail the test
		stop(ctx)
	})
	return &TestServer{
		Server:           s,
		Endpoint:         endpoint,
		ConnectionString: ConnectionString(endpoint, cfg.AccessKeys[0]),
		Authority:        endpoint + AuthorityPath,
	}
}

// isBenchmark reports whether tb is a *testing.B, by a method that *testing.T lacks:
// an import of package testing would link it into every program with an emulator.
func isBenchmark(tb TB) bool {
	_, ok := tb.(interface{ ReportAllocs() })
	return ok
}

// serve serves on a free loopback port until stop is called. stop waits for
// requests until its context ends. A server of net/http/httptest would also close
// the idle connections of http.DefaultTransport, which other tests use.
func serve(tb TB, h http.Handler) (endpoint string, stop func(context.Context)) {
	tb.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(listener) // until stop
	}()
	return "http://" + listener.Addr().String(), func(ctx context.Context) {
		_ = server.Shutdown(ctx)
		_ = server.Close() // aborts requests that did not end in time
		<-served
	}
}

// testOutput writes to the output of a test until it is closed. Writing to the
// output of a test that has ended panics, and a request may outlive its test.
type testOutput struct {
	mu     sync.Mutex
	w      io.Writer
	closed bool
}

// Write writes a line of the log.
func (o *testOutput) Write(line []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return len(line), nil
	}
	return o.w.Write(append([]byte("emulator: "), line...))
}

func (o *testOutput) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
}

// withoutTime drops the time of a line.
func withoutTime(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}

// ClientOptions are the options of [TestServer.ClientURL].
type ClientOptions struct {
	// UserID of the client. Empty means none.
	UserID string
	// Roles and Groups that the client starts with. As in the service, an unknown
	// role is ignored; the emulator logs it.
	Roles, Groups []string
	// Lifetime of the token. Zero means an hour.
	Lifetime time.Duration
}

// ClientURL returns the URL, with an access token, at which a client connects to a hub.
func (s *TestServer) ClientURL(hub string, opts *ClientOptions) string {
	return clientURL(s.keys, s.Endpoint, hub, cmp.Or(opts, &ClientOptions{}))
}
