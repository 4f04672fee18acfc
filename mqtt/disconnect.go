package mqtt

import "fmt"

// Disconnect describes the end of a session. Its JSON is the member mqtt of a
// disconnected event.
type Disconnect struct {
	// InitiatedByClient is true only if the client sent a DISCONNECT packet.
	InitiatedByClient bool `json:"initiatedByClient"`
	// Packet is the DISCONNECT packet that either side sent; nil if the network
	// failed before one was sent.
	Packet *DisconnectPacket `json:"disconnectPacket"`
}

// DisconnectPacket is a DISCONNECT packet.
type DisconnectPacket struct {
	// Code is the MQTT 5.0 reason; always 0 for MQTT 3.1.1.
	Code DisconnectCode `json:"code"`
	// UserProperties that the client sent, in order.
	UserProperties []UserProperty `json:"userProperties"`
}

// DisconnectCode is the reason code of an MQTT 5.0 DISCONNECT packet.
type DisconnectCode int

// Reason codes of DISCONNECT packets.
const (
	DisconnectNormal                              DisconnectCode = 0
	DisconnectWithWillMessage                     DisconnectCode = 4
	DisconnectUnspecifiedError                    DisconnectCode = 128
	DisconnectMalformedPacket                     DisconnectCode = 129
	DisconnectProtocolError                       DisconnectCode = 130
	DisconnectImplementationSpecificError         DisconnectCode = 131
	DisconnectNotAuthorized                       DisconnectCode = 135
	DisconnectServerBusy                          DisconnectCode = 137
	DisconnectServerShuttingDown                  DisconnectCode = 139
	DisconnectKeepAliveTimeout                    DisconnectCode = 141
	DisconnectSessionTakenOver                    DisconnectCode = 142
	DisconnectTopicFilterInvalid                  DisconnectCode = 143
	DisconnectTopicNameInvalid                    DisconnectCode = 144
	DisconnectReceiveMaximumExceeded              DisconnectCode = 147
	DisconnectTopicAliasInvalid                   DisconnectCode = 148
	DisconnectPacketTooLarge                      DisconnectCode = 149
	DisconnectMessageRateTooHigh                  DisconnectCode = 150
	DisconnectQuotaExceeded                       DisconnectCode = 151
	DisconnectAdministrativeAction                DisconnectCode = 152
	DisconnectPayloadFormatInvalid                DisconnectCode = 153
	DisconnectRetainNotSupported                  DisconnectCode = 154
	DisconnectQoSNotSupported                     DisconnectCode = 155
	DisconnectUseAnotherServer                    DisconnectCode = 156
	DisconnectServerMoved                         DisconnectCode = 157
	DisconnectSharedSubscriptionsNotSupported     DisconnectCode = 158
	DisconnectConnectionRateExceeded              DisconnectCode = 159
	DisconnectMaximumConnectTime                  DisconnectCode = 160
	DisconnectSubscriptionIdentifiersNotSupported DisconnectCode = 161
	DisconnectWildcardSubscriptionsNotSupported   DisconnectCode = 162
)

var disconnectNames = map[DisconnectCode]string{
	DisconnectNormal:                              "NormalDisconnection",
	DisconnectWithWillMessage:                     "DisconnectWithWillMessage",
	DisconnectUnspecifiedError:                    "UnspecifiedError",
	DisconnectMalformedPacket:                     "MalformedPacket",
	DisconnectProtocolError:                       "ProtocolError",
	DisconnectImplementationSpecificError:         "ImplementationSpecificError",
	DisconnectNotAuthorized:                       "NotAuthorized",
	DisconnectServerBusy:                          "ServerBusy",
	DisconnectServerShuttingDown:                  "ServerShuttingDown",
	DisconnectKeepAliveTimeout:                    "KeepAliveTimeout",
	DisconnectSessionTakenOver:                    "SessionTakenOver",
	DisconnectTopicFilterInvalid:                  "TopicFilterInvalid",
	DisconnectTopicNameInvalid:                    "TopicNameInvalid",
	DisconnectReceiveMaximumExceeded:              "ReceiveMaximumExceeded",
	DisconnectTopicAliasInvalid:                   "TopicAliasInvalid",
	DisconnectPacketTooLarge:                      "PacketTooLarge",
	DisconnectMessageRateTooHigh:                  "MessageRateTooHigh",
	DisconnectQuotaExceeded:                       "QuotaExceeded",
	DisconnectAdministrativeAction:                "AdministrativeAction",
	DisconnectPayloadFormatInvalid:                "PayloadFormatInvalid",
	DisconnectRetainNotSupported:                  "RetainNotSupported",
	DisconnectQoSNotSupported:                     "QoSNotSupported",
	DisconnectUseAnotherServer:                    "UseAnotherServer",
	DisconnectServerMoved:                         "ServerMoved",
	DisconnectSharedSubscriptionsNotSupported:     "SharedSubscriptionsNotSupported",
	DisconnectConnectionRateExceeded:              "ConnectionRateExceeded",
	DisconnectMaximumConnectTime:                  "MaximumConnectTime",
	DisconnectSubscriptionIdentifiersNotSupported: "SubscriptionIdentifiersNotSupported",
	DisconnectWildcardSubscriptionsNotSupported:   "WildcardSubscriptionsNotSupported",
}

// String returns the code's name in the MQTT 5.0 standard.
func (c DisconnectCode) String() string {
	if name, ok := disconnectNames[c]; ok {
		return name
	}
	return fmt.Sprintf("DisconnectCode(%d)", int(c))
}
