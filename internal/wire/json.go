package wire

// ConnectRequest is the body of a connect event.
type ConnectRequest struct {
	Claims             map[string][]string `json:"claims"`
	Query              map[string][]string `json:"query"`
	Headers            map[string][]string `json:"headers"`
	Subprotocols       []string            `json:"subprotocols"`
	ClientCertificates []ClientCertificate `json:"clientCertificates"`
	MQTT               *MQTTConnect        `json:"mqtt,omitempty"`
}

// ClientCertificate is one entry of [ConnectRequest].
type ClientCertificate struct {
	Thumbprint string `json:"thumbprint"`
	Content    string `json:"content,omitempty"`
}

// MQTTConnect is the mqtt member of [ConnectRequest].
type MQTTConnect struct {
	ProtocolVersion int            `json:"protocolVersion"`
	Username        *string        `json:"username"`
	Password        *string        `json:"password"`
	UserProperties  []MQTTProperty `json:"userProperties"`
	CleanStart      *bool          `json:"cleanStart,omitempty"`
}

// MQTTProperty is an MQTT 5.0 user property.
type MQTTProperty struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// ConnectResponse is the body of a successful answer to a connect event. An
// absent member keeps what the client's token said.
type ConnectResponse struct {
	UserID      *string              `json:"userId,omitempty"`
	Groups      []string             `json:"groups,omitzero"`
	Roles       []string             `json:"roles,omitzero"`
	Subprotocol string               `json:"subprotocol,omitempty"`
	MQTT        *MQTTConnectResponse `json:"mqtt,omitempty"`
}

// MQTTConnectResponse is the mqtt member of [ConnectResponse].
type MQTTConnectResponse struct {
	UserProperties []MQTTProperty `json:"userProperties,omitempty"`
}

// MQTTConnectFailure is the body of an unsuccessful answer to an MQTT connect event.
type MQTTConnectFailure struct {
	MQTT MQTTFailure `json:"mqtt"`
}

// MQTTFailure is the mqtt member of [MQTTConnectFailure].
type MQTTFailure struct {
	Code           int            `json:"code"`
	Reason         string         `json:"reason,omitempty"`
	UserProperties []MQTTProperty `json:"userProperties,omitempty"`
}

// Disconnected is the body of a disconnected event.
type Disconnected struct {
	Reason *string         `json:"reason"`
	MQTT   *MQTTDisconnect `json:"mqtt,omitempty"`
}

// MQTTDisconnect is the mqtt member of [Disconnected].
type MQTTDisconnect struct {
	InitiatedByClient bool                  `json:"initiatedByClient"`
	DisconnectPacket  *MQTTDisconnectPacket `json:"disconnectPacket"`
}

// MQTTDisconnectPacket is the DISCONNECT packet that ended an MQTT session.
type MQTTDisconnectPacket struct {
	Code           int            `json:"code"`
	UserProperties []MQTTProperty `json:"userProperties"`
}

// GroupPresence is the body of the joined and left events.
type GroupPresence struct {
	Group string `json:"group"`
}
