package e2e_test

import (
	"context"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/emulator"
	"github.com/go-webpubsub/webpubsub/service"
)

// TestQueryOfClientAccess: OnConnect receives the added query and not the token.
func TestQueryOfClientAccess(t *testing.T) {
	t.Parallel()
	seen := make(chan url.Values, 1)
	h, err := webpubsub.NewHandler(webpubsub.Config{
		ConnectionStrings: []string{emulator.ConnectionString("http://127.0.0.1", emulator.DefaultAccessKey)},
		OnConnect: func(_ context.Context, ev *webpubsub.ConnectEvent) (*webpubsub.ConnectReply, error) {
			seen <- ev.Query
			return nil, nil //nolint:nilnil // as the client came
		},
	})
	require.NoError(t, err)
	w := newWorld(t, emulator.Config{Hubs: map[string]emulator.Hub{hub: {EventHandlers: []emulator.EventHandler{emulator.Local(h)}}}})
	w.connect(&service.ClientAccessOptions{UserID: "ann", Query: url.Values{"room": {"a b", "c&d"}, "ticket": {"ü"}}})
	query := <-seen
	assert.Equal(t, []string{"a b", "c&d"}, query["room"])
	assert.Equal(t, "ü", query.Get("ticket"))
	assert.Len(t, query, 2)
}
