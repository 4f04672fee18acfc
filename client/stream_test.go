package client_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/client"
	"github.com/go-webpubsub/webpubsub/emulator"
)

// TestStream: from one client to another, over a network that is cut.
func TestStream(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		r := newRig(t, emulator.Config{})
		ann, bob := r.started("ann", nil), r.started("bob", nil)
		_, err := ann.JoinGroup(t.Context(), "g", nil)
		require.NoError(t, err)
		plain := record(ann)
		var got []string
		var last error
		over := make(chan struct{})
		ann.OnGroupStream(func(_ context.Context, s *client.StreamReader) {
			defer close(over)
			assert.Equal(t, []string{"g", "s1", "bob"}, []string{s.Group(), s.ID(), s.FromUserID()})
			for d, err := range s.Pieces() {
				if last = err; err == nil {
					got = append(got, d.String())
				}
			}
		}, nil)
		w, err := bob.OpenGroupStream(t.Context(), "g", &client.StreamWriterOptions{StreamID: "s1"})
		require.NoError(t, err)
		assert.Equal(t, []string{"s1", "g"}, []string{w.ID(), w.Group()})
		var want []string
		for i := range 500 {
			want = append(want, fmt.Sprint(i))
			require.NoError(t, w.Write(t.Context(), client.JSON(i)))
			if i%100 == 50 {
				r.network.cut()
			}
		}
		require.NoError(t, w.Close(t.Context()))
		require.NoError(t, w.Close(t.Context()), "twice")
		require.NoError(t, w.Err())
		<-w.Done()
		<-over
		require.NoError(t, last)
		assert.Equal(t, want, got)
		notes := plain.settled()
		assert.NotContains(t, strings.Join(notes, "\n"), "g/bob", "pieces of streams are no messages")

		require.ErrorContains(t, w.Write(t.Context(), client.Text("x")), "stream has ended")
		require.ErrorContains(t, w.KeepAlive(t.Context()), "stream has ended")
	})
}

func TestStreamAborted(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		r := newRig(t, emulator.Config{})
		ann, bob := r.started("ann", nil), r.started("bob", nil)
		_, err := ann.JoinGroup(t.Context(), "g", nil)
		require.NoError(t, err)
		errs := make(chan error, 1)
		ann.OnGroupStream(func(_ context.Context, s *client.StreamReader) {
			for _, err := range s.Pieces() {
				if err != nil {
					errs <- err
				}
			}
		}, nil)
		w, err := bob.OpenGroupStream(t.Context(), "g", nil)
		require.NoError(t, err)
		assert.Len(t, w.ID(), 32)
		require.NoError(t, w.Write(t.Context(), client.Text("x")))
		synctest.Wait()
		w.Abort("E42", "gave up")
		w.Abort("E43", "again")
		err = <-errs
		require.EqualError(t, err, "client: GroupStream: UserError: E42: gave up")
		var e *client.Error
		require.ErrorAs(t, err, &e)
		assert.Equal(t, []string{"UserError", "E42", "gave up"}, []string{e.Name, e.UserErrorCode, e.Message})
		<-w.Done()
		require.NoError(t, w.Err(), "as it should")
		require.NoError(t, w.Close(t.Context()))
	})
}

func TestStreamRefused(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		r := newRig(t, emulator.Config{})
		c := newClient(t, r.network, address(t, "ann", ""), nil)
		_, err := c.OpenGroupStream(t.Context(), "g", nil)
		require.ErrorIs(t, err, client.ErrStopped)
		require.NoError(t, c.Start(t.Context()))
		_, err = c.OpenGroupStream(t.Context(), "g", nil)
		require.ErrorIs(t, err, client.ErrForbidden)
		require.EqualError(t, err, "client: OpenGroupStream: Forbidden: The client does not have permission to send to group 'g'. (the client needs the role \"webpubsub.sendToGroup.g\", in its token or in the reply to its connect event)")
	})
}

func TestStreamIdle(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		r := newRig(t, emulator.Config{})
		ann, bob := r.started("ann", nil), r.started("bob", nil)
		_, err := ann.JoinGroup(t.Context(), "g", nil)
		require.NoError(t, err)
		ended := make(chan string, 3)
		for name, idle := range map[string]time.Duration{"short ": 2 * time.Second, "long ": time.Hour, "none ": -1} {
			ann.OnGroupStream(func(_ context.Context, s *client.StreamReader) {
				for _, err := range s.Pieces() {
					if err != nil {
						ended <- name + err.Error()
					}
				}
			}, &client.StreamReaderOptions{IdleTimeout: idle})
		}
		w, err := bob.OpenGroupStream(t.Context(), "g", &client.StreamWriterOptions{IdleTimeout: 10 * time.Second})
		require.NoError(t, err)
		require.NoError(t, w.Write(t.Context(), client.Text("x")))
		start := time.Now()
		for range 3 {
			pass(9 * time.Second)
			require.NoError(t, w.KeepAlive(t.Context()))
		}
		assert.Equal(t, "short client: GroupStream: IdleTimeout: the stream is silent", <-ended)
		<-w.Done()
		assert.Equal(t, 37*time.Second, time.Since(start))
		require.EqualError(t, w.Err(), "client: GroupStream: IdleTimeout: The stream was idle for too long.")
		require.EqualError(t, w.Write(t.Context(), client.Text("y")), "client: GroupStream: IdleTimeout: The stream was idle for too long.")
		require.ElementsMatch(t, []string{
			"long client: GroupStream: IdleTimeout: The stream was idle for too long.",
			"none client: GroupStream: IdleTimeout: The stream was idle for too long.",
		}, []string{<-ended, <-ended})
	})
}

// openStream opens a stream of a client of the fake.
func openStream(t *testing.T, c *client.Client, p *peer, opts *client.StreamWriterOptions) *client.StreamWriter {
	t.Helper()
	opened := make(chan *client.StreamWriter)
	go func() {
		w, err := c.OpenGroupStream(t.Context(), "g", opts)
		assert.NoError(t, err)
		opened <- w
	}()
	p.next()
	p.send(`{"type":"streamAck","streamId":"` + opts.StreamID + `","expectedSequenceId":1}`)
	return <-opened
}

func TestStreamFrames(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		c, p := f.started(nil)
		opened := make(chan error, 1)
		var w *client.StreamWriter
		go func() {
			var err error
			w, err = c.OpenGroupStream(t.Context(), "g", &client.StreamWriterOptions{StreamID: "s", NoEcho: true, IdleTimeout: 1500 * time.Millisecond})
			opened <- err
		}()
		p.expect(`{"type":"sendToGroup","group":"g","noEcho":true,"stream":{"streamId":"s","idleTimeoutMs":1500}}`)
		_, err := c.OpenGroupStream(t.Context(), "h", &client.StreamWriterOptions{StreamID: "s"})
		require.ErrorIs(t, err, client.ErrInvalid)
		require.EqualError(t, err, `client: OpenGroupStream: stream id "s" is in use`)
		assert.Empty(t, opened, "data may flow only after the service has agreed")
		p.send(`{"type":"streamAck","streamId":"s","expectedSequenceId":1}`)
		require.NoError(t, <-opened)
		require.NoError(t, w.Write(t.Context(), client.Text("a")))
		require.NoError(t, w.KeepAlive(t.Context()))
		require.NoError(t, w.Write(t.Context(), client.Binary([]byte{1})))
		p.expect(`{"type":"streamData","streamId":"s","streamSequenceId":1,"dataType":"text","data":"a"}`, `{"type":"streamData","streamId":"s"}`, `{"type":"streamData","streamId":"s","streamSequenceId":2,"dataType":"binary","data":"AQ=="}`)
		require.ErrorIs(t, w.Write(t.Context(), client.Data{}), client.ErrInvalid)
		require.ErrorIs(t, w.Write(t.Context(), client.Text(strings.Repeat("x", 1<<20))), client.ErrInvalid)

		closed := make(chan error, 1)
		go func() { closed <- w.Close(t.Context()) }()
		p.send(`{"type":"streamAck","streamId":"s","expectedSequenceId":2}`)
		pass(time.Second)
		assert.Empty(t, closed, "not before the service has all")
		p.send(`{"type":"streamAck","streamId":"s","expectedSequenceId":3}`)
		p.expect(`{"type":"streamEnd","streamId":"s"}`)
		synctest.Wait()
		assert.Empty(t, closed)
		require.ErrorContains(t, w.Write(t.Context(), client.Text("late")), "stream has ended")
		p.send(`{"type":"streamClosed","streamId":"s"}`)
		require.NoError(t, <-closed)

		w = openStream(t, c, p, &client.StreamWriterOptions{StreamID: "s"}) // the id is free again
		w.Abort("code", "message")
		p.expect(`{"type":"streamEnd","streamId":"s","error":{"message":"message","userErrorCode":"code"}}`)
	})
}

// TestStreamWindow: a service that takes nothing makes the writer wait.
func TestStreamWindow(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		c, p := f.started(nil)
		w := openStream(t, c, p, &client.StreamWriterOptions{StreamID: "s", Window: 3})
		big := openStream(t, c, p, &client.StreamWriterOptions{StreamID: "big"})
		go p.drain()
		write := func(w *client.StreamWriter, n int) (written int, err error) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			for ; written < 20 && err == nil; written++ {
				err = w.Write(ctx, client.Binary(make([]byte, n)))
			}
			return written, err
		}
		n, err := write(w, 1)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, 4, n)
		p.send(`{"type":"streamAck","streamId":"s","expectedSequenceId":3}`)
		synctest.Wait()
		n, err = write(w, 1)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, 3, n, "two were taken")

		n, err = write(big, 700_000)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, 6, n, "4 MiB, of which the last one may be over")
	})
}

// TestStreamNack: what the service refuses is sent again, after a while.
func TestStreamNack(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		c, p := f.started(nil)
		w := openStream(t, c, p, &client.StreamWriterOptions{StreamID: "s"})
		frames := make([]string, 5)
		for i := range frames {
			frames[i] = fmt.Sprintf(`{"type":"streamData","streamId":"s","streamSequenceId":%d,"dataType":"json","data":%d}`, i+1, i)
			require.NoError(t, w.Write(t.Context(), client.JSON(i)))
		}
		p.expect(frames...)
		start := time.Now()
		nack := func(name string) string {
			return `{"type":"streamNack","streamId":"s","expectedSequenceId":2,"name":"` + name + `","message":"m"}`
		}
		p.send(nack("TransientError"), nack("InvalidSequenceId"), nack("InvalidSequenceId"))
		p.expect(frames[1:]...)
		assert.Equal(t, 10*time.Millisecond, time.Since(start))
		p.send(nack("TransientError"))
		p.expect(frames[1:]...)
		assert.Equal(t, 30*time.Millisecond, time.Since(start))
		p.send(`{"type":"streamAck","streamId":"s","expectedSequenceId":6}`)
		p.send(nack("TransientError")) // late, and about nothing
		p.quiet(10 * time.Second)
	})
}

// TestStreamNackStorm: a service that refuses faster than it reads does not make
// the client keep ever more copies of the same pieces.
func TestStreamNackStorm(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		c, p := f.started(&client.Options{KeepAliveInterval: -1, KeepAliveTimeout: -1})
		w := openStream(t, c, p, &client.StreamWriterOptions{StreamID: "s", Window: 100})
		for range 100 {
			require.NoError(t, w.Write(t.Context(), client.Text("x")))
		}
		for range 100 {
			p.send(`{"type":"streamNack","streamId":"s","expectedSequenceId":1,"name":"TransientError","message":"m"}`)
			p.next() // one at a time, so that the link stays
			pass(6 * time.Second)
		}
		n := 0
		go func() {
			for ; ; n++ {
				if _, _, err := p.conn.Read(t.Context()); err != nil {
					return
				}
			}
		}()
		pass(time.Millisecond)
		assert.Less(t, n, 1000)
		p.drop()
	})
}

// TestStreamRecovery: the new link gets all that the service has not taken.
func TestStreamRecovery(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		c, p := f.started(nil)
		w := openStream(t, c, p, &client.StreamWriterOptions{StreamID: "s"})
		frame := func(i int) string {
			return fmt.Sprintf(`{"type":"streamData","streamId":"s","streamSequenceId":%d,"dataType":"json","data":%d}`, i, i)
		}
		for i := range 3 {
			require.NoError(t, w.Write(t.Context(), client.JSON(i+1)))
			p.expect(frame(i + 1))
		}
		p.send(`{"type":"streamAck","streamId":"s","expectedSequenceId":2}`)
		synctest.Wait()
		p.drop()
		synctest.Wait()
		require.NoError(t, w.Write(t.Context(), client.JSON(4)), "while it is away")
		p = f.recovered("id-1")
		p.expect(frame(2), frame(3), frame(4))

		// Its end is told again, too, and a service that knows no stream any more has
		// heard it the first time.
		closed := make(chan error, 1)
		p.send(`{"type":"streamAck","streamId":"s","expectedSequenceId":5}`)
		go func() { closed <- w.Close(t.Context()) }()
		p.expect(`{"type":"streamEnd","streamId":"s"}`)
		p.drop()
		p = f.recovered("id-1")
		p.expect(`{"type":"streamEnd","streamId":"s"}`)
		p.send(`{"type":"streamClosed","streamId":"s","error":{"name":"StreamNotFound","message":"?"}}`)
		require.NoError(t, <-closed)
	})
}

func TestStreamConnectionLost(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		c, p := f.started(nil)
		w := openStream(t, c, p, &client.StreamWriterOptions{StreamID: "s"})
		// One that is not agreed to yet does not survive the link.
		opened := make(chan error, 1)
		go func() {
			_, err := c.OpenGroupStream(t.Context(), "g", &client.StreamWriterOptions{StreamID: "t"})
			opened <- err
		}()
		p.next()
		p.drop()
		p = f.recovered("id-1")
		require.ErrorIs(t, <-opened, client.ErrConnectionLost)
		require.NoError(t, w.Err())

		p.close(websocket.StatusPolicyViolation, "")
		p = f.greet("id-2")
		<-w.Done()
		require.ErrorIs(t, w.Err(), client.ErrConnectionLost)
		require.ErrorIs(t, w.Write(t.Context(), client.Text("x")), client.ErrConnectionLost)
		require.ErrorIs(t, w.Close(t.Context()), client.ErrConnectionLost)

		w = openStream(t, c, p, &client.StreamWriterOptions{StreamID: "s"})
		require.NoError(t, c.Stop(t.Context()))
		require.ErrorIs(t, w.Err(), client.ErrStopped)
	})
}

// TestStreamGivenUp: nobody is left to write to a stream that opens too late.
func TestStreamGivenUp(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		c, p := f.started(nil)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		opened := make(chan error, 1)
		go func() {
			_, err := c.OpenGroupStream(ctx, "g", &client.StreamWriterOptions{StreamID: "s"})
			opened <- err
		}()
		p.next()
		require.ErrorIs(t, <-opened, context.DeadlineExceeded)
		p.expect(`{"type":"streamEnd","streamId":"s","error":{"message":"nobody waits for the stream any more","userErrorCode":""}}`)
		p.send(`{"type":"streamAck","streamId":"s","expectedSequenceId":1}`)
		w := openStream(t, c, p, &client.StreamWriterOptions{StreamID: "s"})
		ctx, cancel = context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.NoError(t, w.Write(ctx, client.Text("x")))
		require.ErrorIs(t, w.Close(ctx), context.DeadlineExceeded, "the piece is not taken")
		p.next()
		p.send(`{"type":"streamAck","streamId":"s","expectedSequenceId":2}`)
		closed := make(chan error, 1)
		go func() { closed <- w.Close(t.Context()) }()
		p.expect(`{"type":"streamEnd","streamId":"s"}`)
		p.send(`{"type":"streamClosed","streamId":"s"}`)
		require.NoError(t, <-closed)
	})
}

// TestStreamViolation: a service that expects what cannot be.
func TestStreamViolation(t *testing.T) {
	t.Parallel()
	for _, expected := range []string{"3", "0", "18446744073709551615"} {
		t.Run(expected, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T) {
				f := newFake(t)
				c, p := f.started(nil)
				w := openStream(t, c, p, &client.StreamWriterOptions{StreamID: "s"})
				require.NoError(t, w.Write(t.Context(), client.Text("x")))
				p.next()
				p.send(`{"type":"streamAck","streamId":"s","expectedSequenceId":` + expected + `}`)
				p.expect(`{"type":"streamEnd","streamId":"s","error":{"message":"unexpected sequence id","userErrorCode":"ProtocolViolation"}}`)
				<-w.Done()
				require.EqualError(t, w.Err(), "client: GroupStream: service expects piece "+expected+", the next is 2")
			})
		})
	}
}

// streamPiece is a piece of stream s to group g.
func streamPiece(sequence int, data, rest string) string {
	return fmt.Sprintf(`{"type":"message","from":"group","group":"g","fromUserId":"bob","dataType":"text","data":%q,"stream":{"streamId":"s","streamSequenceId":%d%s}}`, data, sequence, rest)
}

// collect notes all that streams bring.
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

// TestStreamReceivedIdle: by default a stream may be silent for 5 minutes.
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
		assert.Equal(t, []string{"client: GroupStream: IdleTimeout: the stream is silent", "end"}, seen.settled())
		p.drop()
	})
}

// TestStreamReceivedAcrossConnections: a recovery is not noticed, a new connection
// is the end, and so is the end of the client.
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

// TestStreamHoldsBack: a slow reader of a stream holds back the client, and one
// that leaves or panics does not.
func TestStreamHoldsBack(t *testing.T) {
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
		synctest.Wait()
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

// TestTooManyStreams: what others can open at will is bounded.
func TestTooManyStreams(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		c := f.client(&client.Options{KeepAliveTimeout: -1})
		var open atomic.Int64
		c.OnGroupStream(func(_ context.Context, s *client.StreamReader) {
			open.Add(1)
			for range s.Pieces() { //nolint:errcheck // it only has to end
				continue
			}
			open.Add(-1)
		}, &client.StreamReaderOptions{IdleTimeout: -1})
		p := f.start(c)
		go p.drain()
		begin := func(i int) {
			p.send(fmt.Sprintf(`{"type":"message","from":"group","group":"g","dataType":"text","data":"x","stream":{"streamId":"%d","streamSequenceId":1}}`, i))
		}
		for i := range 1100 {
			begin(i)
		}
		synctest.Wait()
		assert.Equal(t, int64(1000), open.Load())
		pass(time.Minute)
		begin(2000)
		pass(10 * time.Minute)
		begin(2001) // the old ones are forgotten
		synctest.Wait()
		assert.Equal(t, int64(1), open.Load())
	})
}
