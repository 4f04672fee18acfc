// Package mqtt defines the parts of events and answers that only MQTT clients have:
// protocol versions, connect and disconnect codes, user properties, and the packets
// CONNECT and DISCONNECT. Package webpubsub uses its types as fields.
//
//	if packet := ev.MQTTConnect; packet != nil && packet.Username == nil {
//		return nil, webpubsub.MQTTError(mqtt.V5NotAuthorized, "user name is missing")
//	}
//
// Security: the client chooses the content of its CONNECT packet. [Password] prints
// redacted; compare it in constant time.
package mqtt
