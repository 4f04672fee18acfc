package mqtt_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/go-webpubsub/webpubsub/mqtt"
)

// Section 9.3: values and names of the MQTT 5.0 standard.
func TestUE113DisconnectCodes(t *testing.T) {
	t.Parallel()
	names := map[mqtt.DisconnectCode]string{
		0: "NormalDisconnection", 4: "DisconnectWithWillMessage", 128: "UnspecifiedError", 129: "MalformedPacket", 130: "ProtocolError",
		131: "ImplementationSpecificError", 135: "NotAuthorized", 137: "ServerBusy", 139: "ServerShuttingDown", 141: "KeepAliveTimeout",
		142: "SessionTakenOver", 143: "TopicFilterInvalid", 144: "TopicNameInvalid", 147: "ReceiveMaximumExceeded", 148: "TopicAliasInvalid",
		149: "PacketTooLarge", 150: "MessageRateTooHigh", 151: "QuotaExceeded", 152: "AdministrativeAction", 153: "PayloadFormatInvalid",
		154: "RetainNotSupported", 155: "QoSNotSupported", 156: "UseAnotherServer", 157: "ServerMoved", 158: "SharedSubscriptionsNotSupported",
		159: "ConnectionRateExceeded", 160: "MaximumConnectTime", 161: "SubscriptionIdentifiersNotSupported", 162: "WildcardSubscriptionsNotSupported",
	}
	for number := range mqtt.DisconnectCode(256) {
		want, known := names[number]
		if !known {
			want = fmt.Sprintf("DisconnectCode(%d)", int(number))
		}
		assert.Equal(t, want, number.String())
	}
	constants := []mqtt.DisconnectCode{
		mqtt.DisconnectNormal, mqtt.DisconnectWithWillMessage, mqtt.DisconnectUnspecifiedError, mqtt.DisconnectMalformedPacket,
		mqtt.DisconnectProtocolError, mqtt.DisconnectImplementationSpecificError, mqtt.DisconnectNotAuthorized, mqtt.DisconnectServerBusy,
		mqtt.DisconnectServerShuttingDown, mqtt.DisconnectKeepAliveTimeout, mqtt.DisconnectSessionTakenOver, mqtt.DisconnectTopicFilterInvalid,
		mqtt.DisconnectTopicNameInvalid, mqtt.DisconnectReceiveMaximumExceeded, mqtt.DisconnectTopicAliasInvalid, mqtt.DisconnectPacketTooLarge,
		mqtt.DisconnectMessageRateTooHigh, mqtt.DisconnectQuotaExceeded, mqtt.DisconnectAdministrativeAction, mqtt.DisconnectPayloadFormatInvalid,
		mqtt.DisconnectRetainNotSupported, mqtt.DisconnectQoSNotSupported, mqtt.DisconnectUseAnotherServer, mqtt.DisconnectServerMoved,
		mqtt.DisconnectSharedSubscriptionsNotSupported, mqtt.DisconnectConnectionRateExceeded, mqtt.DisconnectMaximumConnectTime,
		mqtt.DisconnectSubscriptionIdentifiersNotSupported, mqtt.DisconnectWildcardSubscriptionsNotSupported,
	}
	assert.Len(t, constants, len(names))
	for _, c := range constants {
		assert.Contains(t, names, c)
	}
	assert.IsIncreasing(t, constants)
}
