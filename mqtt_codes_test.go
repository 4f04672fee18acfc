package webpubsub_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
)

// mqttCodeIn reads the code of a refusal.
func mqttCodeIn(tb testing.TB, resp *http.Response) int {
	tb.Helper()
	assert.Equal(tb, "application/json; charset=utf-8", resp.Header.Get("Content-Type"))
	var body struct {
		MQTT struct {
			Code *int `json:"code"`
		} `json:"mqtt"`
	}
	require.NoError(tb, json.Unmarshal([]byte(wireText(tb, resp)), &body))
	require.NotNil(tb, body.MQTT.Code)
	return *body.MQTT.Code
}

func mqttVersion(version int) func(*http.Request) {
	return wireBody(fmt.Sprintf(`{"mqtt":{"protocolVersion":%d}}`, version))
}

// The table of section 9.1 of the protocol notes, column web-pubsub-express.
func TestUE106StatusOfEachCode(t *testing.T) {
	t.Parallel()
	tests := []struct {
		code   webpubsub.MQTTConnectCode
		number int
		name   string
		want   int
	}{
		{webpubsub.MQTT311UnacceptableProtocolVersion, 1, "UnacceptableProtocolVersion", 400},
		{webpubsub.MQTT311IdentifierRejected, 2, "IdentifierRejected", 400},
		{webpubsub.MQTT311ServerUnavailable, 3, "ServerUnavailable", 503},
		{webpubsub.MQTT311BadUsernameOrPassword, 4, "BadUsernameOrPassword", 401},
		{webpubsub.MQTT311NotAuthorized, 5, "NotAuthorized", 401},
		{0x7f, 127, "MQTTConnectCode(127)", 500},
		{webpubsub.MQTT5UnspecifiedError, 0x80, "UnspecifiedError", 500},
		{webpubsub.MQTT5MalformedPacket, 0x81, "MalformedPacket", 400},
		{webpubsub.MQTT5ProtocolError, 0x82, "ProtocolError", 500},
		{webpubsub.MQTT5ImplementationSpecificError, 0x83, "ImplementationSpecificError", 400},
		{webpubsub.MQTT5UnsupportedProtocolVersion, 0x84, "UnsupportedProtocolVersion", 400},
		{webpubsub.MQTT5ClientIdentifierNotValid, 0x85, "ClientIdentifierNotValid", 400},
		{webpubsub.MQTT5BadUserNameOrPassword, 0x86, "BadUserNameOrPassword", 401},
		{webpubsub.MQTT5NotAuthorized, 0x87, "NotAuthorized", 401},
		{webpubsub.MQTT5ServerUnavailable, 0x88, "ServerUnavailable", 500},
		{webpubsub.MQTT5ServerBusy, 0x89, "ServerBusy", 500},
		{webpubsub.MQTT5Banned, 0x8a, "Banned", 403},
		{webpubsub.MQTT5BadAuthenticationMethod, 0x8c, "BadAuthenticationMethod", 400},
		{webpubsub.MQTT5TopicNameInvalid, 0x90, "TopicNameInvalid", 400},
		{webpubsub.MQTT5PacketTooLarge, 0x95, "PacketTooLarge", 400},
		{webpubsub.MQTT5QuotaExceeded, 0x97, "QuotaExceeded", 429},
		{webpubsub.MQTT5PayloadFormatInvalid, 0x99, "PayloadFormatInvalid", 400},
		{webpubsub.MQTT5RetainNotSupported, 0x9a, "RetainNotSupported", 400},
		{webpubsub.MQTT5QoSNotSupported, 0x9b, "QoSNotSupported", 400},
		{webpubsub.MQTT5UseAnotherServer, 0x9c, "UseAnotherServer", 500},
		{webpubsub.MQTT5ServerMoved, 0x9d, "ServerMoved", 500},
		{webpubsub.MQTT5ConnectionRateExceeded, 0x9f, "ConnectionRateExceeded", 429},
		{0xff, 255, "MQTTConnectCode(255)", 500},
	}
	known := map[int]bool{}
	for _, tt := range tests {
		known[tt.number] = true
		t.Run(fmt.Sprintf("UE 106 code %d", tt.number), func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, tt.number, int(tt.code))
			assert.Equal(t, tt.name, tt.code.String())
			assert.Equal(t, tt.want, tt.code.Status())
			err := webpubsub.MQTTError(tt.code, "why")
			assert.Equal(t, tt.want, webpubsub.StatusOf(err))
			assert.Equal(t, "why", err.Message)

			version := 5
			if tt.number < 128 {
				version = 4
			}
			resp := serveFixture(t, onConnect(nil, err), "mqtt_connect_v5", mqttVersion(version))
			assert.Equal(t, tt.want, resp.StatusCode)
			assert.Equal(t, tt.number, mqttCodeIn(t, resp))
		})
	}
	for number := range 256 {
		if !known[number] {
			assert.Equal(t, 500, webpubsub.MQTTConnectCode(number).Status(), "%d is no code", number)
			assert.Equal(t, fmt.Sprintf("MQTTConnectCode(%d)", number), webpubsub.MQTTConnectCode(number).String())
		}
	}
	assert.Equal(t, 500, webpubsub.MQTTConnectCode(-1).Status())
}

// The table of section 9.2, column web-pubsub-express.
func TestUE104AndUE105CodeOfEachStatus(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		version int
		status  int
		want    int
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
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			resp := serveFixture(t, onConnect(nil, &webpubsub.Error{Status: tt.status}), "mqtt_connect_v5", mqttVersion(tt.version))
			assert.Equal(t, tt.status, resp.StatusCode)
			assert.Equal(t, tt.want, mqttCodeIn(t, resp))
		})
	}
}

func TestMQTTCodeOfAnError(t *testing.T) {
	t.Parallel()
	// The service's documentation pairs 401 with 138: status and code are chosen apart.
	err := &webpubsub.Error{Status: 401, MQTTCode: webpubsub.MQTT5Banned}
	resp := serveFixture(t, onConnect(nil, fmt.Errorf("wrapped: %w", err)), "mqtt_connect_v5")
	assert.Equal(t, 401, resp.StatusCode)
	assert.Equal(t, 138, mqttCodeIn(t, resp))
}

// Section 9.3: values and names of the MQTT 5.0 standard.
func TestUE113DisconnectCodes(t *testing.T) {
	t.Parallel()
	names := map[webpubsub.MQTTDisconnectCode]string{
		0: "NormalDisconnection", 4: "DisconnectWithWillMessage", 128: "UnspecifiedError", 129: "MalformedPacket", 130: "ProtocolError",
		131: "ImplementationSpecificError", 135: "NotAuthorized", 137: "ServerBusy", 139: "ServerShuttingDown", 141: "KeepAliveTimeout",
		142: "SessionTakenOver", 143: "TopicFilterInvalid", 144: "TopicNameInvalid", 147: "ReceiveMaximumExceeded", 148: "TopicAliasInvalid",
		149: "PacketTooLarge", 150: "MessageRateTooHigh", 151: "QuotaExceeded", 152: "AdministrativeAction", 153: "PayloadFormatInvalid",
		154: "RetainNotSupported", 155: "QoSNotSupported", 156: "UseAnotherServer", 157: "ServerMoved", 158: "SharedSubscriptionsNotSupported",
		159: "ConnectionRateExceeded", 160: "MaximumConnectTime", 161: "SubscriptionIdentifiersNotSupported", 162: "WildcardSubscriptionsNotSupported",
	}
	for number := range webpubsub.MQTTDisconnectCode(256) {
		want, known := names[number]
		if !known {
			want = fmt.Sprintf("MQTTDisconnectCode(%d)", int(number))
		}
		assert.Equal(t, want, number.String())
	}
	constants := []webpubsub.MQTTDisconnectCode{
		webpubsub.MQTTNormalDisconnection, webpubsub.MQTTDisconnectWithWillMessage, webpubsub.MQTTUnspecifiedError, webpubsub.MQTTMalformedPacket,
		webpubsub.MQTTProtocolError, webpubsub.MQTTImplementationSpecificError, webpubsub.MQTTNotAuthorized, webpubsub.MQTTServerBusy,
		webpubsub.MQTTServerShuttingDown, webpubsub.MQTTKeepAliveTimeout, webpubsub.MQTTSessionTakenOver, webpubsub.MQTTTopicFilterInvalid,
		webpubsub.MQTTTopicNameInvalid, webpubsub.MQTTReceiveMaximumExceeded, webpubsub.MQTTTopicAliasInvalid, webpubsub.MQTTPacketTooLarge,
		webpubsub.MQTTMessageRateTooHigh, webpubsub.MQTTQuotaExceeded, webpubsub.MQTTAdministrativeAction, webpubsub.MQTTPayloadFormatInvalid,
		webpubsub.MQTTRetainNotSupported, webpubsub.MQTTQoSNotSupported, webpubsub.MQTTUseAnotherServer, webpubsub.MQTTServerMoved,
		webpubsub.MQTTSharedSubscriptionsNotSupported, webpubsub.MQTTConnectionRateExceeded, webpubsub.MQTTMaximumConnectTime,
		webpubsub.MQTTSubscriptionIdentifiersNotSupported, webpubsub.MQTTWildcardSubscriptionsNotSupported,
	}
	assert.Len(t, constants, len(names))
	for _, c := range constants {
		assert.Contains(t, names, c)
	}
	assert.IsIncreasing(t, constants)
}
