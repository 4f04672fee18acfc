package client_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/client"
	"github.com/go-webpubsub/webpubsub/emulator"
)

// TestStreamNack checks that refused pieces are sent again after a while.
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
		p.send(nack("TransientError")) // late, without pieces to send again
		p.quiet(10 * time.Second)
	})
}

// TestStreamNackStorm checks that a service that refuses faster than it reads does
// not make the client queue more and more copies.
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
			for range 80 { // fast enough to keep the WebSocket open
				p.next()
			}
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

// TestStreamRecovery checks that pieces without an ack are sent again after a
// recovery.
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
		require.NoError(t, w.Write(t.Context(), client.JSON(4)), "while the connection is recovered")
		p = f.recovered("id-1")
		p.expect(frame(2), frame(3), frame(4))

		// Its end is sent again too. If the service no longer knows the stream, it
		// received the end the first time.
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
		// A stream that is not open yet does not survive the WebSocket.
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

// TestOpenGroupStreamCanceled checks that a stream that opens too late is ended.
func TestOpenGroupStreamCanceled(t *testing.T) {
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
		p.expect(`{"type":"streamEnd","streamId":"s","error":{"message":"the client gave up opening the stream","userErrorCode":""}}`)
		p.send(`{"type":"streamAck","streamId":"s","expectedSequenceId":1}`)
		w := openStream(t, c, p, &client.StreamWriterOptions{StreamID: "s"})
		ctx, cancel = context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.NoError(t, w.Write(ctx, client.Text("x")))
		require.ErrorIs(t, w.Close(ctx), context.DeadlineExceeded, "the piece is not acknowledged")
		p.next()
		p.send(`{"type":"streamAck","streamId":"s","expectedSequenceId":2}`)
		closed := make(chan error, 1)
		go func() { closed <- w.Close(t.Context()) }()
		p.expect(`{"type":"streamEnd","streamId":"s"}`)
		p.send(`{"type":"streamClosed","streamId":"s"}`)
		require.NoError(t, <-closed)
	})
}

// TestStreamViolation acknowledges an impossible sequence id.
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
				require.EqualError(t, w.Err(), "client: GroupStream: service expects piece "+expected+", but the next is 2")
			})
		})
	}
}

// TestStreamClosedForSilence makes a stream time out while its connection is lost.
// Its receivers get an error, and so does its writer when it closes the stream.
func TestStreamClosedForSilence(t *testing.T) {
	t.Parallel()
	const silent = "client: GroupStream: IdleTimeout: the service no longer knows the stream, which was silent for its idle timeout"
	for name, closeWhenAway := range map[string]bool{"closed when it is back": false, "closed while the connection is recovered": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T) {
				r := newRig(t, emulator.Config{})
				bobs := newNetwork(t, r.server, nil)
				ann := r.started("ann", nil)
				bob := newClient(t, bobs, address(t, "bob", allRoles), nil)
				require.NoError(t, bob.Start(t.Context()))
				_, err := ann.JoinGroup(t.Context(), "g", nil)
				require.NoError(t, err)
				seen, _ := collect(ann, nil)
				w, err := bob.OpenGroupStream(t.Context(), "g", &client.StreamWriterOptions{StreamID: "s", IdleTimeout: 10 * time.Second})
				require.NoError(t, err)
				require.NoError(t, w.Write(t.Context(), client.Text("x")))
				pass(time.Second)
				bobs.setDown(true)
				bobs.cut()
				closed := make(chan error, 1)
				closeIt := func() { closed <- w.Close(t.Context()) }
				if closeWhenAway {
					go closeIt()
				}
				pass(15 * time.Second)
				assert.Equal(t, []string{"begin s", "x", "client: GroupStream: IdleTimeout: The stream was idle for too long.", "end"}, seen.settled())
				bobs.setDown(false)
				pass(2 * time.Second)
				if !closeWhenAway {
					go closeIt()
				}
				err = <-closed
				require.EqualError(t, err, silent)
				require.EqualError(t, w.Err(), silent)
				require.EqualError(t, w.Close(t.Context()), silent, "again")
				assert.Equal(t, client.StateConnected, bob.State())
			})
		})
	}
}

// TestStreamNotFound checks the cases in which the service does not know a stream.
func TestStreamNotFound(t *testing.T) {
	t.Parallel()
	const notFound = `{"type":"streamClosed","streamId":"s","error":{"name":"StreamNotFound","message":"?"}}`
	tests := map[string]struct {
		silence time.Duration // before the end
		again   bool          // the end is sent over two WebSockets
		want    string
	}{
		"at the first end":                   {0, false, "client: GroupStream: StreamNotFound: ?"},
		"at the second end":                  {0, true, ""},
		"at the first end, after silence":    {time.Minute, false, "client: GroupStream: IdleTimeout: the service no longer knows the stream, which was silent for its idle timeout"},
		"at the second end, after silence":   {time.Minute, true, "client: GroupStream: IdleTimeout: the service no longer knows the stream, which was silent for its idle timeout"},
		"at the second end, not for so long": {50 * time.Second, true, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T) {
				f := newFake(t)
				c, p := f.started(&client.Options{KeepAliveInterval: -1, KeepAliveTimeout: -1})
				w := openStream(t, c, p, &client.StreamWriterOptions{StreamID: "s", IdleTimeout: time.Minute})
				pass(30 * time.Second) // an acknowledged piece restarts the idle timeout
				require.NoError(t, w.Write(t.Context(), client.Text("x")))
				p.next()
				p.send(`{"type":"streamAck","streamId":"s","expectedSequenceId":2}`)
				pass(tt.silence)
				closed := make(chan error, 1)
				go func() { closed <- w.Close(context.WithoutCancel(t.Context())) }()
				p.expect(`{"type":"streamEnd","streamId":"s"}`)
				if tt.again {
					p.drop()
					p = f.recovered("id-1")
					p.expect(`{"type":"streamEnd","streamId":"s"}`)
				}
				p.send(notFound)
				if err := <-closed; tt.want == "" {
					require.NoError(t, err)
				} else {
					require.EqualError(t, err, tt.want)
				}
			})
		})
	}
}
