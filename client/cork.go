package client

import (
	"io"
	"net/http"
	"sync/atomic"
)

// maxHeld is the number of held bytes at which they are written. A pong has to wait for as many.
const maxHeld = 4 << 10

// cork is the network connection below a WebSocket. While more frames follow, it holds back
// what the library writes, so that many small frames are one write. The library writes one
// frame at a time. Control frames are not held back: no more frames follow a close frame.
type cork struct {
	io.ReadWriteCloser
	more atomic.Bool
	held *buffer // nil if nothing is held back
}

func (c *cork) Write(p []byte) (int, error) {
	more := c.more.Load() && !isControl(p)
	if !more && c.held == nil {
		return c.ReadWriteCloser.Write(p)
	}
	if c.held == nil {
		c.held, _ = buffers.Get().(*buffer)
		c.held.b = c.held.b[:0]
	}
	if c.held.b = append(c.held.b, p...); more && len(c.held.b) < maxHeld {
		return len(p), nil
	}
	if _, err := c.ReadWriteCloser.Write(c.held.b); err != nil {
		return 0, err
	}
	c.held.free()
	c.held = nil
	return len(p), nil
}

// isControl reports whether bytes begin with a control frame. The library writes a control
// frame in one call, and begins a small data frame with a call. Bytes from the middle of a data
// frame may look like a control frame, and are then written early.
func isControl(p []byte) bool {
	const final, control = 0x80, 0x08 // RFC 6455, section 5.2
	return len(p) > 0 && p[0]&(final|control) == final|control
}

// corker is a RoundTripper that puts a cork below a WebSocket.
type corker struct {
	next http.RoundTripper
	cork *cork
}

// RoundTrip replaces the body of a response that switches protocols.
func (c *corker) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := c.next.RoundTrip(r)
	if err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
		return resp, err
	}
	if below, ok := resp.Body.(io.ReadWriteCloser); ok {
		c.cork = &cork{ReadWriteCloser: below}
		resp.Body = c.cork
	}
	return resp, nil
}
