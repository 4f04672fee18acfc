package hub_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/emulator/internal/hub"
)

// plainCodec encodes a message as its sequence id and data.
type plainCodec struct{}

func (plainCodec) Message(m *hub.Message) hub.Frame { return hub.Frame{Data: m.Data} }
func (plainCodec) AppendSequenced(b, data []byte, id uint64) []byte {
	return fmt.Appendf(b, "%d %s", id, data)
}

func send(h *hub.Hub, data string, ttl time.Duration) {
	h.Send(hub.Target{}, &hub.Message{Type: hub.Text, Data: []byte(data)}, ttl)
}

func TestCumulative(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHub(hub.SystemClock{}, &ends{})
		var first, second []string
		l1, l2 := newLink(&first), newLink(&second)
		c := h.Connect(&hub.Client{ID: "c"}, hub.Output{Codec: plainCodec{}, Delivery: new(hub.Cumulative)}, l1)
		send(h, "a", 0)
		send(h, "b", 0)
		c.Do(hub.SequenceAck{ID: 3}) // was never sent
		c.Do(hub.SequenceAck{ID: 1})
		c.Lost(l1, hub.Loss{Reason: "cut"})
		send(h, "c", time.Second)
		send(h, "d", time.Minute)
		<-time.After(time.Second)
		require.True(t, c.Recover(c.ReconnectionToken).Resume(l2))
		l1.Wait()
		l2.Wait()
		assert.Equal(t, []string{"1 a", "2 b"}, first)
		assert.Equal(t, []string{"2 b", "4 d"}, second)
		h.Shutdown(hub.CloseGoingAway, "end")
	})
}

// single is a delivery with one acknowledgement for each message. It sends a message only
// after the client has acknowledged the one before.
type single struct {
	last   uint64
	frames []hub.Frame // the first has been sent
	ids    []uint64
}

func (d *single) Send(link *hub.Link, codec hub.Codec, m *hub.Message, _ time.Time) string {
	d.last++
	d.ids = append(d.ids, d.last)
	f := m.Encode(codec)
	f.SequenceID, f.Codec = d.last, codec
	d.frames = append(d.frames, f)
	if len(d.frames) == 1 && link != nil {
		link.Send(d.frames[0])
	}
	return ""
}

func (d *single) Acknowledge(link *hub.Link, id uint64) {
	if len(d.ids) == 0 || d.ids[0] != id {
		return
	}
	d.ids, d.frames = d.ids[1:], d.frames[1:]
	if link != nil {
		d.Resume(link, time.Time{})
	}
}

func (d *single) Resume(link *hub.Link, _ time.Time) {
	if len(d.frames) > 0 {
		link.Send(d.frames[0])
	}
}

func (*single) Resumable() bool { return true }

// A transport can bring its own delivery.
func TestDeliveryOfTransport(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHub(hub.SystemClock{}, &ends{})
		var first, second []string
		l1, l2 := newLink(&first), newLink(&second)
		c := h.Connect(&hub.Client{ID: "c"}, hub.Output{Codec: plainCodec{}, Delivery: new(single)}, l1)
		send(h, "a", 0)
		send(h, "b", 0)
		c.Do(hub.SequenceAck{ID: 1})
		c.Lost(l1, hub.Loss{Reason: "cut"})
		send(h, "c", 0)
		require.True(t, c.Recover(c.ReconnectionToken).Resume(l2))
		c.Do(hub.SequenceAck{ID: 2})
		l1.Wait()
		l2.Wait()
		assert.Equal(t, []string{"1 a", "2 b"}, first)
		assert.Equal(t, []string{"2 b", "3 c"}, second, "the message without acknowledgement is sent again")
		h.Shutdown(hub.CloseGoingAway, "end")
	})
}
