package mqtt

import (
	"fmt"
	"net/http"
)

// ConnectCode is the code of a CONNACK packet: a return code of MQTT 3.1.1 (1 to
// 5) or a reason code of MQTT 5.0 (128 and above). The two sets do not overlap;
// [ConnectCode.ValidFor] reports whether a code belongs to a version.
type ConnectCode int

// Return codes of MQTT 3.1.1.
const (
	V311UnacceptableProtocolVersion ConnectCode = 1
	V311IdentifierRejected          ConnectCode = 2
	V311ServerUnavailable           ConnectCode = 3
	V311BadUsernameOrPassword       ConnectCode = 4
	V311NotAuthorized               ConnectCode = 5
)

// Reason codes of MQTT 5.0.
const (
	V5UnspecifiedError            ConnectCode = 128
	V5MalformedPacket             ConnectCode = 129
	V5ProtocolError               ConnectCode = 130
	V5ImplementationSpecificError ConnectCode = 131
	V5UnsupportedProtocolVersion  ConnectCode = 132
	V5ClientIdentifierNotValid    ConnectCode = 133
	V5BadUserNameOrPassword       ConnectCode = 134
	V5NotAuthorized               ConnectCode = 135
	V5ServerUnavailable           ConnectCode = 136
	V5ServerBusy                  ConnectCode = 137
	V5Banned                      ConnectCode = 138
	V5BadAuthenticationMethod     ConnectCode = 140
	V5TopicNameInvalid            ConnectCode = 144
	V5PacketTooLarge              ConnectCode = 149
	V5QuotaExceeded               ConnectCode = 151
	V5PayloadFormatInvalid        ConnectCode = 153
	V5RetainNotSupported          ConnectCode = 154
	V5QoSNotSupported             ConnectCode = 155
	V5UseAnotherServer            ConnectCode = 156
	V5ServerMoved                 ConnectCode = 157
	V5ConnectionRateExceeded      ConnectCode = 159
)

// connectCodes holds the name of each code, and the HTTP status that
// web-pubsub-express answers with. ServerUnavailable of MQTT 3.1.1 is the one code
// whose status differs from that of its MQTT 5.0 namesake.
var connectCodes = map[ConnectCode]struct {
	name   string
	status int
}{
	V311UnacceptableProtocolVersion: {"UnacceptableProtocolVersion", 400},
	V311IdentifierRejected:          {"IdentifierRejected", 400},
	V311ServerUnavailable:           {"ServerUnavailable", 503},
	V311BadUsernameOrPassword:       {"BadUsernameOrPassword", 401},
	V311NotAuthorized:               {"NotAuthorized", 401},
	V5UnspecifiedError:              {"UnspecifiedError", 500},
	V5MalformedPacket:               {"MalformedPacket", 400},
	V5ProtocolError:                 {"ProtocolError", 500},
	V5ImplementationSpecificError:   {"ImplementationSpecificError", 400},
	V5UnsupportedProtocolVersion:    {"UnsupportedProtocolVersion", 400},
	V5ClientIdentifierNotValid:      {"ClientIdentifierNotValid", 400},
	V5BadUserNameOrPassword:         {"BadUserNameOrPassword", 401},
	V5NotAuthorized:                 {"NotAuthorized", 401},
	V5ServerUnavailable:             {"ServerUnavailable", 500},
	V5ServerBusy:                    {"ServerBusy", 500},
	V5Banned:                        {"Banned", 403},
	V5BadAuthenticationMethod:       {"BadAuthenticationMethod", 400},
	V5TopicNameInvalid:              {"TopicNameInvalid", 400},
	V5PacketTooLarge:                {"PacketTooLarge", 400},
	V5QuotaExceeded:                 {"QuotaExceeded", 429},
	V5PayloadFormatInvalid:          {"PayloadFormatInvalid", 400},
	V5RetainNotSupported:            {"RetainNotSupported", 400},
	V5QoSNotSupported:               {"QoSNotSupported", 400},
	V5UseAnotherServer:              {"UseAnotherServer", 500},
	V5ServerMoved:                   {"ServerMoved", 500},
	V5ConnectionRateExceeded:        {"ConnectionRateExceeded", 429},
}

// String returns the code's name in the MQTT standard.
func (c ConnectCode) String() string {
	if code, ok := connectCodes[c]; ok {
		return code.name
	}
	return fmt.Sprintf("ConnectCode(%d)", int(c))
}

// Status returns the HTTP status that goes with the code; 500 for an unknown one.
func (c ConnectCode) Status() int {
	if code, ok := connectCodes[c]; ok {
		return code.status
	}
	return http.StatusInternalServerError
}

// ValidFor reports whether the code can be sent to a client of the version. Any
// code but zero is valid for an unknown version.
func (c ConnectCode) ValidFor(version Version) bool {
	switch version {
	case Version311:
		return 0 < c && c < V5UnspecifiedError
	case Version5:
		return c >= V5UnspecifiedError
	}
	return c != 0
}

// ConnectCodeOf returns the code for an HTTP status, as web-pubsub-express does.
// 400 and 401 have codes; any other status is the general failure of the version. For
// an unknown version it is [V311UnacceptableProtocolVersion].
func ConnectCodeOf(status int, version Version) ConnectCode {
	switch version {
	case Version311:
		switch status {
		case http.StatusBadRequest:
			return V311BadUsernameOrPassword
		case http.StatusUnauthorized:
			return V311NotAuthorized
		}
		return V311ServerUnavailable
	case Version5:
		switch status {
		case http.StatusBadRequest:
			return V5BadUserNameOrPassword
		case http.StatusUnauthorized:
			return V5NotAuthorized
		}
		return V5UnspecifiedError
	}
	return V311UnacceptableProtocolVersion
}
