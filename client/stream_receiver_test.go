package client_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/client"
)

// lines is a log that can be read while it is written.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// pieceOf is a piece of a stream of a user to a group.
func pieceOf(user, group, id string, sequence int, data, rest string) string {
	return fmt.Sprintf(`{"type":"message","from":"group","group":%q,"fromUserId":%q,"dataType":"text","data":%q,"stream":{"streamId":%q,"streamSequenceId":%d%s}}`,
		group, user, data, id, sequence, rest)
}

// TestShortStreams receives streams of one piece. Each has ended before its
// callback runs, so without a limit any number of callbacks would run.
func TestShortStreams(t *testing.T) {
	t.Parallel()
	const streams, most = 500, 100 + 1 // the client waits for the last one
	for name, frames := range map[string]func(i int) []string{
		"of one frame": func(i int) []string {
			return []string{pieceOf("mallory", "g", fmt.Sprint(i), 1, "x", `,"endOfStream":true`)}
		},
		"of two frames": func(i int) []string {
			return []string{pieceOf("mallory", "g", fmt.Sprint(i), 1, "x", ""), pieceOf("mallory", "g", fmt.Sprint(i), 2, "", `,"endOfStream":true`)}
		},
		"with a gap": func(i int) []string {
			return []string{pieceOf("mallory", "g", fmt.Sprint(i), 1, "x", ""), pieceOf("mallory", "g", fmt.Sprint(i), 3, "", `,"endOfStream":true`)}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T) {
				var log lines
				f := newFake(t)
				c := f.client(&client.Options{KeepAliveInterval: -1, KeepAliveTimeout: -1, Logger: slog.New(slog.NewTextHandler(&log, nil))})
				var running, highest, all atomic.Int64
				free := make(chan struct{})
				c.OnGroupStream(func(_ context.Context, s *client.StreamReader) {
					n := running.Add(1)
					for h := highest.Load(); n > h && !highest.CompareAndSwap(h, n); h = highest.Load() {
						continue
					}
					for range s.Pieces() { //nolint:errcheck // the callback is what counts
						<-free
					}
					running.Add(-1)
					all.Add(1)
				}, nil)
				p := f.start(c)
				go func() {
					for i := range streams {
						p.send(frames(i)...)
					}
				}()
				synctest.Wait()
				assert.Equal(t, int64(most), running.Load())
				assert.NotContains(t, log.String(), "do not return")
				pass(11 * time.Second)
				assert.Contains(t, log.String(), "callbacks of OnGroupStream do not return after their streams have ended")
				close(free)
				synctest.Wait()
				assert.Equal(t, int64(streams), all.Load(), "none is lost")
				assert.Equal(t, int64(most), highest.Load())
			})
		})
	}
}

// TestLateCallbacksDoNotBlockStop has more late callbacks than the limit, which
// wait for their context.
func TestLateCallbacksDoNotBlockStop(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		c := f.client(&client.Options{DisableAutoReconnect: true})
		var returned atomic.Int64
		c.OnGroupStream(func(ctx context.Context, _ *client.StreamReader) {
			<-ctx.Done()
			returned.Add(1)
		}, nil)
		stopped := make(chan error, 1)
		c.OnStopped(func(_ context.Context, ev client.StoppedEvent) { stopped <- ev.Err })
		p := f.start(c)
		for i := range 150 {
			p.send(pieceOf("mallory", "g", fmt.Sprint(i), 1, "x", ""))
		}
		synctest.Wait()
		p.close(websocket.StatusPolicyViolation, "")
		synctest.Wait()
		require.Len(t, stopped, 1)
		require.ErrorIs(t, <-stopped, client.ErrConnectionLost)
		assert.Equal(t, int64(150), returned.Load())
		assert.Equal(t, client.StateStopped, c.State())
	})
}

// TestStreamBytes checks the limit of bytes for all streams together, whether
// callbacks take the pieces or not.
func TestStreamBytes(t *testing.T) {
	t.Parallel()
	const most, size, count = 16 << 20, 500_000, 50
	for name, tt := range map[string]struct {
		end   string
		takes bool // the callbacks take a piece and keep it
	}{
		"open, waiting": {"", false}, "open, taken": {"", true}, "ended, waiting": {`,"endOfStream":true`, false}, "ended, taken": {`,"endOfStream":true`, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T) {
				f := newFake(t)
				c := f.client(&client.Options{QueueSize: 1, KeepAliveInterval: -1, KeepAliveTimeout: -1})
				free := make(chan struct{})
				var inHand, all atomic.Int64
				c.OnGroupStream(func(_ context.Context, s *client.StreamReader) {
					if !tt.takes {
						<-free
					}
					for d := range s.Pieces() { //nolint:errcheck // the last one is no data
						inHand.Add(int64(len(d.String())))
						<-free
						all.Add(int64(len(d.String())))
						if tt.end == "" {
							break
						}
					}
				}, nil)
				p := f.start(c)
				var sent atomic.Int64
				data := strings.Repeat("x", size)
				go func() {
					for i := range count {
						p.send(pieceOf("mallory", "g", fmt.Sprint(i), 1, data, tt.end))
						sent.Add(size)
					}
				}()
				synctest.Wait()
				assert.LessOrEqual(t, inHand.Load(), int64(most))
				assert.LessOrEqual(t, sent.Load(), int64(most+4*size), "one in the queue, one in the dispatcher, one in the reading goroutine")
				assert.GreaterOrEqual(t, sent.Load(), int64(most-size))
				close(free)
				synctest.Wait()
				assert.Equal(t, int64(count*size), all.Load(), "none is lost")
			})
		})
	}
}

// TestStreamKeepsNoFrame checks that an open stream keeps its names, but not the
// frame that contained them, in memory.
func TestStreamKeepsNoFrame(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		c := f.client(nil)
		near := make(chan bool, 3)
		c.OnGroupStream(func(_ context.Context, s *client.StreamReader) {
			for d, err := range s.Pieces() {
				if err != nil {
					return
				}
				text := d.String()                                        // a part of the frame
				start := uintptr(unsafe.Pointer(unsafe.StringData(text))) //nolint:gosec // only looked at
				for _, name := range []string{s.Group(), s.ID(), s.FromUserID()} {
					at := uintptr(unsafe.Pointer(unsafe.StringData(name))) //nolint:gosec // only looked at
					near <- start-200 < at && at < start+uintptr(len(text))+200
				}
			}
		}, nil)
		p := f.start(c)
		p.send(pieceOf("mallory", "some group", "some id", 1, strings.Repeat("x", 1<<20), ""))
		for range 3 {
			assert.False(t, <-near)
		}
	})
}

// TestStreamNameLimit checks the limit of a stream's names, which are kept in
// memory. Its publisher chooses the id.
func TestStreamNameLimit(t *testing.T) {
	t.Parallel()
	const most = 12 << 10
	long := strings.Repeat("x", most)
	for name, names := range map[string][3]string{"id": {"mallory", "g", long}, "group": {"mallory", long, "s"}, "user": {long, "g", "s"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T) {
				var errs []string
				f := newFake(t)
				c := f.client(&client.Options{OnError: func(_ context.Context, err error) { errs = append(errs, err.Error()) }})
				seen, _ := collect(c, nil)
				p := f.start(c)
				p.send(pieceOf(names[0], names[1], names[2], 1, "x", ""))
				p.send(pieceOf("mallory", "g", long[:most-len("mallory"+"g")], 1, "y", `,"endOfStream":true`))
				assert.Equal(t, []string{"begin " + long[:most-len("mallory"+"g")], "y", "end"}, seen.settled())
				assert.Equal(t, []string{"client: Receive: stream dropped: its group, user and id have more than 12288 bytes"}, errs)
			})
		})
	}
}
