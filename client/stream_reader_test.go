package client_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/client"
)

// streamPiece is a piece of stream s to group g.
func streamPiece(sequence int, data, rest string) string {
	return fmt.Sprintf(`{"type":"message","from":"group","group":"g","fromUserId":"bob","dataType":"text","data":%q,"stream":{"streamId":"s","streamSequenceId":%d%s}}`, data, sequence, rest)
}

// collect records all pieces of streams.
func collect(c *client.Client, opts *client.StreamReaderOptions) (*recorder, func()) {
	r := new(recorder)
	return r, c.OnGroupStream(func(_ context.Context, s *client.StreamReader) {
		r.note("begin " + s.ID())
		for d, err := range s.Pieces() {
			if err != nil {
				r.note(err.Error())
				break
			}
			r.note(d.String())
		}
		r.note("end")
	}, opts)
}

func TestStreamReceived(t *testing.T) {
	t.Parallel()
	const end = `,"endOfStream":true`
	tests := []struct {
		name   string
		opts   *client.StreamReaderOptions
		frames []string
		want   []string
	}{
		{"in order", nil, []string{streamPiece(1, "a", ""), streamPiece(2, "b", ""), streamPiece(3, "", end)}, []string{"begin s", "a", "b", "end"}},
		{"empty pieces", nil, []string{streamPiece(1, "", ""), streamPiece(2, "", end)}, []string{"begin s", "", "end"}},
		{"the last one has data", nil, []string{streamPiece(1, "a", ""), streamPiece(2, "b", end)}, []string{"begin s", "a", "b", "end"}},
		{"only one", nil, []string{streamPiece(1, "a", end)}, []string{"begin s", "a", "end"}},
		{"duplicates", nil, []string{streamPiece(1, "a", ""), streamPiece(1, "a", ""), streamPiece(2, "b", ""), streamPiece(1, "a", ""), streamPiece(3, "", end)}, []string{"begin s", "a", "b", "end"}},
		{"a gap", nil, []string{streamPiece(1, "a", ""), streamPiece(3, "c", ""), streamPiece(4, "", end)}, []string{"begin s", "a", "client: GroupStream: a piece of the stream is missing", "end"}},
		{"a gap before the end", nil, []string{streamPiece(1, "a", ""), streamPiece(3, "", end)}, []string{"begin s", "a", "client: GroupStream: a piece of the stream is missing", "end"}},
		{"from its middle", nil, []string{streamPiece(7, "g", ""), streamPiece(8, "", end)}, []string{"begin s", "g", "end"}},
		{"only from the start", &client.StreamReaderOptions{FromStart: true}, []string{streamPiece(7, "g", ""), streamPiece(8, "", end), streamPiece(1, "a", ""), streamPiece(2, "", end)}, []string{"begin s", "a", "end"}},
		{"only its end", nil, []string{streamPiece(8, "", end)}, nil},
		{"other groups", &client.StreamReaderOptions{Groups: []string{"h"}}, []string{streamPiece(1, "a", ""), streamPiece(2, "", end)}, nil},
		{"this group", &client.StreamReaderOptions{Groups: []string{"h", "g"}}, []string{streamPiece(1, "a", ""), streamPiece(2, "", end)}, []string{"begin s", "a", "end"}},
		{"aborted", nil, []string{streamPiece(1, "a", ""), streamPiece(2, "", end+`,"error":{"name":"UserError","message":"m","userErrorCode":"c"}`)}, []string{"begin s", "a", "client: GroupStream: UserError: c: m", "end"}},
		{"cancelled", nil, []string{streamPiece(1, "a", ""), streamPiece(2, "", end+`,"error":{"name":"Cancelled","message":"m"}`)}, []string{"begin s", "a", "client: GroupStream: Cancelled: m", "end"}},
		{"once more", nil, []string{streamPiece(1, "a", end), streamPiece(1, "b", end)}, []string{"begin s", "a", "end", "begin s", "b", "end"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T) {
				f := newFake(t)
				c := f.client(nil)
				seen, unregister := collect(c, tt.opts)
				p := f.start(c)
				for _, frame := range tt.frames {
					p.send(frame)
					synctest.Wait()
				}
				assert.Equal(t, tt.want, seen.settled())
				unregister()
				p.send(streamPiece(1, "x", ""), streamPiece(2, "", end))
				assert.Empty(t, seen.settled())
			})
		})
	}
}

// TestStreamReceivedIdle checks the default idle timeout of 5 minutes.
func TestStreamReceivedIdle(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		c := f.client(&client.Options{KeepAliveInterval: -1, KeepAliveTimeout: -1})
		seen, _ := collect(c, nil)
		p := f.start(c)
		p.send(streamPiece(1, "a", ""))
		pass(5*time.Minute - time.Second)
		assert.Equal(t, []string{"begin s", "a"}, seen.settled())
		pass(time.Second)
		assert.Equal(t, []string{"client: GroupStream: IdleTimeout: the stream was silent for too long", "end"}, seen.settled())
		p.drop()
	})
}

// TestStreamReceivedAcrossConnections checks that a stream continues after a
// recovery, and ends with the connection or the client.
func TestStreamReceivedAcrossConnections(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		c := f.client(nil)
		seen, _ := collect(c, nil)
		p := f.start(c)
		p.send(streamPiece(1, "a", ""))
		p.drop()
		p = f.recovered("id-1")
		p.send(streamPiece(2, "b", ""))
		assert.Equal(t, []string{"begin s", "a", "b"}, seen.settled())
		p.close(websocket.StatusPolicyViolation, "")
		p = f.greet("id-2")
		assert.Equal(t, []string{"client: GroupStream: connection was lost", "end"}, seen.settled())
		p.send(streamPiece(9, "i", ""))
		assert.Equal(t, []string{"begin s", "i"}, seen.settled())
		require.NoError(t, c.Stop(t.Context()))
		got := seen.settled()
		assert.Equal(t, "end", got[len(got)-1])
	})
}

// TestSlowStreamStopsReading checks that a slow callback of a stream makes the
// client stop reading, and that a callback that returns or panics does not.
func TestSlowStreamStopsReading(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		var reported atomic.Value
		c := f.client(&client.Options{QueueSize: 10, KeepAliveInterval: -1, KeepAliveTimeout: -1, OnError: func(_ context.Context, err error) { reported.Store(err) }})
		free := make(chan struct{})
		var n atomic.Int64
		c.OnGroupStream(func(_ context.Context, s *client.StreamReader) {
			for range s.Pieces() { //nolint:errcheck // the pieces are what counts
				n.Add(1)
				<-free
			}
		}, nil)
		c.OnGroupStream(func(context.Context, *client.StreamReader) {}, nil)
		c.OnGroupStream(func(context.Context, *client.StreamReader) { panic("oh") }, nil)
		p := f.start(c)
		go p.drain()
		var sent atomic.Int64
		go func() {
			for i := range 200 {
				p.send(streamPiece(i+1, "x", ""))
				sent.Add(1)
			}
		}()
		pass(time.Second)
		assert.InDelta(t, 64+10, sent.Load(), 4)
		close(free)
		synctest.Wait()
		assert.Equal(t, int64(200), n.Load())
		err, _ := reported.Load().(error)
		var panicked *client.PanicError
		require.ErrorAs(t, err, &panicked)
		assert.Equal(t, "oh", panicked.Value)
	})
}

// TestStreamAfterSilence checks that pieces after a reader's idle timeout are a new
// stream, as in Microsoft's client.
func TestStreamAfterSilence(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		const silent = "client: GroupStream: IdleTimeout: the stream was silent for too long"
		f := newFake(t)
		c := f.client(&client.Options{KeepAliveInterval: -1, KeepAliveTimeout: -1})
		short, unregister := collect(c, &client.StreamReaderOptions{IdleTimeout: 2 * time.Second})
		long, _ := collect(c, &client.StreamReaderOptions{IdleTimeout: time.Minute})
		start, _ := collect(c, &client.StreamReaderOptions{IdleTimeout: 2 * time.Second, FromStart: true})
		once := new(recorder)
		c.OnGroupStream(func(_ context.Context, s *client.StreamReader) {
			for d := range s.Pieces() { //nolint:errcheck // it wants one piece only
				once.note(d.String())
				break
			}
		}, &client.StreamReaderOptions{IdleTimeout: 2 * time.Second})
		p := f.start(c)
		p.send(streamPiece(1, "a", ""), streamPiece(2, "b", ""))
		pass(3 * time.Second)
		p.send(streamPiece(3, "c", ""), streamPiece(3, "c", ""), streamPiece(4, "d", ""))
		pass(3 * time.Second)
		p.send(streamPiece(5, "", ""))
		pass(3 * time.Second)
		assert.Equal(t, []string{"begin s", "a", "b", silent, "end", "begin s", "c", "d", silent, "end", "begin s", "", silent, "end"}, short.settled())
		assert.Equal(t, []string{"begin s", "a", "b", "c", "d", ""}, long.settled())
		assert.Equal(t, []string{"begin s", "a", "b", silent, "end"}, start.settled())
		assert.Equal(t, []string{"a"}, once.settled(), "a callback that has returned is not called again")

		p.send(streamPiece(6, "", `,"endOfStream":true`))
		assert.Empty(t, short.settled(), "the end of a stream that has timed out")
		assert.Equal(t, []string{"end"}, long.settled())

		p.send(streamPiece(1, "a", ""))
		pass(3 * time.Second)
		unregister()
		p.send(streamPiece(2, "b", ""))
		assert.Equal(t, []string{"begin s", "a", silent, "end"}, short.settled())
	})
}

// TestStreamAfterSilenceOfAll does the same for a stream that has timed out for all
// readers.
func TestStreamAfterSilenceOfAll(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		const silent = "client: GroupStream: IdleTimeout: the stream was silent for too long"
		f := newFake(t)
		c := f.client(nil)
		seen, _ := collect(c, &client.StreamReaderOptions{IdleTimeout: 2 * time.Second})
		p := f.start(c)
		p.send(streamPiece(1, "a", ""))
		pass(3 * time.Second)
		p.send(streamPiece(5, "e", ""), streamPiece(7, "g", ""))
		assert.Equal(t, []string{"begin s", "a", silent, "end", "begin s", "e", "client: GroupStream: a piece of the stream is missing", "end"}, seen.settled())
	})
}
