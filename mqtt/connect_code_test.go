package mqtt_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/go-webpubsub/webpubsub/mqtt"
)

// The table of section 9.1 of the protocol notes, column web-pubsub-express.
func TestUE106StatusOfEachCode(t *testing.T) {
	t.Parallel()
	tests := []struct {
		code   mqtt.ConnectCode
		number int
		name   string
		want   int
	}{
		{mqtt.V311UnacceptableProtocolVersion, 1, "UnacceptableProtocolVersion", 400},
		{mqtt.V311IdentifierRejected, 2, "IdentifierRejected", 400},
		{mqtt.V311ServerUnavailable, 3, "ServerUnavailable", 503},
		{mqtt.V311BadUsernameOrPassword, 4, "BadUsernameOrPassword", 401},
		{mqtt.V311NotAuthorized, 5, "NotAuthorized", 401},
		{0x7f, 127, "ConnectCode(127)", 500},
		{mqtt.V5UnspecifiedError, 0x80, "UnspecifiedError", 500},
		{mqtt.V5MalformedPacket, 0x81, "MalformedPacket", 400},
		{mqtt.V5ProtocolError, 0x82, "ProtocolError", 500},
		{mqtt.V5ImplementationSpecificError, 0x83, "ImplementationSpecificError", 400},
		{mqtt.V5UnsupportedProtocolVersion, 0x84, "UnsupportedProtocolVersion", 400},
		{mqtt.V5ClientIdentifierNotValid, 0x85, "ClientIdentifierNotValid", 400},
		{mqtt.V5BadUserNameOrPassword, 0x86, "BadUserNameOrPassword", 401},
		{mqtt.V5NotAuthorized, 0x87, "NotAuthorized", 401},
		{mqtt.V5ServerUnavailable, 0x88, "ServerUnavailable", 500},
		{mqtt.V5ServerBusy, 0x89, "ServerBusy", 500},
		{mqtt.V5Banned, 0x8a, "Banned", 403},
		{mqtt.V5BadAuthenticationMethod, 0x8c, "BadAuthenticationMethod", 400},
		{mqtt.V5TopicNameInvalid, 0x90, "TopicNameInvalid", 400},
		{mqtt.V5PacketTooLarge, 0x95, "PacketTooLarge", 400},
		{mqtt.V5QuotaExceeded, 0x97, "QuotaExceeded", 429},
		{mqtt.V5PayloadFormatInvalid, 0x99, "PayloadFormatInvalid", 400},
		{mqtt.V5RetainNotSupported, 0x9a, "RetainNotSupported", 400},
		{mqtt.V5QoSNotSupported, 0x9b, "QoSNotSupported", 400},
		{mqtt.V5UseAnotherServer, 0x9c, "UseAnotherServer", 500},
		{mqtt.V5ServerMoved, 0x9d, "ServerMoved", 500},
		{mqtt.V5ConnectionRateExceeded, 0x9f, "ConnectionRateExceeded", 429},
		{0xff, 255, "ConnectCode(255)", 500},
	}
	known := map[int]bool{}
	for _, tt := range tests {
		known[tt.number] = true
		assert.Equal(t, tt.number, int(tt.code))
		assert.Equal(t, tt.name, tt.code.String(), tt.number)
		assert.Equal(t, tt.want, tt.code.Status(), tt.number)
	}
	for number := range 256 {
		if !known[number] {
			assert.Equal(t, 500, mqtt.ConnectCode(number).Status(), "%d is no code", number)
			assert.Equal(t, fmt.Sprintf("ConnectCode(%d)", number), mqtt.ConnectCode(number).String())
		}
	}
	assert.Equal(t, 500, mqtt.ConnectCode(-1).Status())
}

func TestConnectCodeValidFor(t *testing.T) {
	t.Parallel()
	tests := []struct {
		code              mqtt.ConnectCode
		v311, v5, unknown bool
	}{
		{-1, false, false, true},
		{0, false, false, false},
		{mqtt.V311UnacceptableProtocolVersion, true, false, true},
		{mqtt.V311NotAuthorized, true, false, true},
		{127, true, false, true},
		{mqtt.V5UnspecifiedError, false, true, true},
		{mqtt.V5ConnectionRateExceeded, false, true, true},
	}
	for _, tt := range tests {
		assert.Equal(t, tt.v311, tt.code.ValidFor(mqtt.Version311), tt.code)
		assert.Equal(t, tt.v5, tt.code.ValidFor(mqtt.Version5), tt.code)
		assert.Equal(t, tt.unknown, tt.code.ValidFor(3), tt.code)
	}
}

// The table of section 9.2, column web-pubsub-express.
func TestUE104AndUE105CodeOfEachStatus(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		version mqtt.Version
		status  int
		want    mqtt.ConnectCode
	}{
		{"UE 102 v4 400", 4, 400, 4},
		{"UE 103 v4 401", 4, 401, 5},
		{"UE 104 v4 500", 4, 500, 3},
		{"UE 104 v5 400", 5, 400, 134},
		{"UE 104 v5 401", 5, 401, 135},
		{"UE 104 v5 500", 5, 500, 128},
		{"UE 104 v3 401", 3, 401, 1},
		{"UE 104 v6 500", 6, 500, 1},
		{"UE 104 v0 400", 0, 400, 1},
		{"UE 105 v5 403", 5, 403, 128},
		{"UE 105 v4 403", 4, 403, 3},
		{"v4 503", 4, 503, 3},
		{"v5 503", 5, 503, 128},
		{"v4 429", 4, 429, 3},
		{"v5 429", 5, 429, 128},
	}
	for _, tt := range tests {
		assert.Equal(t, tt.want, mqtt.ConnectCodeOf(tt.status, tt.version), tt.name)
	}
}
