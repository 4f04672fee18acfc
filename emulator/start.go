package emulator

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// ConnectionString makes the connection string of an emulator that serves at an
// endpoint, such as http://127.0.0.1:8080, and has the access key: for service
// clients and event handlers, which check both. Who knows it knows the key.
func ConnectionString(endpoint, accessKey string) string {
	return "Endpoint=" + endpoint + ";AccessKey=" + accessKey + ";Version=1.0;"
}

// Running is an emulator on a loopback address.
type Running struct {
	*Server
	// Endpoint is its URL, such as http://127.0.0.1:40123.
	Endpoint string
	// ConnectionString for service clients and event handlers.
	ConnectionString string
}

// startGrace is how long the cleanup of a test waits for event handlers.
const startGrace = time.Second

// Start runs an emulator for the time of a test, on a free port of the loopback
// address. A setting that is wrong ends the test. At the test's end its event
// handlers have a second to hear that the clients that are left are gone.
//
// Without Origin the emulator calls itself both localhost and 127.0.0.1, in one
// header, as a service with replicas does: handlers fit that have the connection
// string of package httptest, of [Running] or of [ConnectionString]. Without Logger it
// logs to the test's output, which go test shows of tests that fail and with -v. It is
// silent in a benchmark, whose output is always shown; slog.DiscardHandler makes it
// silent in a test.
func Start(tb testing.TB, cfg Config) *Running {
	tb.Helper()
	closeLog := func() {}
	if _, benchmark := tb.(*testing.B); cfg.Logger == nil && !benchmark {
		w := &testOutput{w: tb.Output()}
		closeLog = w.close
		cfg.Logger = slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{ReplaceAttr: withoutTime}))
	}
	origins := []string{cfg.Origin}
	if cfg.Origin == "" {
		origins = []string{"localhost", "127.0.0.1"}
	}
	err := cfg.complete()
	var s *Server
	if err == nil {
		s, err = newServer(cfg, origins...)
	}
	if err != nil {
		tb.Fatal(err)
	}
	endpoint, stop := serve(tb, s)
	tb.Cleanup(func() {
		defer closeLog()
		ctx, cancel := context.WithTimeout(context.Background(), startGrace)
		defer cancel()
		_ = s.Shutdown(ctx) // an event that nobody took in time is no failure of the test
		stop(ctx)
	})
	return &Running{
		Server:           s,
		Endpoint:         endpoint,
		ConnectionString: ConnectionString(endpoint, cfg.AccessKeys[0]),
	}
}

// serve serves on a free loopback port until stop is called, which waits for
// requests until its context ends. A server of net/http/httptest would also close
// the idle connections of http.DefaultTransport, which other tests use.
func serve(tb testing.TB, h http.Handler) (endpoint string, stop func(context.Context)) {
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
		_ = server.Close() // of requests that did not end in time
		<-served
	}
}

// testOutput is the output of a test until it is closed: writing to that of a test
// that has ended panics, and a request may be served longer than its test runs.
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

// withoutTime leaves out the time of a line, which is of no interest in a test.
func withoutTime(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}

// ClientOptions of [Running.ClientURL].
type ClientOptions struct {
	// UserID of the client; empty: it has none.
	UserID string
	// Roles and Groups that the client starts with. A role that is none of the
	// service's is ignored, as the service does, and logged.
	Roles, Groups []string
	// Lifetime of the token. Zero is an hour.
	Lifetime time.Duration
}

// ClientURL gives the address, with a token, at which a client connects to a hub.
func (r *Running) ClientURL(hub string, opts *ClientOptions) string {
	var o ClientOptions
	if opts != nil {
		o = *opts
	}
	if o.Lifetime == 0 {
		o.Lifetime = time.Hour
	}
	base := r.Endpoint + "/client/hubs/" + url.PathEscape(hub)
	text, err := r.keys.Make(base, o.Lifetime, o.UserID, o.Roles, o.Groups)
	if err != nil {
		panic("emulator: sign token: " + err.Error()) // HS256 with a key that is not empty
	}
	return strings.Replace(base, "http", "ws", 1) + "?access_token=" + url.QueryEscape(text)
}
