package upstream

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"runtime/debug"
	"strconv"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// Memory is an [http.RoundTripper] that calls a handler in the caller's goroutine,
// so that a test can fail inside the handler.
//
// The handler gets the request that net/http's server would pass to it. If it
// panics, RoundTrip returns an error that unwraps to a [*webpubsub.PanicError], or
// to [http.ErrAbortHandler].
type Memory struct{ Handler http.Handler }

// RoundTrip calls the handler.
func (m Memory) RoundTrip(req *http.Request) (resp *http.Response, err error) {
	if req.Body != nil {
		defer req.Body.Close()
	}
	if err := req.Context().Err(); err != nil {
		return nil, context.Cause(req.Context())
	}
	r, err := received(req)
	if err != nil {
		return nil, err
	}
	defer func() {
		// A second recover would hide runtime.Goexit, with which a test ends.
		v := recover()
		if v == nil {
			return
		}
		cause := http.ErrAbortHandler
		if v != http.ErrAbortHandler { //nolint:errorlint // net/http compares the value itself
			cause = &webpubsub.PanicError{Value: v, Stack: debug.Stack()}
		}
		resp, err = nil, fmt.Errorf("handler ended the connection without an answer: %w", cause)
	}()
	w := &recorder{method: r.Method, header: make(http.Header)}
	m.Handler.ServeHTTP(w, r)
	if req.Context().Err() != nil {
		return nil, context.Cause(req.Context()) // the client did not wait for the answer
	}
	return w.response(req), nil
}

// received returns the server's view of a client's request.
func received(req *http.Request) (*http.Request, error) {
	r := req.Clone(req.Context())
	r.RequestURI = req.URL.RequestURI()
	u, err := url.ParseRequestURI(r.RequestURI)
	if err != nil {
		return nil, &localError{err}
	}
	r.URL = u
	if r.Host == "" {
		r.Host = req.URL.Host
	}
	r.Proto, r.ProtoMajor, r.ProtoMinor = "HTTP/1.1", 1, 1
	r.RemoteAddr = "127.0.0.1:49152"
	r.GetBody = nil
	r.Header = canonical(req.Header)
	switch {
	case r.Body == nil || r.Body == http.NoBody:
		r.Body, r.ContentLength = http.NoBody, 0
	case r.ContentLength == 0:
		r.ContentLength = -1 // zero means unknown to a client, but no body to a server
	}
	if r.ContentLength >= 0 && r.Method != http.MethodOptions && r.Method != http.MethodGet {
		r.Header.Set("Content-Length", strconv.FormatInt(r.ContentLength, 10))
	}
	return r, nil
}

// recorder records an answer as net/http's server would send it.
type recorder struct {
	method string
	header http.Header
	sent   http.Header // header at the time of WriteHeader
	status int
	body   bytes.Buffer
	length int64
}

func (w *recorder) Header() http.Header { return w.header }

func (w *recorder) WriteHeader(status int) {
	if status < 100 || status > 999 {
		panic(fmt.Sprintf("invalid WriteHeader code %d", status)) // as net/http does
	}
	if w.status != 0 || status < 200 {
		return // net/http logs a second call; 1xx is not the answer
	}
	w.status = status
	w.sent = w.header.Clone()
}

func (w *recorder) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	if w.status == http.StatusNoContent || w.status == http.StatusNotModified {
		return 0, http.ErrBodyNotAllowed
	}
	if _, typed := w.sent[wire.HeaderContentType]; !typed && w.length == 0 && len(p) > 0 {
		w.sent.Set(wire.HeaderContentType, http.DetectContentType(p))
	}
	w.length += int64(len(p))
	// A Sender reads no further.
	if room := wire.MaxUpstreamAnswer + 1 - w.body.Len(); room > 0 {
		w.body.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}

// Flush sends the header if it has not been sent.
func (w *recorder) Flush() {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
}

func (w *recorder) response(req *http.Request) *http.Response {
	w.Flush()
	if w.method == http.MethodHead {
		w.body.Reset()
	}
	return &http.Response{
		Status:        strconv.Itoa(w.status) + " " + http.StatusText(w.status),
		StatusCode:    w.status,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        canonical(w.sent),
		Body:          io.NopCloser(&w.body),
		ContentLength: w.length,
		Request:       req,
	}
}

// canonical returns a header as the other side reads it: with canonical names, and
// without names that have no values.
func canonical(header http.Header) http.Header {
	out := make(http.Header, len(header))
	for name, values := range header {
		if len(values) == 0 {
			continue
		}
		name = http.CanonicalHeaderKey(name)
		out[name] = append(out[name], values...)
	}
	return out
}
