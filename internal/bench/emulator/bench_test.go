//go:build linux

package emulator_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/emulator"
)

const (
	jsonProtocol             = "json.webpubsub.azure.v1"
	reliableProtocol         = "json.reliable.webpubsub.azure.v1"
	protobufProtocol         = "protobuf.webpubsub.azure.v1"
	reliableProtobufProtocol = "protobuf.reliable.webpubsub.azure.v1"
)

// crowd is 1,000 clients of a server, and one that publishes.
type crowd struct {
	server    *process
	publisher *client
	waiting   sync.WaitGroup
	failed    chan error
	spent     time.Duration
	wire      atomic.Int64 // bytes of the first message for a client, with the WebSocket header
}

const (
	crowdSize = 1000
	ackEvery  = 100 // messages, for clients of the reliable subprotocol
)

var text = strings.Repeat("a message of 256 bytes, ", 11)[:256]

func newCrowd(b *testing.B, server, subprotocol string) *crowd {
	b.Helper()
	c := &crowd{server: start(b, server), failed: make(chan error, crowdSize)}
	for range crowdSize {
		m := dial(b, c.server.address, subprotocol, "")
		if subprotocol != "" {
			require.NoError(b, m.next(user)) // the connected frame
		}
		go func() {
			for n := 1; ; n++ {
				if err := m.next(text); err != nil {
					c.failed <- err
					return
				}
				if n == 1 {
					c.wire.Store(int64(m.frame))
				}
				c.waiting.Done()
				if n%ackEvery != 0 {
					continue
				}
				switch subprotocol {
				case reliableProtocol:
					_ = m.send(textFrame, fmt.Sprintf(`{"type":"sequenceAck","sequenceId":%d}`, n))
				case reliableProtobufProtocol:
					_ = m.send(binaryFrame, sequenceAck(n))
				}
			}
		}()
	}
	c.publisher = dial(b, c.server.address, "", "&webpubsub_mode=sendToGroup&group=g&noEcho=true")
	go func() { // a plain server sends to it too
		for c.publisher.next(text) == nil {
		}
	}()
	return c
}

// publish sends messages, each after all clients have received the one before.
func (c *crowd) publish(b *testing.B, messages int) {
	b.Helper()
	before := c.server.uses(b, "processor").Processor
	for range messages {
		c.waiting.Add(crowdSize)
		require.NoError(b, c.publisher.send(textFrame, text))
		arrived := make(chan struct{})
		go func() { c.waiting.Wait(); close(arrived) }()
		select {
		case <-arrived:
		case err := <-c.failed:
			b.Fatal(err)
		}
	}
	c.spent += c.server.uses(b, "processor").Processor - before
}

// BenchmarkFanout sends a text to 1,000 members of a group and reports the processor
// time of the server per member: for the emulator with each subprotocol, and for plain
// servers.
func BenchmarkFanout(b *testing.B) {
	for _, protocol := range []struct{ name, subprotocol string }{
		{"raw", ""}, {"json", jsonProtocol}, {"reliable", reliableProtocol}, {"protobuf", protobufProtocol}, {"protobuf reliable", reliableProtobufProtocol},
	} {
		b.Run(protocol.name, func(b *testing.B) {
			crowds := []*crowd{
				newCrowd(b, "emulator", protocol.subprotocol), newCrowd(b, "plain", ""), newCrowd(b, "plain", ""), newCrowd(b, "plain direct", ""),
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

// BenchmarkIdle connects 10,000 idle clients and reports the memory of the server per
// client. Time and iterations have no meaning.
func BenchmarkIdle(b *testing.B) {
	const clients = 10_000
	for _, s := range []struct{ name, server, subprotocol string }{
		{"plain", "plain", ""}, {"plain direct", "plain direct", ""}, {"emulator raw", "emulator", ""},
		{"emulator json", "emulator", jsonProtocol}, {"emulator reliable", "emulator", reliableProtocol},
	} {
		b.Run(s.name, func(b *testing.B) {
			p := start(b, s.server)
			dial(b, p.address, s.subprotocol, "") // allocates what the server needs once
			before := p.uses(b, "memory")
			for range clients {
				c := dial(b, p.address, s.subprotocol, "")
				if s.subprotocol != "" {
					require.NoError(b, c.next(user)) // the connected frame
				}
			}
			after := p.uses(b, "memory")
			for b.Loop() {
			}
			b.ReportMetric(float64(after.Heap-before.Heap)/clients, "heap+stack-B/conn")
			b.ReportMetric(float64(after.Resident-before.Resident)/clients, "resident-B/conn")
		})
	}
}

// BenchmarkRoundTrip measures a text of a client and the answer of the event handler
// over loopback: for a handler in memory, a handler at a URL, and a server on the same
// library that sends the text back.
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
