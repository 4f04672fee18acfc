package webpubsub_test

import (
	"context"
	"errors"
	"io"
	"math"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"

	"github.com/go-webpubsub/webpubsub"
)

func TestUE118BodyLimit(t *testing.T) {
	t.Parallel()
	const limit = 10
	chunked := func(body string) func(*http.Request) {
		return func(r *http.Request) {
			r.Body, r.ContentLength, r.TransferEncoding = io.NopCloser(strings.NewReader(body)), -1, []string{"chunked"}
		}
	}
	tests := []struct {
		name string
		edit func(*http.Request)
		want int
	}{
		{"as long as allowed", wireBody("0123456789"), 200},
		{"one longer", wireBody("0123456789a"), 413},
		{"declared longer is not read", both(wireBody("0123456789a"), unreadableBody(t)), 413},
		{"declared far longer", both(unreadableBody(t), func(r *http.Request) { r.ContentLength = math.MaxInt64 }), 413},
		{"chunked as long as allowed", chunked("0123456789"), 200},
		{"chunked one longer", chunked("0123456789a"), 413},
		{"chunked without end", func(r *http.Request) { r.Body, r.ContentLength = io.NopCloser(endless{}), -1 }, 413},
		{"empty", wireBody(""), 200},
		{"no body", func(r *http.Request) { r.Body, r.ContentLength = http.NoBody, 0 }, 200},
		{"cut short", both(wireBody("012"), func(r *http.Request) { r.ContentLength = 5 }), 400},
		{"already consumed", func(r *http.Request) { _, _ = io.ReadAll(r.Body) }, 400},
		{"replaced by none", func(r *http.Request) { r.Body = http.NoBody }, 400},
		{"nil, though declared", func(r *http.Request) { r.Body = nil }, 400},
		{"broken at once", func(r *http.Request) { r.Body = io.NopCloser(iotest.ErrReader(errors.New("secret detail"))) }, 400},
		{"chunked and broken", func(r *http.Request) {
			r.Body, r.ContentLength = io.NopCloser(iotest.ErrReader(errors.New("secret detail"))), -1
		}, 400},
		{"in single bytes", func(r *http.Request) { r.Body = io.NopCloser(iotest.OneByteReader(r.Body)) }, 200},
		{"with the end in the last read", func(r *http.Request) { r.Body = io.NopCloser(iotest.DataErrReader(strings.NewReader("hello"))) }, 200},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			called := 0
			h := wireHandler(t, webpubsub.Config{MaxBodyBytes: limit, Fallback: func(context.Context, *webpubsub.UserEvent) (webpubsub.Reply, error) {
				called++
				return webpubsub.TextReply("ok"), nil
			}})
			resp := wireServe(h, wireRequest(t, "user_text", tt.edit))
			assert.Equal(t, tt.want, resp.StatusCode)
			if tt.want == 200 {
				assert.Equal(t, 1, called)
				return
			}
			assert.Zero(t, called)
			body := wireText(t, resp)
			assert.NotEmpty(t, body)
			assert.NotContains(t, body, "secret detail")
		})
	}
}

type endless struct{}

func TestUE118DefaultBodyLimit(t *testing.T) {
	t.Parallel()
	var length int
	h := wireHandler(t, webpubsub.Config{Fallback: func(_ context.Context, ev *webpubsub.UserEvent) (webpubsub.Reply, error) {
		length = len(ev.Data)
		return webpubsub.TextReply("ok"), nil
	}})
	status := func(n int) int {
		return wireServe(h, wireRequest(t, "user_text", wireBody(strings.Repeat("x", n)))).StatusCode
	}
	assert.Equal(t, 200, status(webpubsub.DefaultMaxBodyBytes))
	assert.Equal(t, webpubsub.DefaultMaxBodyBytes, length)
	assert.Equal(t, 413, status(webpubsub.DefaultMaxBodyBytes+1))
	assert.Greater(t, webpubsub.DefaultMaxBodyBytes, 1<<20, "the service's own limit fits")
}

// The largest limit must not overflow to an empty body.
func TestUE118LargestBodyLimit(t *testing.T) {
	t.Parallel()
	h := wireHandler(t, webpubsub.Config{MaxBodyBytes: math.MaxInt64, Fallback: func(_ context.Context, ev *webpubsub.UserEvent) (webpubsub.Reply, error) {
		return webpubsub.BinaryReply(ev.Data), nil
	}})
	for _, fixture := range []string{"user_text", "user_text_chunked"} {
		assert.Equal(t, "hello", wireText(t, wireServe(h, wireRequest(t, fixture))), fixture)
	}
}

func TestMiddlewareLimitIs413(t *testing.T) {
	t.Parallel()
	h := http.MaxBytesHandler(wireHandler(t, webpubsub.Config{Fallback: replyText("ok")}), 2)
	for _, fixture := range []string{"user_text", "user_text_chunked"} {
		resp := wireServe(h, wireRequest(t, fixture))
		assert.Equal(t, http.StatusRequestEntityTooLarge, resp.StatusCode, fixture)
		assert.Equal(t, "request body is longer than the 2 bytes that a middleware allows", wireText(t, resp), fixture)
	}
}
