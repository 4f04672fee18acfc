//go:build linux

package emulator_test

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// crowd is the clients of a server: members of a group and a publisher.
type crowd struct {
	server    *server
	size      int
	publisher *client
	waiting   sync.WaitGroup
	failed    chan error
	spent     time.Duration
	wire      atomic.Int64 // bytes of the first message for a client, with the WebSocket header
}

const ackEvery = 100 // messages, for clients of the reliable subprotocols

var text = strings.Repeat("a message of 256 bytes, ", 11)[:256]

func newCrowd(b *testing.B, size int, name, subprotocol string) *crowd {
	b.Helper()
	c := &crowd{server: start(b, name), size: size, failed: make(chan error, size)}
	for range size {
		m := dial(b, c.server.address, subprotocol, "")
		if subprotocol != "" {
			require.NoError(b, m.next(user)) // the connected frame
		}
		require.NoError(b, m.settle())
		go c.read(m, subprotocol)
	}
	c.publisher = dial(b, c.server.address, "", "&webpubsub_mode=sendToGroup&group=g&noEcho=true")
	go func() { // answers pings
		_ = c.publisher.next(text)
	}()
	return c
}

// read reads the messages of a member.
func (c *crowd) read(m *client, subprotocol string) {
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
}

// publish sends messages, each after all clients have received the one before.
func (c *crowd) publish(b *testing.B, messages int) {
	b.Helper()
	before := c.server.time(b).Processor
	for range messages {
		c.waiting.Add(c.size)
		require.NoError(b, c.publisher.send(textFrame, text))
		arrived := make(chan struct{})
		go func() { c.waiting.Wait(); close(arrived) }()
		select {
		case <-arrived:
		case err := <-c.failed:
			b.Fatal(err)
		}
	}
	c.spent += c.server.time(b).Processor - before
}
