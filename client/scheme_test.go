package client_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/client"
)

// TestSchemeMismatch: an address of wss where the server has no TLS.
func TestSchemeMismatch(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(srv.Close)
	transport := new(http.Transport)
	t.Cleanup(transport.CloseIdleConnections)
	host := strings.TrimPrefix(srv.URL, "http://")
	c, err := client.New(client.StaticURL("wss://"+host+"/client/hubs/chat?access_token=secret"), &client.Options{HTTPClient: &http.Client{Transport: transport}})
	require.NoError(t, err)
	err = c.Start(t.Context())
	require.ErrorIs(t, err, http.ErrSchemeMismatch)
	require.ErrorContains(t, err, host+" speaks ws, not wss: write ws:// in the address")
	require.NotContains(t, err.Error(), "secret")
}
