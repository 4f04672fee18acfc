package hub_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/emulator/internal/hub"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// A client is in its first groups when it receives the connected frame, which precedes
// all messages to these groups.
func TestConnectSendsConnectedFirst(t *testing.T) {
	t.Parallel()
	greeted := make(chan struct{})
	h := newHub(hub.SystemClock{}, &slow{until: greeted})
	var frames []string
	members := 0
	l := hub.NewLink(func(batch []hub.Frame) error {
		if frames == nil {
			members = len(h.Select(hub.Target{Group: "lobby"}))
			close(greeted)
		}
		for _, f := range batch {
			frames = append(frames, string(f.Data))
		}
		return nil
	}, func() {})
	l.Open()
	h.Connect(&hub.Client{ID: "c", Groups: []string{"lobby", "lobby"}}, output(wire.SubprotocolJSON), l)
	h.Send(hub.Target{Group: "lobby"}, &hub.Message{Type: hub.Text, Data: []byte("hello")}, 0)
	l.Wait()
	assert.Equal(t, 1, members)
	require.Len(t, frames, 2)
	assert.Contains(t, frames[0], "connected")
	assert.Contains(t, frames[1], "hello")
}

// slow is an event handler whose Connected blocks until the client has received the
// connected frame.
type slow struct {
	ends
	until chan struct{}
}

func (s *slow) Connected(*hub.Connection) { <-s.until }
