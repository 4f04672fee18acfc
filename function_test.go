package webpubsub_test

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
)

func TestUE56ConnectedRunsBeforeTheAnswer(t *testing.T) {
	t.Parallel()
	var order []string
	var got *webpubsub.ConnectedEvent
	h := wireHandler(t, webpubsub.Config{OnConnected: func(ctx context.Context, ev *webpubsub.ConnectedEvent) error {
		got = ev
		require.NoError(t, ctx.Err())
		order = append(order, "function")
		return nil
	}})
	w := &orderedWriter{header: http.Header{}, order: &order}
	h.ServeHTTP(w, wireRequest(t, "connected", wireHeader("ce-connectionState", "eyJrIjoxfQ==")))
	assert.Equal(t, []string{"function", "No Content"}, order)
	require.NotNil(t, got)
	assert.Equal(t, "1", got.ID)
	assert.Equal(t, "connected", got.EventName)
	assert.Equal(t, "vic", got.UserID)
	assert.Equal(t, "eyJrIjoxfQ==", got.RawState)
}

// orderedWriter appends the status to order when it is written.
type orderedWriter struct {
	header http.Header
	order  *[]string
}

func (w *orderedWriter) Header() http.Header         { return w.header }
func (w *orderedWriter) Write(p []byte) (int, error) { return len(p), nil }
func (w *orderedWriter) WriteHeader(status int) {
	*w.order = append(*w.order, http.StatusText(status))
}

func TestUE56PanicOfANotificationIsAnswered(t *testing.T) {
	t.Parallel()
	resp := serveFixture(t, webpubsub.Config{OnConnected: func(context.Context, *webpubsub.ConnectedEvent) error { panic("boom") }}, "connected")
	assert.Equal(t, http.StatusInternalServerError, resp.StatusCode)
	assert.Equal(t, "Internal Server Error", wireText(t, resp))
}

// The error of a notification's function decides the answer.
func TestErrorsOfNotifications(t *testing.T) {
	t.Parallel()
	functions := map[string]func(error) webpubsub.Config{
		"connected": func(err error) webpubsub.Config {
			return webpubsub.Config{OnConnected: func(context.Context, *webpubsub.ConnectedEvent) error { return err }}
		},
		"disconnected": func(err error) webpubsub.Config {
			return webpubsub.Config{OnDisconnected: func(context.Context, *webpubsub.DisconnectedEvent) error { return err }}
		},
		"joined": func(err error) webpubsub.Config {
			return webpubsub.Config{OnGroupJoined: func(context.Context, *webpubsub.GroupJoinedEvent) error { return err }}
		},
		"left": func(err error) webpubsub.Config {
			return webpubsub.Config{OnGroupLeft: func(context.Context, *webpubsub.GroupLeftEvent) error { return err }}
		},
	}
	for fixture, config := range functions {
		t.Run(fixture, func(t *testing.T) {
			t.Parallel()
			assertGolden(t, "notification_seen", serveFixture(t, config(nil), fixture))
			assertGolden(t, "notification_later", serveFixture(t, config(webpubsub.Unavailable("later")), fixture))
			assertGolden(t, "notification_failed", serveFixture(t, config(errors.New("secret")), fixture))
		})
	}
}

func TestUE34MissingOnConnectAccepts(t *testing.T) {
	t.Parallel()
	assertGolden(t, "connect_none", serveFixture(t, webpubsub.Config{}, "connect"))
}
