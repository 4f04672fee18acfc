package transport_test

import (
	"bytes"
	"net"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/emulator/internal/hub"
	"github.com/go-webpubsub/webpubsub/emulator/internal/subprotocol"
	"github.com/go-webpubsub/webpubsub/emulator/internal/transport"
)

// recorded is a connection that records what is written to it.
type recorded struct {
	net.Conn
	writes [][]byte
}

func (r *recorded) Write(p []byte) (int, error) {
	r.writes = append(r.writes, bytes.Clone(p))
	return len(p), nil
}

func text(size int) hub.Frame {
	return hub.Frame{Kind: hub.FrameText, Data: []byte(strings.Repeat("x", size))}
}

// The header of a frame has one of three lengths (RFC 6455, section 5.2).
func TestFrameHeaders(t *testing.T) {
	t.Parallel()
	for size, header := range map[int]string{
		0: "\x81\x00", 125: "\x81\x7d", 126: "\x81\x7e\x00\x7e", 65_535: "\x81\x7e\xff\xff", 65_536: "\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00",
	} {
		t.Run(strconv.Itoa(size), func(t *testing.T) {
			t.Parallel()
			var out recorded
			write, _ := transport.NewWire(&out)
			require.NoError(t, write([]hub.Frame{text(size)}))
			require.Len(t, out.writes, 1)
			assert.Equal(t, header+string(text(size).Data), string(out.writes[0]))
		})
	}
}

// The sequence id is in the length of the header.
func TestFramesWithSequenceID(t *testing.T) {
	t.Parallel()
	codec := subprotocol.JSON{}.Output().Codec
	const member = `"sequenceId":7,`
	for size, header := range map[int]string{
		125: "\x81\x7d", 126: "\x81\x7e\x00\x7e", 65_535: "\x81\x7e\xff\xff", 65_536: "\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00",
	} {
		t.Run(strconv.Itoa(size), func(t *testing.T) {
			t.Parallel()
			var out recorded
			write, _ := transport.NewWire(&out)
			shared := hub.Frame{Kind: hub.FrameText, Data: []byte("{" + strings.Repeat("x", size-len(member)-1))}
			before := string(shared.Data)
			f := shared
			f.SequenceID, f.Codec = 7, codec
			require.NoError(t, write([]hub.Frame{text(1), f}))
			assert.Equal(t, "\x81\x01x"+header+"{"+member+before[1:], string(bytes.Join(out.writes, nil)))
			assert.Equal(t, before, string(shared.Data), "of other members")
		})
	}
}

func TestMessagesThatWaitAreWrittenAtOnce(t *testing.T) {
	t.Parallel()
	var out recorded
	write, _ := transport.NewWire(&out)
	require.NoError(t, write([]hub.Frame{text(1), {Kind: hub.FrameBinary, Data: []byte("yz")}}))
	require.NoError(t, write([]hub.Frame{text(1), text(40_000), text(1), text(40_000)}), "not more than 32 KiB, unless it is one message")
	sizes := make([]int, len(out.writes))
	for i, p := range out.writes {
		sizes[i] = len(p)
	}
	assert.Equal(t, "\x81\x01x\x82\x02yz", string(out.writes[0]))
	assert.Equal(t, []int{7, 3, 40_004, 3, 40_004}, sizes)
}

func TestNoMessageAfterCloseFrame(t *testing.T) {
	t.Parallel()
	var out recorded
	write, control := transport.NewWire(&out)
	pong, closing := []byte("\x8a\x00"), []byte("\x88\x02\x03\xe9")
	for _, frame := range [][]byte{pong, closing} {
		n, err := control(frame)
		require.NoError(t, err)
		require.Equal(t, len(frame), n)
	}
	require.ErrorIs(t, write([]hub.Frame{text(1)}), net.ErrClosed)
	assert.Equal(t, [][]byte{pong, closing}, out.writes)
}

// blocked is a connection that writes when the test closes free.
type blocked struct {
	recorded
	free chan struct{}
}

func (b *blocked) Write(p []byte) (int, error) {
	<-b.free
	return b.recorded.Write(p)
}

// The library closes a connection on which a control frame cannot be written.
func TestControlFramesDoNotWaitForMessages(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		out := &blocked{free: make(chan struct{})}
		write, control := transport.NewWire(out)
		done := make(chan error)
		go func() { done <- write([]hub.Frame{text(40_000), text(1)}) }()
		synctest.Wait()
		ping := []byte("\x89\x01p")
		for range 16 * 127 / len(ping) {
			_, err := control(ping)
			require.NoError(t, err)
		}
		_, err := control(ping)
		require.Error(t, err, "a client that does not read does not fill the memory")
		close(out.free)
		require.NoError(t, <-done)
		require.Len(t, out.writes, 3)
		assert.Len(t, out.writes[0], 40_004)
		assert.Equal(t, bytes.Repeat(ping, 16*127/len(ping)), out.writes[1])
		assert.Equal(t, "\x81\x01x", string(out.writes[2]))
	})
}

// The library closes the connection after a close frame.
func TestCloseFrameWaitsForMessages(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		out := &blocked{free: make(chan struct{})}
		write, control := transport.NewWire(out)
		done := make(chan error)
		go func() { done <- write([]hub.Frame{text(1)}) }()
		synctest.Wait()
		go func() {
			_, err := control([]byte("\x88\x00"))
			done <- err
		}()
		synctest.Wait()
		select {
		case err := <-done:
			require.Fail(t, "did not wait", "%v", err)
		default:
		}
		close(out.free)
		require.NoError(t, <-done)
		require.NoError(t, <-done)
		assert.Equal(t, [][]byte{[]byte("\x81\x01x"), []byte("\x88\x00")}, out.writes)
	})
}

// A message waits while a control frame is being written.
func TestMessagesWaitForControlFrame(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		out := &blocked{free: make(chan struct{})}
		write, control := transport.NewWire(out)
		go func() { _, _ = control([]byte("\x89\x00")) }()
		synctest.Wait()
		done := make(chan error)
		go func() { done <- write([]hub.Frame{text(1)}) }()
		synctest.Wait()
		close(out.free)
		require.NoError(t, <-done)
		assert.Equal(t, [][]byte{[]byte("\x89\x00"), []byte("\x81\x01x")}, out.writes)
	})
}
