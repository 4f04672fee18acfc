package redis_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/httptest"
)

// Three replicas share a Redis. A repeat of an event gets the answer of the replica that
// has handled it, whichever it arrives at, also after Redis was away.
func TestReplicas(t *testing.T) {
	t.Parallel()
	server := startServer(t, "--appendonly", "yes", "--appendfsync", "always")
	var handled, arrived atomic.Int64
	var replicas []http.Handler
	for range 3 {
		s := newStores(t, server.client(t))
		h, err := webpubsub.NewHandler(webpubsub.Config{
			Hub:               "chat",
			ConnectionStrings: []string{httptest.ConnectionString},
			Deduplication:     webpubsub.Deduplication{Store: s.events},
			Logger:            slog.New(slog.DiscardHandler),
			UserEvents: map[string]webpubsub.UserEventFunc{
				"say": webpubsub.Text(func(ctx context.Context, ev *webpubsub.UserEvent, in string) (string, error) {
					handled.Add(1)
					_, err := s.history.AppendOnce(ctx, "lobby", ev.ConnectionID+"/"+ev.ID, []byte(in))
					if handled.Load() == 1 {
						err = errors.Join(err, errors.New("fails once"))
					}
					return in, err
				}),
			},
		})
		require.NoError(t, err)
		replicas = append(replicas, h)
	}
	balancer := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		replicas[arrived.Add(1)%3].ServeHTTP(w, r)
	})
	conn, err := httptest.New(balancer, nil).Connect(t.Context(), nil)
	require.NoError(t, err)
	_, err = conn.SendText(t.Context(), "say", "hello")
	assert.Equal(t, http.StatusInternalServerError, httptest.StatusOf(err))
	for range 4 {
		answer, err := conn.Redeliver(t.Context())
		require.NoError(t, err)
		assert.Equal(t, "hello", answer.Text())
	}
	server.kill()
	require.NoError(t, server.start())
	answer, err := conn.Redeliver(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "hello", answer.Text())
	assert.EqualValues(t, 2, handled.Load(), "the one that failed, and the next delivery")
	assert.Equal(t, []string{"hello"}, last(t, newStores(t, server.client(t)).history, "lobby", 9), "appended once")
}
