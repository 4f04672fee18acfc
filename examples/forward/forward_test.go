package main_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
	program "github.com/go-webpubsub/webpubsub/examples/forward"
	"github.com/go-webpubsub/webpubsub/forward"
)

const (
	key              = "not a real key, only one for tests"
	connectionString = "Endpoint=https://contoso.webpubsub.azure.com;AccessKey=" + key + ";Version=1.0;"
)

// receive starts a sink with the receiver of the CloudEvents SDK.
func receive(t *testing.T) (url string, received <-chan cloudevents.Event) {
	t.Helper()
	events := make(chan cloudevents.Event, 16)
	protocol, err := cloudevents.NewHTTP()
	require.NoError(t, err)
	// Without this context the receiver would outlive the test.
	h, err := cloudevents.NewHTTPReceiveHandler(t.Context(), protocol, func(ev cloudevents.Event) { events <- ev })
	require.NoError(t, err)
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return srv.URL, events
}

// event is a user event as the service sends it.
func event(t *testing.T, url, contentType, body string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	require.NoError(t, err)
	for name, v := range map[string]string{
		"WebHook-Request-Origin": "contoso.webpubsub.azure.com",
		"Content-Type":           contentType,
		"ce-awpsversion":         "1.0",
		"ce-specversion":         "1.0",
		"ce-type":                "azure.webpubsub.user.say",
		"ce-source":              "/hubs/chat/client/c1",
		"ce-id":                  "7",
		"ce-time":                "2026-01-02T03:04:05Z",
		"ce-signature":           webpubsub.Sign(key, "c1"),
		"ce-userId":              "Zoë 李",
		"ce-connectionId":        "c1",
		"ce-hub":                 "chat",
		"ce-eventName":           "say",
		"ce-subprotocol":         "json.webpubsub.azure.v1",
		"ce-connectionState":     "c3RhdGU=",
		"ce-someNewAttribute":    "of a later service",
	} {
		r.Header.Set(name, v)
	}
	return r
}

// deliver sends an event through a handler in memory.
func deliver(t *testing.T, target string, log io.Writer, r *http.Request) *httptest.ResponseRecorder {
	t.Helper()
	sink, err := program.NewSink(target)
	require.NoError(t, err)
	toSink, err := forward.To(sink.Send, nil)
	require.NoError(t, err)
	h, err := webpubsub.NewHandler(webpubsub.Config{
		ConnectionStrings: []string{connectionString},
		Interceptors:      []webpubsub.Interceptor{toSink},
		Logger:            slog.New(slog.NewTextHandler(log, nil)),
	})
	require.NoError(t, err)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestForward(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, contentType, body string }{
		{"JSON", "application/json", `{"text":"hello, 世界"}`},
		{"text", "text/plain; charset=utf-8", `a "quoted" text`},
		{"binary", "application/octet-stream", "\x00\x01\xff"},
		{"protobuf", "application/x-protobuf", "\x0a\x03abc"},
		{"empty", "text/plain", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			url, received := receive(t)
			w := deliver(t, url, io.Discard, event(t, "/", tc.contentType, tc.body))
			require.Equal(t, http.StatusNoContent, w.Code, w.Body.String())

			got := <-received
			require.NoError(t, got.Validate())
			assert.Equal(t, "1.0", got.SpecVersion())
			assert.Equal(t, "7", got.ID())
			assert.Equal(t, "/hubs/chat/client/c1", got.Source())
			assert.Equal(t, "azure.webpubsub.user.say", got.Type())
			assert.True(t, time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC).Equal(got.Time()), got.Time())
			assert.Equal(t, tc.contentType, got.DataContentType())
			assert.Empty(t, got.Subject())
			assert.Equal(t, tc.body, string(got.Data()))
			assert.Equal(t, map[string]any{
				"awpsversion":      "1.0",
				"hub":              "chat",
				"connectionid":     "c1",
				"userid":           "Zoë 李",
				"eventname":        "say",
				"subprotocol":      "json.webpubsub.azure.v1",
				"somenewattribute": "of a later service",
			}, got.Extensions(), "all but signature and state")
		})
	}
}

// In binary mode, a sink that follows the CloudEvents specification accepts only
// "Zo%C3%AB" for Zoë.
func TestAttributesInTheBody(t *testing.T) {
	t.Parallel()
	type request struct {
		header http.Header
		body   []byte
	}
	requests := make(chan request, 1)
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		assert.NoError(t, err)
		requests <- request{r.Header, body}
	}))
	t.Cleanup(srv.Close)
	w := deliver(t, srv.URL, io.Discard, event(t, "/", "application/json", `{"a":1}`))
	require.Equal(t, http.StatusNoContent, w.Code)

	got := <-requests
	assert.Equal(t, "application/cloudevents+json", got.header.Get("Content-Type"))
	assert.Empty(t, got.header.Get("ce-userId"))
	var document map[string]any
	require.NoError(t, json.Unmarshal(got.body, &document))
	assert.Equal(t, "Zoë 李", document["userid"])
	assert.Equal(t, map[string]any{"a": 1.0}, document["data"])
}

func TestRejectedEventIsRetried(t *testing.T) {
	t.Parallel()
	elsewhere, received := receive(t)
	t.Cleanup(func() { assert.Empty(t, received, "a redirect was followed") })
	answer := func(status int) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", elsewhere)
			w.WriteHeader(status)
			_, _ = io.Copy(w, io.MultiReader(strings.NewReader("no: "), r.Body))
		}
	}
	for _, tc := range []struct {
		name string
		sink http.HandlerFunc
		log  string
	}{
		{"500", answer(http.StatusInternalServerError), "sink answered 500"},
		{"400", answer(http.StatusBadRequest), "sink answered 400"},
		{"307 to another sink", answer(http.StatusTemporaryRedirect), "sink answered 307"},
		{"connection lost", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "sink: EOF"},
		{"endless answer", func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusInternalServerError)
			for r.Context().Err() == nil {
				_, _ = w.Write(bytes.Repeat([]byte("no "), 1000))
			}
		}, "sink answered 500"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			srv := httptest.NewServer(tc.sink)
			t.Cleanup(srv.Close)
			var log bytes.Buffer
			w := deliver(t, srv.URL+"?code=secret", &log, event(t, "/", "text/plain", "private words"))
			assert.Equal(t, http.StatusServiceUnavailable, w.Code)
			assert.Equal(t, "the event could not be forwarded", w.Body.String())
			assert.Contains(t, log.String(), tc.log)
			assert.NotContains(t, log.String(), "secret")
			assert.NotContains(t, log.String(), "private")
		})
	}
}

func TestTimeout(t *testing.T) {
	t.Parallel()
	url, received := receive(t)
	sink, err := program.NewSink(url)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	ev := cloudevents.NewEvent()
	ev.SetID("7")
	ev.SetSource("/hubs/chat/client/c1")
	ev.SetType("azure.webpubsub.user.say")
	result := sink.Send(ctx, ev)
	require.ErrorIs(t, result, context.Canceled)
	assert.False(t, cloudevents.IsACK(result))
	assert.Empty(t, received)
}

func TestRun(t *testing.T) {
	t.Parallel()
	url, received := receive(t)
	environment := map[string]string{"WEBPUBSUB_CONNECTION_STRING": connectionString, "SINK_URL": url}
	ctx, stop := context.WithCancel(t.Context())
	out, stdout := io.Pipe()
	done := make(chan error, 1)
	go func() {
		err := program.Run(ctx, []string{"-addr", "127.0.0.1:0"}, func(k string) string { return environment[k] }, stdout)
		_ = stdout.CloseWithError(fmt.Errorf("run has ended: %w", err))
		done <- err
	}()
	printed := bufio.NewReader(out)
	line, err := printed.ReadString('\n')
	require.NoError(t, err)
	go func() { _, _ = io.Copy(io.Discard, printed) }() // what it prints next must not make it wait
	handler := strings.TrimSpace(strings.TrimPrefix(line, "event handler:"))

	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(event(t, handler, "text/plain", "hello"))
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	assert.Equal(t, http.StatusNoContent, res.StatusCode)
	got := <-received
	assert.Equal(t, "hello", string(got.Data()))

	stop()
	require.NoError(t, <-done)
}

func TestRunErrors(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name        string
		environment map[string]string
		want        string
	}{
		{"no sink", map[string]string{"WEBPUBSUB_CONNECTION_STRING": connectionString},
			"sink is not an http or https URL"},
		{"sink of another scheme", map[string]string{"WEBPUBSUB_CONNECTION_STRING": connectionString, "SINK_URL": "ftp://sink.test/"},
			"sink is not an http or https URL"},
		{"no connection string", map[string]string{"SINK_URL": "http://sink.test/"},
			"connection string is empty"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			getenv := func(k string) string { return tc.environment[k] }
			err := program.Run(t.Context(), []string{"-addr", "127.0.0.1:0"}, getenv, io.Discard)
			assert.ErrorContains(t, err, tc.want)
		})
	}
}
