package transport

import (
	"encoding/binary"
	"errors"
	"net"
	"slices"
	"sync"

	"github.com/go-webpubsub/webpubsub/emulator/internal/hub"
)

// wire is the connection below a WebSocket. The library writes control frames to it, each
// whole, and answers close frames itself. Messages are written by writeMessages: a server
// does not mask them, so that a frame is only a header and a message. This saves a sixth of
// the time of a fan-out, and takes one write for all messages that wait.
type wire struct {
	net.Conn
	socket *socket

	mu      sync.Mutex
	writing bool
	free    sync.Cond // signalled when writing ends
	control []byte    // frames to write next
	closed  bool      // a close frame was written, after which there are no messages
}

func newWire(below net.Conn, s *socket) *wire {
	w := &wire{Conn: below, socket: s}
	w.free.L = &w.mu
	return w
}

// maxControl is the number of bytes of control frames that wait for messages. A client
// that does not read, but sends pings, could cause any number.
const maxControl = 16 * maxControlFrame

// Write writes a control frame. If messages are being written, it leaves a ping or pong to
// that goroutine: the library would close a connection whose client reads slowly. It closes
// the connection after a close frame, which therefore waits.
//
// Write reports a client that has closed the WebSocket before the answer is written: the
// client may try to resume its connection as soon as it has the answer.
func (w *wire) Write(p []byte) (int, error) {
	if isNormalClose(p) && !w.socket.closing.Load() {
		w.socket.closed()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if p[0] == closeFrame {
		w.waitLocked()
		w.closed = true
	}
	if !w.writing {
		return len(p), w.writeLocked(p)
	}
	if len(w.control)+len(p) > maxControl {
		return 0, errors.New("too many control frames wait to be written")
	}
	w.control = append(w.control, p...)
	return len(p), nil
}

func (w *wire) waitLocked() {
	for w.writing {
		w.free.Wait()
	}
}

// writeLocked writes frames, and then the control frames that have arrived meanwhile.
func (w *wire) writeLocked(p []byte) (err error) {
	w.writing = true
	for err == nil && len(p) > 0 {
		w.mu.Unlock()
		_, err = w.Conn.Write(p)
		w.mu.Lock()
		p, w.control = w.control, nil
	}
	w.writing = false
	w.free.Broadcast()
	return err
}

// maxControlFrame is the size of the largest control frame.
const maxControlFrame = 2 + 125

// The first byte of frames that are whole.
const (
	textFrame   = 0x81
	binaryFrame = 0x82
	closeFrame  = 0x88
)

// isNormalClose reports whether a control frame is a close frame of 1000 or without code.
func isNormalClose(p []byte) bool {
	return len(p) >= 2 && p[0] == closeFrame && (p[1] == 0 || len(p) >= 4 && binary.BigEndian.Uint16(p[2:]) == hub.CloseNormal)
}

const (
	// maxWritten is the number of bytes that are written at a time, unless one message has more.
	maxWritten = 32 << 10
	// maxKeptBuffer is the size of the largest buffer that is used again.
	maxKeptBuffer = 2 * maxWritten
)

var buffers = sync.Pool{New: func() any { return new([]byte) }}

// writeMessages writes text and binary frames.
func (w *wire) writeMessages(frames []hub.Frame) error {
	buf, _ := buffers.Get().(*[]byte)
	b := (*buf)[:0]
	defer func() {
		if cap(b) <= maxKeptBuffer {
			*buf = b
			buffers.Put(buf)
		}
	}()
	for i := range frames {
		b = appendFrame(b, &frames[i])
		if i+1 < len(frames) && len(b)+len(frames[i+1].Data) <= maxWritten {
			continue
		}
		if err := w.writeFrames(b); err != nil {
			return err
		}
		b = b[:0]
	}
	return nil
}

func (w *wire) writeFrames(p []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.waitLocked()
	if w.closed {
		return net.ErrClosed
	}
	return w.writeLocked(p)
}

// appendFrame appends a frame, and inserts its sequence id.
func appendFrame(b []byte, f *hub.Frame) []byte {
	if f.SequenceID == 0 {
		return append(appendHeader(b, f.Kind, uint64(len(f.Data))), f.Data...)
	}
	start := len(b)
	b = f.Codec.AppendSequenced(b, f.Data, f.SequenceID)
	var header [maxHeader]byte
	return slices.Insert(b, start, appendHeader(header[:0], f.Kind, uint64(len(b)-start))...) //nolint:gosec // not negative
}

// maxHeader is the size of the largest header of a frame.
const maxHeader = 10

// appendHeader appends the header of a frame with n bytes of data.
func appendHeader(b []byte, k hub.FrameKind, n uint64) []byte {
	kind := byte(textFrame)
	if k == hub.FrameBinary {
		kind = binaryFrame
	}
	switch {
	case n < 126:
		return append(b, kind, byte(n))
	case n < 1<<16:
		return binary.BigEndian.AppendUint16(append(b, kind, 126), uint16(n))
	default:
		return binary.BigEndian.AppendUint64(append(b, kind, 127), n)
	}
}
