package webpubsub_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
)

// send sends a fixture to a server.
func send(tb testing.TB, client *http.Client, url, fixture string, edits ...func(*http.Request)) (*http.Response, error) {
	tb.Helper()
	r := wireRequest(tb, fixture, edits...)
	out, err := http.NewRequestWithContext(r.Context(), r.Method, url, r.Body)
	require.NoError(tb, err)
	out.Header, out.ContentLength = r.Header, r.ContentLength
	return client.Do(out)
}

func TestUE117OverHTTP2(t *testing.T) {
	t.Parallel()
	var protocol atomic.Value
	called := make(chan string, 100)
	h := wireHandler(t, webpubsub.Config{Interceptors: []webpubsub.Interceptor{
		func(ctx context.Context, ev webpubsub.Event, next func(context.Context) error) error {
			called <- ev.EventMeta().Type + " of " + ev.EventMeta().ConnectionID
			return next(ctx)
		},
	}})
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		protocol.Store(r.Proto)
		h.ServeHTTP(w, r)
	}))
	srv.EnableHTTP2 = true
	srv.StartTLS()
	defer srv.Close()

	for _, fixture := range []string{"options", "options_origin_list", "get_fallback"} {
		resp, err := send(t, srv.Client(), srv.URL, fixture)
		require.NoError(t, err)
		assert.Equal(t, http.StatusOK, resp.StatusCode, fixture)
		assertConsent(t, resp, wireOrigin)
		require.NoError(t, resp.Body.Close())
	}
	for fixture := range eventKinds {
		resp, err := send(t, srv.Client(), srv.URL, fixture)
		require.NoError(t, err)
		assert.Equal(t, http.StatusNoContent, resp.StatusCode, fixture)
		require.NoError(t, resp.Body.Close())
		r := wireRequest(t, fixture)
		assert.Equal(t, r.Header.Get("ce-type")+" of "+r.Header.Get("ce-connectionId"), <-called)

		resp, err = send(t, srv.Client(), srv.URL, fixture, signed(webpubsub.Sign(wireKey, "another")))
		require.NoError(t, err)
		assert.Equal(t, http.StatusUnauthorized, resp.StatusCode, fixture)
		require.NoError(t, resp.Body.Close())
	}
	assert.Equal(t, "HTTP/2.0", protocol.Load())
	assert.Empty(t, called)
}

// A sender that waits for "100 Continue" is refused before it sends its body.
func TestBodyOfABadSignatureIsNotAskedFor(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(wireHandler(t, webpubsub.Config{Fallback: replyText("ok")}))
	defer srv.Close()
	head, _, _ := bytes.Cut(wireBytes(t, "user_text"), []byte("\r\n\r\n"))
	for name, tt := range map[string]struct {
		head string
		want int
	}{
		"good signature": {string(head), http.StatusContinue},
		"bad signature":  {strings.ReplaceAll(string(head), "sha256=", "sha256=0"), http.StatusUnauthorized},
		"too long":       {strings.ReplaceAll(string(head), "Content-Length: 5", "Content-Length: 1114113"), http.StatusRequestEntityTooLarge},
	} {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", srv.Listener.Addr().String())
		require.NoError(t, err, name)
		_, err = io.WriteString(conn, tt.head+"\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n")
		require.NoError(t, err, name)
		var status int
		_, err = fmt.Fscanf(bufio.NewReader(conn), "HTTP/1.1 %d", &status)
		require.NoError(t, err, name)
		assert.Equal(t, tt.want, status, name)
		require.NoError(t, conn.Close())
	}
}

func TestUE119ClientThatGoesAwayCancels(t *testing.T) {
	t.Parallel()
	running, cancelled := make(chan struct{}), make(chan error, 1)
	h := wireHandler(t, webpubsub.Config{Fallback: func(ctx context.Context, _ *webpubsub.UserEvent) (webpubsub.Reply, error) {
		close(running)
		<-ctx.Done()
		cancelled <- ctx.Err()
		return webpubsub.Reply{}, ctx.Err()
	}})
	srv := httptest.NewServer(h)
	defer srv.Close()
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-running
		cancel()
	}()
	_, err := send(t, srv.Client(), srv.URL, "user_text", func(r *http.Request) { *r = *r.WithContext(ctx) })
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, <-cancelled, context.Canceled)
}

func TestUE119ServerSurvivesPanics(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(wireHandler(t, returning(func(context.Context) error { panic("boom") })))
	defer srv.Close()
	for range 3 {
		resp, err := send(t, srv.Client(), srv.URL, "connect")
		require.NoError(t, err)
		assert.Equal(t, http.StatusInternalServerError, resp.StatusCode)
		require.NoError(t, resp.Body.Close())
	}
}

// The answers to concurrent events of many connections do not mix up pooled or shared
// values.
func TestConcurrentEvents(t *testing.T) {
	t.Parallel()
	h := wireHandler(t, webpubsub.Config{
		ConnectionStrings: []string{wireConnectionString, wireSecondaryConnectionString},
		Fallback: func(_ context.Context, ev *webpubsub.UserEvent) (webpubsub.Reply, error) {
			reply := webpubsub.TextReply(ev.ConnectionID + " " + string(ev.Data))
			reply.State = webpubsub.RawState(ev.ConnectionID)
			return reply, nil
		},
	})
	srv := httptest.NewServer(h)
	defer srv.Close()
	var wg sync.WaitGroup
	for worker := range 8 {
		wg.Go(func() {
			for i := range 25 {
				id := fmt.Sprintf("connection-%d-%d", worker, i)
				body := strings.Repeat(id, 1+100*(i%3))
				signature := webpubsub.Sign(wireKey, id)
				want := http.StatusOK
				if i%5 == 4 {
					signature, want = webpubsub.Sign(wireKey, id+"x"), http.StatusUnauthorized
				}
				resp, err := send(t, srv.Client(), srv.URL, "user_text", wireHeader("ce-connectionId", id), signed(signature), wireBody(body))
				if err != nil {
					t.Error(err) // require must not be called here
					return
				}
				got, err := io.ReadAll(resp.Body)
				assert.NoError(t, err)
				assert.NoError(t, resp.Body.Close())
				assert.Equal(t, want, resp.StatusCode)
				if want == http.StatusOK {
					assert.Equal(t, id+" "+body, string(got))
					assert.Equal(t, []string{id}, resp.Header.Values("ce-connectionState"))
				}
				validation, err := send(t, srv.Client(), srv.URL, "options")
				if assert.NoError(t, err) {
					assertConsent(t, validation, wireOrigin)
					assert.NoError(t, validation.Body.Close())
				}
			}
		})
	}
	wg.Wait()
}
