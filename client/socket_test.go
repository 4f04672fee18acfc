package client_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/client"
	"github.com/go-webpubsub/webpubsub/emulator"
)

// TestPingDuringSlowWrite checks that the client answers pings while it writes a
// large frame over a slow network.
func TestPingDuringSlowWrite(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		f.network.setShape(func(c *cable) { c.pace = 100 * time.Millisecond })
		c := f.client(&client.Options{KeepAliveInterval: -1})
		seen := record(c)
		p := f.start(c)
		start := time.Now()
		run := begin(func() (client.Result, error) {
			return c.SendToGroup(t.Context(), "g", client.Binary(make([]byte, 700<<10)), nil)
		})
		pinged := make(chan error)
		go func() {
			<-time.After(time.Second)
			pinged <- p.conn.Ping(t.Context())
		}()
		id := p.expectAck("sendToGroup")
		assert.Greater(t, time.Since(start), 10*time.Second, "a slow line")
		go p.drain()
		require.NoError(t, <-pinged)
		p.send(ack(id, ""))
		run.succeeds(t, client.Result{AckID: id})
		assert.Equal(t, []string{"connected ann"}, seen.settled())
	})
}

// TestLargestFrame sends the largest frame that the service accepts, and one more
// byte.
func TestLargestFrame(t *testing.T) {
	t.Parallel()
	over(t, protocols, func(t *testing.T, p client.Protocol) {
		r := newRig(t, emulator.Config{}).over(p)
		c := r.started("ann", nil)
		seen := make(chan int, 1)
		c.OnGroupMessage(func(_ context.Context, m *client.GroupMessage) { seen <- len(m.Data.Bytes()) })
		_, err := c.JoinGroup(t.Context(), "g", nil)
		require.NoError(t, err)
		room := 1<<20 - len(`{"type":"sendToGroup","group":"g","ackId":2,"noEcho":false,"dataType":"text","data":""}`)
		if p == client.ProtocolProtobuf || p == client.ProtocolProtobufReliable {
			room = 1<<20 - 19
		}
		_, err = c.SendToGroup(t.Context(), "g", client.Text(strings.Repeat("x", room)), nil)
		require.NoError(t, err)
		assert.Equal(t, room, <-seen)
		_, err = c.SendToGroup(t.Context(), "g", client.Text(strings.Repeat("x", room+1)), nil)
		require.ErrorIs(t, err, client.ErrInvalid)
		require.EqualError(t, err, "client: SendToGroup: frame has 1048577 bytes, want at most 1048576")

		// The longest frame to the client: each byte takes six.
		_, err = c.SendToGroup(t.Context(), "g", client.Text(strings.Repeat("\x01", room/6)), nil)
		require.NoError(t, err)
		assert.Equal(t, room/6, <-seen)
	})
}
