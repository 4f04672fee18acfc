package mqtt_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/go-webpubsub/webpubsub/mqtt"
)

func TestUserProperties(t *testing.T) {
	t.Parallel()
	header := http.Header{}
	for _, line := range [][2]string{{"mqtt-Zone", "b"}, {"MQTT-trace", "1"}, {"mqtt-zone", "a"}, {"mqtt-", "no name"}, {"mqttx", "x"}} {
		header.Add(line[0], line[1])
	}
	assert.Equal(t, []mqtt.UserProperty{{Name: "trace", Value: "1"}, {Name: "zone", Value: "b"}, {Name: "zone", Value: "a"}},
		mqtt.UserProperties(header))
	assert.Nil(t, mqtt.UserProperties(http.Header{"Mqtt-": {"no name"}}))
	assert.Nil(t, mqtt.UserProperties(nil))
}
