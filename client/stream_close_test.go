package client_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/client"
	"github.com/go-webpubsub/webpubsub/emulator"
)

// TestStreamClosedForSilence: a stream falls silent while its connection is away.
// Those who receive it are told, and so is its writer, who hears nothing of it
// until he closes it.
func TestStreamClosedForSilence(t *testing.T) {
	t.Parallel()
	const silent = "client: GroupStream: IdleTimeout: the service no longer knows the stream, which was silent for its idle timeout"
	for name, closeWhenAway := range map[string]bool{"closed when it is back": false, "closed while it is away": true} {
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

// TestStreamNotFound: what it means that the service does not know a stream.
func TestStreamNotFound(t *testing.T) {
	t.Parallel()
	const notFound = `{"type":"streamClosed","streamId":"s","error":{"name":"StreamNotFound","message":"?"}}`
	tests := map[string]struct {
		silence time.Duration // before the end
		again   bool          // the end goes over two links
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
				pass(30 * time.Second) // a piece that is taken begins the silence anew
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
