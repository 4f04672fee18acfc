package otelwebpubsub_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/emulator"
	"github.com/go-webpubsub/webpubsub/otelwebpubsub"
	"github.com/go-webpubsub/webpubsub/service"
)

// TestEmulatorAndStrangers: REST calls without a valid token are counted. They have no spans,
// and the hubs that they name do not take the places of others.
func TestEmulatorAndStrangers(t *testing.T) {
	t.Parallel()
	r := newRig(t, otelwebpubsub.Options{})
	em := emulator.Start(t, emulator.Config{Trace: r.Emulator()})
	for i := range 100 {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, fmt.Sprintf("%s/api/hubs/stranger%d/:send", em.Endpoint, i), nil)
		require.NoError(t, err)
		resp, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, http.StatusUnauthorized, resp.StatusCode)
	}
	assert.Empty(t, r.spans.Ended())
	s, err := service.NewClientFromConnectionString(em.ConnectionString, "chat", nil)
	require.NoError(t, err)
	require.NoError(t, s.All().SendText(t.Context(), "hello", nil))
	const route = "http.request.method=POST,http.response.status_code=%d,http.route=/api/hubs/{hub}/:send,%surl.scheme=http"
	assert.Equal(t, map[string]int64{
		fmt.Sprintf(route, 401, ""):                                 100,
		fmt.Sprintf(route, 202, "messaging.destination.name=chat,"): 1,
	}, r.values(t, "http.server.request.duration"))
	r.only(t, "POST /api/hubs/{hub}/:send")
}
