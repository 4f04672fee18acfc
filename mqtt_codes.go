package webpubsub

import "fmt"

// MQTTConnectCode tells an MQTT client why it was refused: a return code of
// MQTT 3.1.1 (1 to 5) or a reason code of MQTT 5.0 (128 and above). The two
// sets do not overlap; choose by [MQTTConnect.ProtocolVersion].
type MQTTConnectCode int

// Return codes of MQTT 3.1.1.
const (
	MQTT311UnacceptableProtocolVersion MQTTConnectCode = 1
	MQTT311IdentifierRejected          MQTTConnectCode = 2
	MQTT311ServerUnavailable           MQTTConnectCode = 3
	MQTT311BadUsernameOrPassword       MQTTConnectCode = 4
	MQTT311NotAuthorized               MQTTConnectCode = 5
)

// Reason codes of MQTT 5.0.
const (
	MQTT5UnspecifiedError            MQTTConnectCode = 128
	MQTT5MalformedPacket             MQTTConnectCode = 129
	MQTT5ProtocolError               MQTTConnectCode = 130
	MQTT5ImplementationSpecificError MQTTConnectCode = 131
	MQTT5UnsupportedProtocolVersion  MQTTConnectCode = 132
	MQTT5ClientIdentifierNotValid    MQTTConnectCode = 133
	MQTT5BadUserNameOrPassword       MQTTConnectCode = 134
	MQTT5NotAuthorized               MQTTConnectCode = 135
	MQTT5ServerUnavailable           MQTTConnectCode = 136
	MQTT5ServerBusy                  MQTTConnectCode = 137
	MQTT5Banned                      MQTTConnectCode = 138
	MQTT5BadAuthenticationMethod     MQTTConnectCode = 140
	MQTT5TopicNameInvalid            MQTTConnectCode = 144
	MQTT5PacketTooLarge              MQTTConnectCode = 149
	MQTT5QuotaExceeded               MQTTConnectCode = 151
	MQTT5PayloadFormatInvalid        MQTTConnectCode = 153
	MQTT5RetainNotSupported          MQTTConnectCode = 154
	MQTT5QoSNotSupported             MQTTConnectCode = 155
	MQTT5UseAnotherServer            MQTTConnectCode = 156
	MQTT5ServerMoved                 MQTTConnectCode = 157
	MQTT5ConnectionRateExceeded      MQTTConnectCode = 159
)

type mqttCode struct {
	name   string
	status int
}

// mqttConnectCodes is the table of the statuses that web-pubsub-express gives
// the codes. An unknown code is 500 there and here. ServerUnavailable of 3.1.1
// is the one code whose status differs from that of its MQTT 5.0 namesake.
func mqttConnectCode(c MQTTConnectCode) mqttCode {
	switch c {
	case MQTT311UnacceptableProtocolVersion:
		return mqttCode{"UnacceptableProtocolVersion", 400}
	case MQTT311IdentifierRejected:
		return mqttCode{"IdentifierRejected", 400}
	case MQTT311ServerUnavailable:
		return mqttCode{"ServerUnavailable", 503}
	case MQTT311BadUsernameOrPassword:
		return mqttCode{"BadUsernameOrPassword", 401}
	case MQTT311NotAuthorized, MQTT5NotAuthorized:
		return mqttCode{"NotAuthorized", 401}
	case MQTT5UnspecifiedError:
		return mqttCode{"UnspecifiedError", 500}
	case MQTT5MalformedPacket:
		return mqttCode{"MalformedPacket", 400}
	case MQTT5ProtocolError:
		return mqttCode{"ProtocolError", 500}
	case MQTT5ImplementationSpecificError:
		return mqttCode{"ImplementationSpecificError", 400}
	case MQTT5UnsupportedProtocolVersion:
		return mqttCode{"UnsupportedProtocolVersion", 400}
	case MQTT5ClientIdentifierNotValid:
		return mqttCode{"ClientIdentifierNotValid", 400}
	case MQTT5BadUserNameOrPassword:
		return mqttCode{"BadUserNameOrPassword", 401}
	case MQTT5ServerUnavailable:
		return mqttCode{"ServerUnavailable", 500}
	case MQTT5ServerBusy:
		return mqttCode{"ServerBusy", 500}
	case MQTT5Banned:
		return mqttCode{"Banned", 403}
	case MQTT5BadAuthenticationMethod:
		return mqttCode{"BadAuthenticationMethod", 400}
	case MQTT5TopicNameInvalid:
		return mqttCode{"TopicNameInvalid", 400}
	case MQTT5PacketTooLarge:
		return mqttCode{"PacketTooLarge", 400}
	case MQTT5QuotaExceeded:
		return mqttCode{"QuotaExceeded", 429}
	case MQTT5PayloadFormatInvalid:
		return mqttCode{"PayloadFormatInvalid", 400}
	case MQTT5RetainNotSupported:
		return mqttCode{"RetainNotSupported", 400}
	case MQTT5QoSNotSupported:
		return mqttCode{"QoSNotSupported", 400}
	case MQTT5UseAnotherServer:
		return mqttCode{"UseAnotherServer", 500}
	case MQTT5ServerMoved:
		return mqttCode{"ServerMoved", 500}
	case MQTT5ConnectionRateExceeded:
		return mqttCode{"ConnectionRateExceeded", 429}
	}
	return mqttCode{fmt.Sprintf("MQTTConnectCode(%d)", int(c)), 500}
}

// String names the code as the MQTT standard does.
func (c MQTTConnectCode) String() string { return mqttConnectCode(c).name }

// Status returns the HTTP status that goes with the code; 500 for an unknown one.
func (c MQTTConnectCode) Status() int { return mqttConnectCode(c).status }

// belongsTo reports whether the code can be sent to a client of the version. Of an
// unknown version nothing is known, so the function's choice stands.
func (c MQTTConnectCode) belongsTo(version MQTTVersion) bool {
	switch version {
	case MQTT311:
		return 0 < c && c < MQTT5UnspecifiedError
	case MQTT5:
		return c >= MQTT5UnspecifiedError
	}
	return c != 0
}

// MQTTError refuses an MQTT client with a code of its protocol version; the
// HTTP status follows from the code. The reason reaches only MQTT 5.0 clients.
func MQTTError(code MQTTConnectCode, reason string) *Error {
	return &Error{Status: code.Status(), Message: reason, MQTTCode: code}
}

// mqttCodeOf returns the CONNACK code for an HTTP status, as web-pubsub-express
// does: a status without a code of its own is the version's general failure.
func mqttCodeOf(status int, version MQTTVersion) MQTTConnectCode {
	switch version {
	case MQTT311:
		switch status {
		case 400:
			return MQTT311BadUsernameOrPassword
		case 401:
			return MQTT311NotAuthorized
		}
		return MQTT311ServerUnavailable
	case MQTT5:
		switch status {
		case 400:
			return MQTT5BadUserNameOrPassword
		case 401:
			return MQTT5NotAuthorized
		}
		return MQTT5UnspecifiedError
	}
	return MQTT311UnacceptableProtocolVersion
}

// MQTTDisconnectCode is the reason code of an MQTT 5.0 DISCONNECT packet.
type MQTTDisconnectCode int

// Reason codes of DISCONNECT packets.
const (
	MQTTNormalDisconnection                 MQTTDisconnectCode = 0
	MQTTDisconnectWithWillMessage           MQTTDisconnectCode = 4
	MQTTUnspecifiedError                    MQTTDisconnectCode = 128
	MQTTMalformedPacket                     MQTTDisconnectCode = 129
	MQTTProtocolError                       MQTTDisconnectCode = 130
	MQTTImplementationSpecificError         MQTTDisconnectCode = 131
	MQTTNotAuthorized                       MQTTDisconnectCode = 135
	MQTTServerBusy                          MQTTDisconnectCode = 137
	MQTTServerShuttingDown                  MQTTDisconnectCode = 139
	MQTTKeepAliveTimeout                    MQTTDisconnectCode = 141
	MQTTSessionTakenOver                    MQTTDisconnectCode = 142
	MQTTTopicFilterInvalid                  MQTTDisconnectCode = 143
	MQTTTopicNameInvalid                    MQTTDisconnectCode = 144
	MQTTReceiveMaximumExceeded              MQTTDisconnectCode = 147
	MQTTTopicAliasInvalid                   MQTTDisconnectCode = 148
	MQTTPacketTooLarge                      MQTTDisconnectCode = 149
	MQTTMessageRateTooHigh                  MQTTDisconnectCode = 150
	MQTTQuotaExceeded                       MQTTDisconnectCode = 151
	MQTTAdministrativeAction                MQTTDisconnectCode = 152
	MQTTPayloadFormatInvalid                MQTTDisconnectCode = 153
	MQTTRetainNotSupported                  MQTTDisconnectCode = 154
	MQTTQoSNotSupported                     MQTTDisconnectCode = 155
	MQTTUseAnotherServer                    MQTTDisconnectCode = 156
	MQTTServerMoved                         MQTTDisconnectCode = 157
	MQTTSharedSubscriptionsNotSupported     MQTTDisconnectCode = 158
	MQTTConnectionRateExceeded              MQTTDisconnectCode = 159
	MQTTMaximumConnectTime                  MQTTDisconnectCode = 160
	MQTTSubscriptionIdentifiersNotSupported MQTTDisconnectCode = 161
	MQTTWildcardSubscriptionsNotSupported   MQTTDisconnectCode = 162
)

var mqttDisconnectNames = map[MQTTDisconnectCode]string{
	MQTTNormalDisconnection:                 "NormalDisconnection",
	MQTTDisconnectWithWillMessage:           "DisconnectWithWillMessage",
	MQTTUnspecifiedError:                    "UnspecifiedError",
	MQTTMalformedPacket:                     "MalformedPacket",
	MQTTProtocolError:                       "ProtocolError",
	MQTTImplementationSpecificError:         "ImplementationSpecificError",
	MQTTNotAuthorized:                       "NotAuthorized",
	MQTTServerBusy:                          "ServerBusy",
	MQTTServerShuttingDown:                  "ServerShuttingDown",
	MQTTKeepAliveTimeout:                    "KeepAliveTimeout",
	MQTTSessionTakenOver:                    "SessionTakenOver",
	MQTTTopicFilterInvalid:                  "TopicFilterInvalid",
	MQTTTopicNameInvalid:                    "TopicNameInvalid",
	MQTTReceiveMaximumExceeded:              "ReceiveMaximumExceeded",
	MQTTTopicAliasInvalid:                   "TopicAliasInvalid",
	MQTTPacketTooLarge:                      "PacketTooLarge",
	MQTTMessageRateTooHigh:                  "MessageRateTooHigh",
	MQTTQuotaExceeded:                       "QuotaExceeded",
	MQTTAdministrativeAction:                "AdministrativeAction",
	MQTTPayloadFormatInvalid:                "PayloadFormatInvalid",
	MQTTRetainNotSupported:                  "RetainNotSupported",
	MQTTQoSNotSupported:                     "QoSNotSupported",
	MQTTUseAnotherServer:                    "UseAnotherServer",
	MQTTServerMoved:                         "ServerMoved",
	MQTTSharedSubscriptionsNotSupported:     "SharedSubscriptionsNotSupported",
	MQTTConnectionRateExceeded:              "ConnectionRateExceeded",
	MQTTMaximumConnectTime:                  "MaximumConnectTime",
	MQTTSubscriptionIdentifiersNotSupported: "SubscriptionIdentifiersNotSupported",
	MQTTWildcardSubscriptionsNotSupported:   "WildcardSubscriptionsNotSupported",
}

// String names the code as the MQTT 5.0 standard does.
func (c MQTTDisconnectCode) String() string {
	if name, ok := mqttDisconnectNames[c]; ok {
		return name
	}
	return fmt.Sprintf("MQTTDisconnectCode(%d)", int(c))
}
