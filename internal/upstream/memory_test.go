package upstream_test

import (
	"context"
	"io"
	"net/http"
	nethttptest "net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/internal/upstream"
)

// A handler gets the same request, and its answer has the same effect, as over a
// real connection: each handler also runs under net/http's server.
func TestMemoryIsLikeAServer(t *testing.T) {
	t.Parallel()
	type seen struct {
		Method, RequestURI, Path, Query, Host, Proto, Body string
		Header                                             http.Header
		ContentLength                                      int64
	}
	handlers := map[string]http.HandlerFunc{
		"text":       func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") },
		"sniffed":    func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") },
		"nothing":    func(http.ResponseWriter, *http.Request) {},
		"no content": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) },
		"204 and body": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusNoContent)
			_, _ = io.WriteString(w, "x")
		},
		"status": func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusForbidden) },
		"two statuses": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusCreated)
			w.WriteHeader(http.StatusInternalServerError)
		},
		"hints": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusEarlyHints)
			w.WriteHeader(http.StatusAccepted)
		},
		"late header": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusOK)
			w.Header().Set("X-Late", "1")
		},
		"flushed": func(w http.ResponseWriter, _ *http.Request) {
			assert.NoError(t, http.NewResponseController(w).Flush())
			w.Header().Set("X-Late", "1")
		},
		"spelling":  func(w http.ResponseWriter, _ *http.Request) { w.Header()["ce-connectionState"] = []string{""} },
		"two lines": func(w http.ResponseWriter, _ *http.Request) { w.Header()["X-A"] = []string{"1", "2"} },
		"a redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		},
		"empty writes": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(nil); _, _ = io.WriteString(w, "<html>") },
	}
	for name, handler := range handlers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got seen
			h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, err := io.ReadAll(r.Body)
				assert.NoError(t, err)
				got = seen{r.Method, r.RequestURI, r.URL.Path, r.URL.RawQuery, r.Host, r.Proto, string(body), r.Header, r.ContentLength}
				assert.NotEmpty(t, r.RemoteAddr)
				assert.Nil(t, r.GetBody)
				handler(w, r)
			})
			server := nethttptest.NewServer(h)
			defer server.Close()
			exchange := func(rt http.RoundTripper) (seen, *upstream.Answer) {
				req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+"/a%2Fb/c?code=1", strings.NewReader("body"))
				require.NoError(t, err)
				req.Header["ce-userId"] = []string{"用户"}
				req.Header["User-Agent"] = nil
				s := upstream.Sender{Transport: rt}
				answer, err := s.Send(t.Context(), req, upstream.EventTimeout)
				require.NoError(t, err)
				return got, answer
			}
			wantSeen, want := exchange(&http.Transport{DisableCompression: true, DisableKeepAlives: true})
			gotSeen, answer := exchange(upstream.Memory{Handler: h})
			delete(wantSeen.Header, "Connection")
			assert.Equal(t, wantSeen, gotSeen)
			for _, name := range []string{"Date", "Content-Length", "Connection"} {
				delete(want.Header, name)
				delete(answer.Header, name)
			}
			want.Log, answer.Log = nil, nil // the times differ
			assert.Equal(t, want, answer)
		})
	}
}

func TestMemoryPanics(t *testing.T) {
	t.Parallel()
	req := post(t, "")
	s := upstream.Sender{Transport: upstream.Memory{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("boom") })}}
	_, err := s.Send(t.Context(), req, upstream.EventTimeout)
	var panicked *webpubsub.PanicError
	require.ErrorAs(t, err, &panicked)
	assert.Equal(t, "boom", panicked.Value)
	assert.Contains(t, string(panicked.Stack), "TestMemoryPanics")

	s.Transport = upstream.Memory{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })}
	_, err = s.Send(t.Context(), req, upstream.EventTimeout)
	require.ErrorIs(t, err, http.ErrAbortHandler)
	assert.NotErrorAs(t, err, &panicked)

	s.Transport = upstream.Memory{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(7) })}
	_, err = s.Send(t.Context(), req, upstream.EventTimeout)
	require.ErrorAs(t, err, &panicked)
}

func TestMemoryContext(t *testing.T) {
	t.Parallel()
	type key struct{}
	ctx, cancel := context.WithCancel(context.WithValue(t.Context(), key{}, "v"))
	var value any
	s := upstream.Sender{Transport: upstream.Memory{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		value = r.Context().Value(key{})
		cancel()
		<-r.Context().Done()
		w.WriteHeader(http.StatusOK)
	})}}
	_, err := s.Send(ctx, post(t, ""), upstream.EventTimeout)
	require.ErrorIs(t, err, context.Canceled, "the client is gone before the answer")
	assert.Equal(t, "v", value)

	value = nil
	_, err = s.Send(ctx, post(t, ""), upstream.EventTimeout)
	require.ErrorIs(t, err, context.Canceled)
	assert.Nil(t, value, "the handler is not called")
}
