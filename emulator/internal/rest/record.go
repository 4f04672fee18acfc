package rest

import (
	"bytes"
	"io"
	"net/http"
	"time"

	"github.com/go-webpubsub/webpubsub/emulator/internal/trace"
)

// record returns the writer for the answer to a call, and a function that records the call.
// If a sink wants payloads, they are copied as they pass.
func (a *API) record(w http.ResponseWriter, r *http.Request) (http.ResponseWriter, func(status int, took time.Duration)) {
	out := trace.RESTCall{Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery}
	if !a.Trace.Wants(r.Context(), trace.KindRESTPayload) {
		return w, func(status int, took time.Duration) { //nolint:contextcheck // of the request
			out.Status, out.Took = status, took
			trace.Emit(r.Context(), a.Trace, out)
		}
	}
	body, copied := new(bytes.Buffer), &copier{ResponseWriter: w}
	r.Body = struct {
		io.Reader
		io.Closer
	}{io.TeeReader(r.Body, body), r.Body}
	return copied, func(status int, took time.Duration) { //nolint:contextcheck // of the request
		out.Status, out.Took = status, took
		out.Request = trace.Message(r.Header, body.Bytes())
		out.Answer = trace.Message(copied.Header(), copied.body.Bytes())
		trace.Emit(r.Context(), a.Trace, out)
	}
}

// copier copies the body of an answer.
type copier struct {
	http.ResponseWriter
	body bytes.Buffer
}

// Write writes and copies a part of the body.
func (c *copier) Write(p []byte) (int, error) {
	c.body.Write(p)
	return c.ResponseWriter.Write(p)
}
