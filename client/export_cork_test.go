package client

import "io"

// Cork is a cork over a connection.
type Cork struct{ cork cork }

func NewCork(below io.ReadWriteCloser) *Cork { return &Cork{cork{ReadWriteCloser: below}} }

func (c *Cork) Write(b []byte, more bool) error {
	c.cork.more.Store(more)
	_, err := c.cork.Write(b)
	return err
}

// Holds reports whether the cork keeps memory for what it holds back.
func (c *Cork) Holds() bool { return c.cork.held != nil }
