package webpubsub

import (
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
)

// readBody reads a body of at most maxBody bytes.
func (h *Handler) readBody(r *http.Request) ([]byte, error) {
	in := r.Body
	if in == nil { // net/http sets it, but middleware and adapters may not
		in = http.NoBody
	}
	switch n := r.ContentLength; {
	case n > h.maxBody:
		return nil, h.tooLarge()
	case n > 0:
		body := make([]byte, n)
		if got, err := io.ReadFull(in, body); err != nil {
			if limit := limitOf(err); limit != nil {
				return nil, limit
			}
			return nil, &Error{
				Status:  http.StatusBadRequest,
				Message: fmt.Sprintf("request body ends after %d of %d bytes; if all of it was sent, something before this handler has read it", got, n),
				Err:     err,
			}
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
	switch limit := limitOf(err); {
	case limit != nil:
		return nil, limit
	case err != nil:
		return nil, &Error{Status: http.StatusBadRequest, Message: "request body cannot be read to its end", Err: err}
	case int64(len(body)) > h.maxBody:
		return nil, h.tooLarge()
	}
	return body, nil
}

// limitOf returns the refusal of a body that a middleware's limit cut short, nil for
// other errors.
func limitOf(err error) error {
	var limit *http.MaxBytesError
	if !errors.As(err, &limit) {
		return nil
	}
	return &Error{
		Status:  http.StatusRequestEntityTooLarge,
		Message: fmt.Sprintf("request body is longer than the %d bytes that a middleware allows", limit.Limit),
		Err:     err,
	}
}

func (h *Handler) tooLarge() error {
	return &Error{
		Status:  http.StatusRequestEntityTooLarge,
		Message: fmt.Sprintf("request body is longer than %d bytes", h.maxBody),
	}
}
