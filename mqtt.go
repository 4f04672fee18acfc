package webpubsub

import "github.com/go-webpubsub/webpubsub/mqtt"

// MQTTSession identifies the MQTT session and network connection of an event. MQTT
// clients are recognised by their subprotocol "mqtt" together with
// a physical connection id.
type MQTTSession struct {
	// PhysicalConnectionID (ce-physicalConnectionId) identifies the network connection.
	PhysicalConnectionID string
	// SessionID (ce-sessionId) identifies the MQTT session, which may span several
	// network connections. It is empty in connect events.
	SessionID string
}

// MQTTUserProperties returns the user properties of an MQTT 5.0 client's message,
// as [mqtt.UserProperties] does; nil if the client is not an MQTT client.
func (ev *UserEvent) MQTTUserProperties() []mqtt.UserProperty {
	if ev.MQTT == nil {
		return nil
	}
	return mqtt.UserProperties(ev.RequestHeader)
}

// MQTTError returns an error that refuses an MQTT client with a code of its protocol
// version. The code determines the HTTP status. Only MQTT 5.0 clients receive the reason.
func MQTTError(code mqtt.ConnectCode, reason string) *Error {
	return &Error{Status: code.Status(), Message: reason, MQTTCode: code}
}
