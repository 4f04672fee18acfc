package service

import (
	"bytes"
	"io"
	"net/http"
	"strings"
)

// Bodies in memory. azcore seeks in a body for its length, and rewinds it for each try.
type (
	textBody struct {
		*strings.Reader
		text string
	}
	dataBody struct {
		*bytes.Reader
		data []byte
	}
)

func newTextBody(s string) textBody { return textBody{strings.NewReader(s), s} }
func newDataBody(b []byte) dataBody { return dataBody{bytes.NewReader(b), b} }

func (textBody) Close() error { return nil }
func (dataBody) Close() error { return nil }

func (b textBody) open() io.ReadCloser { return io.NopCloser(strings.NewReader(b.text)) }
func (b dataBody) open() io.ReadCloser { return io.NopCloser(bytes.NewReader(b.data)) }

// openBody replaces a body in memory by a reader for this try only: net/http may
// still read the body of a failed try while the next one runs. It also writes header
// and body at once if it knows the type of the reader.
func openBody(req *http.Request) error {
	if req.Body == nil || req.GetBody == nil {
		return nil
	}
	whole, err := req.GetBody() // the body that azcore wrapped
	if err != nil {
		return err
	}
	if b, ok := whole.(interface{ open() io.ReadCloser }); ok {
		req.Body = b.open()
		req.GetBody = func() (io.ReadCloser, error) { return b.open(), nil }
	}
	return nil
}
