package main_test

import (
	"maps"
	"net/http"
	"testing"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/emulator"
)

// The program accepts events with the emulator's tokens, whether or not it also has the
// access key, and refuses events without one.
func TestEntra(t *testing.T) {
	t.Parallel()
	emu := emulator.Start(t, emulator.Config{})
	tokens := map[string]string{
		"ENTRA_TENANT_ID":         emulator.IdentityTenantID,
		"ENTRA_AUDIENCES":         "api://chat api://7f3b4a52-4c33-4be0-9a37-0f5d2c7b8e46",
		"ENTRA_CALLER_OBJECT_IDS": emulator.IdentityObjectID,
		"ENTRA_AUTHORITY":         emu.Authority,
	}
	for name, further := range map[string]map[string]string{
		"token and signature": {"WEBPUBSUB_CONNECTION_STRING": emu.ConnectionString},
		"token alone":         {"WEBPUBSUB_HOSTS": "127.0.0.1"},
	} {
		maps.Copy(further, tokens)
		url, stop := start(t, further, "-addr", "127.0.0.1:0")
		for _, tt := range []struct {
			identity *emulator.ManagedIdentity
			want     int
		}{
			{&emulator.ManagedIdentity{Resource: "api://chat"}, http.StatusSwitchingProtocols},
			{&emulator.ManagedIdentity{Resource: "api://other"}, http.StatusUnauthorized},
			{nil, http.StatusUnauthorized},
		} {
			events := emulator.AtURL(url + "/eventhandler")
			events.ManagedIdentity = tt.identity
			require.NoError(t, emu.SetHub("chat", emulator.Hub{EventHandlers: []emulator.EventHandler{events}}))
			target := emu.ClientURL("chat", &emulator.ClientOptions{UserID: "vic"})
			conn, resp, err := websocket.Dial(t.Context(), target, nil)
			if err == nil {
				_ = conn.CloseNow()
			}
			require.NotNil(t, resp, "%v", err)
			assert.Equal(t, tt.want, resp.StatusCode, name)
		}
		stop()
	}
}
