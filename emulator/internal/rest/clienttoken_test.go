package rest_test

import (
	"encoding/json"
	"testing"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// claimsOf returns the claims of the token in an answer to GenerateClientToken.
func claimsOf(t *testing.T, body string) jwt.MapClaims {
	t.Helper()
	var out map[string]string
	require.NoError(t, json.Unmarshal([]byte(body), &out))
	assert.Len(t, out, 1)
	claims := jwt.MapClaims{}
	_, err := jwt.ParseWithClaims(out["token"], claims, func(*jwt.Token) (any, error) { return []byte(primary), nil }, jwt.WithTimeFunc(stopped{}.Now))
	require.NoError(t, err)
	return claims
}

func TestGenerateTokenForMQTT(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, clientType := range []string{"MQTT", "mqtt"} {
		last := w.steps(t, call{"POST", ":generateToken" + with("clientType", clientType) + "&minutesToExpire=2147483647", "", "", 200})
		claims := claimsOf(t, last.body)
		assert.Equal(t, w.emu.Endpoint+"/clients/mqtt/hubs/chat", claims["aud"])
		assert.Greater(t, claims["exp"], claims["iat"])
		assert.NotContains(t, claims, "sub")
		assert.NotContains(t, claims, "role")
		assert.NotContains(t, claims, "webpubsub.group")
	}
}
