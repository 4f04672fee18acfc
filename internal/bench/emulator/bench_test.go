//go:build linux

package emulator_test

import (
	"context"
	"encoding/binary"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/emulator"
)

const crowdSize = 1000

const (
	jsonProtocol             = "json.webpubsub.azure.v1"
	reliableProtocol         = "json.reliable.webpubsub.azure.v1"
	protobufProtocol         = "protobuf.webpubsub.azure.v1"
	reliableProtobufProtocol = "protobuf.reliable.webpubsub.azure.v1"
)

// BenchmarkFanout sends a text to 1,000 members of a group and reports the processor
// time of the server per member: for the emulator with each subprotocol, and for plain
// servers.
func BenchmarkFanout(b *testing.B) {
	for _, protocol := range []struct{ name, subprotocol string }{
		{"raw", ""}, {"json", jsonProtocol}, {"reliable", reliableProtocol}, {"protobuf", protobufProtocol}, {"protobuf reliable", reliableProtobufProtocol},
	} {
		b.Run(protocol.name, func(b *testing.B) {
			crowds := []*crowd{
				newCrowd(b, crowdSize, "emulator", protocol.subprotocol), newCrowd(b, crowdSize, "plain", ""),
				newCrowd(b, crowdSize, "plain", ""), newCrowd(b, crowdSize, "plain direct", ""),
			}
			for _, c := range crowds {
				c.publish(b, 20) // buffers have grown
				c.spent = 0
			}
			const messages = 10
			for b.Loop() {
				for _, c := range crowds {
					c.publish(b, messages)
				}
			}
			one := float64(b.N * messages * crowdSize)
			b.ReportMetric(float64(crowds[0].wire.Load()), "wire-B/msg")
			b.ReportMetric(float64(crowds[0].spent)/one, "emulator-ns/msg")
			b.ReportMetric(float64(crowds[1].spent)/one, "plain-ns/msg")
			b.ReportMetric(float64(crowds[0].spent)/float64(crowds[1].spent), "x-plain")
			b.ReportMetric(float64(crowds[2].spent)/float64(crowds[1].spent), "plain-again-x-plain")
			b.ReportMetric(float64(crowds[3].spent)/float64(crowds[1].spent), "direct-x-plain")
		})
	}
}

// sequenceAck returns an UpstreamMessage with a SequenceAckMessage.
func sequenceAck(id int) string {
	varint := binary.AppendUvarint(nil, uint64(id))
	return string(append([]byte{0x42, byte(1 + len(varint)), 0x08}, varint...))
}

// BenchmarkRoundTrip measures a text of a client and the answer of the event handler
// over loopback: for a handler in memory, a handler at a URL, a server on the same library
// that sends the text back, and a server that posts it to a handler by hand.
func BenchmarkRoundTrip(b *testing.B) {
	handler, err := webpubsub.NewHandler(webpubsub.Config{
		Hub:               "chat",
		ConnectionStrings: []string{emulator.ConnectionString("http://127.0.0.1", emulator.DefaultAccessKey)},
		UserEvents: map[string]webpubsub.UserEventFunc{
			"message": webpubsub.Text(func(_ context.Context, _ *webpubsub.UserEvent, in string) (string, error) { return in, nil }),
		},
	})
	require.NoError(b, err)
	remote := httptest.NewServer(handler)
	b.Cleanup(remote.Close)
	local := emulator.InMemory(handler)
	url := emulator.AtURL(remote.URL)
	for _, way := range []struct {
		name    string
		address func(b *testing.B) string
	}{
		{"library alone", func(b *testing.B) string {
			s := httptest.NewServer(http.HandlerFunc(echo))
			b.Cleanup(s.Close)
			return s.Listener.Addr().(*net.TCPAddr).String()
		}},
		{"library and a POST by hand", func(b *testing.B) string {
			s := httptest.NewServer(posting(answering(b)))
			b.Cleanup(s.Close)
			return s.Listener.Addr().(*net.TCPAddr).String()
		}},
		{"handler in memory", emulatorWith(local)},
		{"handler at a URL", emulatorWith(url)},
	} {
		b.Run(way.name, func(b *testing.B) {
			c := dial(b, way.address(b), "", "")
			b.ReportAllocs()
			for b.Loop() {
				if err := c.send(textFrame, text); err != nil {
					b.Fatal(err)
				}
				if err := c.next(text); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func emulatorWith(h emulator.EventHandler) func(b *testing.B) string {
	return func(b *testing.B) string {
		b.Helper()
		emu := emulator.Start(b, emulator.Config{Hubs: map[string]emulator.Hub{"chat": {EventHandlers: []emulator.EventHandler{h}}}})
		return strings.TrimPrefix(emu.Endpoint, "http://")
	}
}
