package main_test

import (
	"log/slog"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/forward"
	"github.com/go-webpubsub/webpubsub/httptest"
)

const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

// handler returns a handler that forwards events, as an ingress with tracing calls it.
func handler(t *testing.T, sender forward.Sender, opts *forward.Options) http.Handler {
	t.Helper()
	toQueue, err := forward.To(sender, opts)
	require.NoError(t, err)
	h, err := webpubsub.NewHandler(webpubsub.Config{
		ConnectionStrings: []string{httptest.ConnectionString},
		Interceptors:      []webpubsub.Interceptor{toQueue},
		Logger:            slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Set("Traceparent", traceparent)
		h.ServeHTTP(w, r)
	})
}

// connect connects a client.
func connect(t *testing.T, h http.Handler, opts *httptest.Options) *httptest.Conn {
	t.Helper()
	conn, err := httptest.New(h, opts).Connect(t.Context(), &httptest.Client{UserID: "Zoë", ConnectionID: "c1"})
	require.NoError(t, err)
	return conn
}

// requireStatus requires that an event was rejected with a status.
func requireStatus(t *testing.T, status int, err error) {
	t.Helper()
	var rejected *httptest.RejectedError
	require.ErrorAs(t, err, &rejected)
	require.Equal(t, status, rejected.Status)
}
