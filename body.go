package webpubsub

import (
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"sync"
)

// usualText is the length of a body that readText reads without allocating a buffer.
const usualText = 8 << 10

// texts has buffers for readText.
var texts = sync.Pool{New: func() any { return new([usualText]byte) }}

// readText is readBody for a body that is kept as a string.
func (h *Handler) readText(r *http.Request) (string, error) {
	space, _ := texts.Get().(*[usualText]byte)
	defer texts.Put(space)
	body, err := h.readBody(r, space[:])
	return string(body), err
}

// readBody reads a body of at most maxBody bytes, into space if it is long enough.
func (h *Handler) readBody(r *http.Request, space []byte) ([]byte, error) {
	in := r.Body
	if in == nil { // net/http sets it, but middleware and adapters may not
		in = http.NoBody
	}
	switch n := r.ContentLength; {
	case n > h.maxBody:
		return nil, h.tooLarge()
	case n > 0:
		body := space[:min(n, int64(len(space)))]
		if n > int64(len(body)) {
			body = make([]byte, n)
		}
		if got, err := io.ReadFull(in, body); err != nil {
			return nil, unread(err, fmt.Sprintf("request body ends after %d of %d bytes; if all of it was sent, something before this handler has read it", got, n))
		}
		return body, nil
	case in == http.NoBody:
		return nil, nil
	}
	limit := h.maxBody
	if limit < math.MaxInt64 {
		limit++ // one more byte means that the body is too long
	}
	body, err := io.ReadAll(io.LimitReader(in, limit))
	if err != nil {
		return nil, unread(err, "request body cannot be read to its end")
	}
	if int64(len(body)) > h.maxBody {
		return nil, h.tooLarge()
	}
	return body, nil
}

// unread returns the refusal of a body that could not be read to its end. The limit of
// a middleware replaces the message.
func unread(err error, message string) error {
	var limit *http.MaxBytesError
	if errors.As(err, &limit) {
		return &Error{
			Status:  http.StatusRequestEntityTooLarge,
			Message: fmt.Sprintf("request body is longer than the %d bytes that a middleware allows", limit.Limit),
			Err:     err,
		}
	}
	return &Error{Status: http.StatusBadRequest, Message: message, Err: err}
}

func (h *Handler) tooLarge() error {
	return &Error{
		Status:  http.StatusRequestEntityTooLarge,
		Message: fmt.Sprintf("request body is longer than %d bytes", h.maxBody),
	}
}
