package client

import (
	"io"
	"net/http"
	"sync/atomic"
)

// maxHeld is the number of bytes that are not held back any longer. With a fragment of a large
// frame, they are written in time for a pong.
const maxHeld = 4 << 10

// cork is the network connection below a WebSocket. While more frames follow, it holds back
// what the library writes, so that many small frames are one write. The library writes one
// frame at a time.
type cork struct {
	io.ReadWriteCloser
	more atomic.Bool
	held []byte
}

func (c *cork) Write(p []byte) (int, error) {
	more := c.more.Load()
	if !more && len(c.held) == 0 {
		return c.ReadWriteCloser.Write(p)
	}
	if c.held = append(c.held, p...); more && len(c.held) < maxHeld {
		return len(p), nil
	}
	if _, err := c.ReadWriteCloser.Write(c.held); err != nil {
		return 0, err
	}
	c.held = c.held[:0]
	return len(p), nil
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
