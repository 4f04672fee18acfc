package transport_test

import (
	"bytes"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/go-webpubsub/webpubsub/emulator/internal/hub"
	"github.com/go-webpubsub/webpubsub/emulator/internal/subprotocol"
	"github.com/go-webpubsub/webpubsub/emulator/internal/trace"
	"github.com/go-webpubsub/webpubsub/emulator/internal/transport"
)

// nobody is an event handler that ignores notifications. Its other methods are not called.
type nobody struct{ hub.EventHandler }

func (nobody) Connected(*hub.Connection)                           {}
func (nobody) Disconnected(*hub.Connection, string, trace.Context) {}

// A frame that is not recorded costs nothing, also with a log that leaves frames out.
//
//nolint:paralleltest // the allocations of other tests would count
func TestUnwantedFramesCostNothing(t *testing.T) {
	log := slog.New(slog.NewTextHandler(new(bytes.Buffer), nil)) // enabled for Info
	for name, stream := range map[string]*trace.Stream{
		"no stream": nil, "no sinks": trace.New([]string{"key"}), "a log without frames": trace.New([]string{"key"}, trace.Log(log)),
	} {
		hubs := hub.New(hub.Config{Events: nobody{}, Clock: hub.SystemClock{}, Trace: stream})
		ann := "ann"
		link := hub.NewLink(func([]hub.Frame) error { return nil }, func() {})
		c := hubs.Hub("chat").Connect(&hub.Client{ID: "c1", UserID: &ann}, subprotocol.Raw{}.Output(), link)
		in, out := transport.Recorders(hubs, c)
		var req hub.Request = hub.JoinGroup{Group: "g"}
		data := []byte(`{"type":"joinGroup","group":"g"}`)
		assert.Zero(t, testing.AllocsPerRun(100, func() { in(req, data) }), "frame in, %s", name)
		assert.Zero(t, testing.AllocsPerRun(100, func() { out(hub.Frame{Kind: hub.FrameText, Data: data}) }), "frame out, %s", name)
	}
}
