package redis_test

import (
	"bufio"
	"context"
	_ "embed" // a script
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/rueidis"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/redis"
)

// server is a redis-server of a test. It listens on a Unix socket, so that no other process
// can take its address between two starts.
type server struct {
	dir, socket string
	args        []string
	process     *exec.Cmd
	log         *serverLog
	ended       chan struct{} // closed when the process has written all of its log
}

// startServer runs a redis-server until the test ends. It writes nothing to the disk unless
// arguments say so, which are options of redis.conf after "--".
func startServer(tb testing.TB, args ...string) *server {
	tb.Helper()
	s := newServer(tb, args...)
	require.NoError(tb, s.start(), "redis-server: %v", s.log)
	return s
}

// startOnPort runs a redis-server with arguments for a port of the loopback interface. It
// tries another port if another process takes the one that was free.
func startOnPort(tb testing.TB, args func(port string) []string) (s *server, port string) {
	tb.Helper()
	var err error
	for range 10 {
		port = freePort(tb)
		s = newServer(tb, args(port)...)
		if err = s.start(); err == nil {
			return s, port
		}
	}
	require.NoError(tb, err, "redis-server: %v", s.log)
	return nil, ""
}

func freePort(tb testing.TB) string {
	tb.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(tb, err)
	defer func() { _ = listener.Close() }()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	require.NoError(tb, err)
	return port
}

func newServer(tb testing.TB, args ...string) *server {
	tb.Helper()
	_, err := exec.LookPath("redis-server")
	require.NoError(tb, err, "these tests need Redis: install redis-server (Debian's package is redis-server, Homebrew's is redis)")
	dir, err := os.MkdirTemp("", "redis") //nolint:usetesting // the path of a socket has at most 104 bytes
	require.NoError(tb, err)
	s := &server{dir: dir, socket: filepath.Join(dir, "socket"), args: args}
	tb.Cleanup(func() {
		s.kill()
		_ = os.RemoveAll(dir)
		if tb.Failed() {
			tb.Log(s.log)
		}
	})
	return s
}

// start starts the server, again if it was killed, and waits until it accepts connections
// or ends.
func (s *server) start() error {
	args := append([]string{
		"--port", "0", "--bind", "127.0.0.1", "--unixsocket", s.socket, "--dir", s.dir,
		"--daemonize", "no", "--save", "", "--appendonly", "no", "--enable-debug-command", "yes",
	}, s.args...)
	process := exec.CommandContext(context.Background(), "redis-server", args...)
	log, ended := &serverLog{ready: make(chan struct{})}, make(chan struct{})
	out, err := process.StdoutPipe()
	if err != nil {
		return err
	}
	process.Stderr = process.Stdout
	if err := process.Start(); err != nil {
		return err
	}
	s.process, s.log, s.ended = process, log, ended
	go func() {
		defer close(ended)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			log.add(lines.Text())
		}
	}()
	select {
	case <-log.ready:
		return nil
	case <-ended:
		return fmt.Errorf("redis-server ended: %w", process.Wait())
	}
}

// kill ends the server as a power failure would.
func (s *server) kill() {
	if s.process == nil { // it did not start
		return
	}
	_ = s.process.Process.Kill()
	<-s.ended
	_ = s.process.Wait()
	_ = os.Remove(s.socket)
}

// client returns a client that connects to the server's socket.
func (s *server) client(tb testing.TB) rueidis.Client {
	tb.Helper()
	return newClient(tb, "unix://"+s.socket)
}

func newClient(tb testing.TB, url string) rueidis.Client {
	tb.Helper()
	opt, err := redis.ParseURL(url)
	require.NoError(tb, err)
	client, err := rueidis.NewClient(opt)
	require.NoError(tb, err)
	tb.Cleanup(client.Close)
	return client
}

// serverLog is what a server writes. It is kept for tests that fail.
type serverLog struct {
	ready chan struct{} // closed when the server accepts connections
	mu    sync.Mutex
	lines []string
}

func (l *serverLog) add(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, line)
	if strings.Contains(line, "eady to accept connections") { // one line for each address
		select {
		case <-l.ready:
		default:
			close(l.ready)
		}
	}
}

// String returns the lines.
func (l *serverLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.lines, "\n")
}

// do sends a command to a server, outside of its key space.
func do(tb testing.TB, client rueidis.Client, command ...string) rueidis.RedisResult {
	tb.Helper()
	result := client.Do(tb.Context(), client.B().Arbitrary(command...).Build())
	require.NoError(tb, result.Error(), command)
	return result
}

//go:embed testdata/advance.lua
var advanceScript string

// advance lets what is on all servers of a client expire as if time had passed.
func advance(tb testing.TB, client rueidis.Client, d time.Duration) {
	tb.Helper()
	for _, node := range client.Nodes() {
		do(tb, node, "EVAL", advanceScript, "0", strconv.FormatInt(d.Milliseconds(), 10))
	}
}
