package upstream_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/internal/upstream"
	"github.com/go-webpubsub/webpubsub/mqtt"
)

func TestMQTTConnectEncodesItsPasswordAndPrintsNone(t *testing.T) {
	t.Parallel()
	packet := &upstream.MQTTConnect{ProtocolVersion: mqtt.Version5, Password: mqtt.Password("s3cr3t")}
	data, err := json.Marshal(upstream.ConnectRequest{MQTT: packet})
	require.NoError(t, err)
	assert.Contains(t, string(data), `"mqtt":{"protocolVersion":5,"username":null,"userProperties":null,"password":"czNjcjN0"}`)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d", "%x"} {
		for _, v := range []any{packet, *packet} {
			text := fmt.Sprintf(verb, v)
			for _, secret := range []string{"s3cr3t", "115 51", "733363723374", "0x73"} {
				assert.NotContains(t, text, secret, verb)
			}
		}
	}
	data, err = json.Marshal(&upstream.MQTTConnect{})
	require.NoError(t, err)
	assert.Contains(t, string(data), `"password":null`)
}
