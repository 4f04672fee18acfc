package main

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestNewServer(t *testing.T) {
	t.Parallel()
	env := map[string]string{"PORT": "8123", "HUB": "chat", "ACCESS_KEY": "key"}
	server, err := newServer(func(name string) string { return env[name] })
	require.NoError(t, err)
	assert.Equal(t, "127.0.0.1:8123", server.Addr)

	r := httptest.NewRequest(http.MethodOptions, "/eventhandler", nil)
	r.Header.Set("WebHook-Request-Origin", "bench.webpubsub.azure.com")
	r.Header.Set("ce-awpsversion", "1.0")
	w := httptest.NewRecorder()
	server.Handler.ServeHTTP(w, r)
	assert.Equal(t, http.StatusOK, w.Code)
	assert.Equal(t, "bench.webpubsub.azure.com", w.Header().Get("WebHook-Allowed-Origin"))
}

func TestNewServerEnvironment(t *testing.T) {
	t.Parallel()
	for _, missing := range []string{"PORT", "ACCESS_KEY"} {
		env := map[string]string{"PORT": "8123", "HUB": "chat", "ACCESS_KEY": "key"}
		delete(env, missing)
		_, err := newServer(func(name string) string { return env[name] })
		require.ErrorIs(t, err, errEnvironment, "without %s", missing)
	}
}
