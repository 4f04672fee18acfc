package client_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/client"
	"github.com/go-webpubsub/webpubsub/emulator"
)

// TestStream sends a stream from one client to another while the network is cut.
func TestStream(t *testing.T) {
	t.Parallel()
	over(t, recovering, func(t *testing.T, p client.Protocol) {
		r := newRig(t, emulator.Config{}).over(p)
		ann, bob := r.started("ann", nil), r.started("bob", nil)
		_, err := ann.JoinGroup(t.Context(), "g", nil)
		require.NoError(t, err)
		plain := record(ann)
		var got []string
		var last error
		over := make(chan struct{})
		ann.OnGroupStream(func(_ context.Context, s *client.StreamReader) {
			defer close(over)
			assert.Equal(t, []string{"g", "s1", from(p, "bob")}, []string{s.Group(), s.ID(), s.FromUserID()})
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
		assert.NotContains(t, strings.Join(notes, "\n"), "g/bob", "pieces of streams are not messages")

		require.ErrorContains(t, w.Write(t.Context(), client.Text("x")), "stream has ended")
		require.ErrorContains(t, w.KeepAlive(t.Context()), "stream has ended")
	})
}

func TestStreamAborted(t *testing.T) {
	t.Parallel()
	over(t, protocols, func(t *testing.T, p client.Protocol) {
		r := newRig(t, emulator.Config{}).over(p)
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
		assert.Len(t, w.ID(), 26)
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
	over(t, protocols, func(t *testing.T, p client.Protocol) {
		r := newRig(t, emulator.Config{}).over(p)
		c := newClient(t, r.network, address(t, "ann", ""), &client.Options{Protocol: p})
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
	over(t, protocols, func(t *testing.T, p client.Protocol) {
		r := newRig(t, emulator.Config{}).over(p)
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
		assert.Equal(t, "short client: GroupStream: IdleTimeout: the stream was silent for too long", <-ended)
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
		assert.Empty(t, opened, "pieces are sent only after the stream is open")
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
		assert.Empty(t, closed, "not before the service has acknowledged all")
		p.send(`{"type":"streamAck","streamId":"s","expectedSequenceId":3}`)
		p.expect(`{"type":"streamEnd","streamId":"s"}`)
		synctest.Wait()
		assert.Empty(t, closed)
		require.ErrorContains(t, w.Write(t.Context(), client.Text("late")), "stream has ended")
		p.send(`{"type":"streamClosed","streamId":"s"}`)
		require.NoError(t, <-closed)

		w = openStream(t, c, p, &client.StreamWriterOptions{StreamID: "s"}) // the id can be used again
		w.Abort("code", "message")
		p.expect(`{"type":"streamEnd","streamId":"s","error":{"message":"message","userErrorCode":"code"}}`)
	})
}

// TestOpenGroupStreamWaits checks that a stream that is opened while the connection is
// lost begins on the next one.
func TestOpenGroupStreamWaits(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		c, p := f.started(nil)
		p.drop()
		p = <-f.peers
		p.expect(`{"type":"ping"}`)
		opened := make(chan error, 1)
		go func() {
			_, err := c.OpenGroupStream(t.Context(), "g", &client.StreamWriterOptions{StreamID: "s"})
			opened <- err
		}()
		synctest.Wait()
		p.close(websocket.StatusPolicyViolation, "The connection could not be recovered.")
		p = f.greet("id-2")
		p.expect(`{"type":"sendToGroup","group":"g","noEcho":false,"stream":{"streamId":"s"}}`)
		p.send(`{"type":"streamAck","streamId":"s","expectedSequenceId":1}`)
		require.NoError(t, <-opened)
	})
}

// TestStreamWindow checks that Write waits for a service that sends no acks.
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
		assert.Equal(t, 3, n, "two were acknowledged")

		n, err = write(big, 700_000)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, 6, n, "4 MiB, of which the last one may be over")
	})
}
