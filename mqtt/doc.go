// Package mqtt holds what events say about MQTT clients: protocol versions,
// connect and disconnect codes, user properties, and the packets CONNECT and
// DISCONNECT as JSON. Package webpubsub uses its types as fields of events and
// answers.
//
//	if packet := ev.MQTTConnect; packet != nil && packet.Username == nil {
//		return nil, webpubsub.MQTTError(mqtt.V5NotAuthorized, "user name is missing")
//	}
//
// Security: what a CONNECT packet says is the client's claim. [Password] prints
// redacted; compare it in constant time.
package mqtt
