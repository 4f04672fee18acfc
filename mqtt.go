package webpubsub

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// MQTTSession names the MQTT session and network connection of an event. MQTT
// clients are recognised by their subprotocol "mqtt" together with
// a physical connection id.
type MQTTSession struct {
	// PhysicalConnectionID (ce-physicalConnectionId) names the network connection.
	PhysicalConnectionID string
	// SessionID (ce-sessionId) names the MQTT session, which may span several
	// network connections. It is empty in connect events.
	SessionID string
}

// MQTTVersion is an MQTT protocol level.
type MQTTVersion int

// The protocol levels that the service speaks.
const (
	MQTT311 MQTTVersion = 4
	MQTT5   MQTTVersion = 5
)

// String names the version as the MQTT standard does.
func (v MQTTVersion) String() string {
	switch v {
	case MQTT311:
		return "3.1.1"
	case MQTT5:
		return "5.0"
	}
	return fmt.Sprintf("MQTTVersion(%d)", int(v))
}

// MQTTUserProperty is an MQTT 5.0 user property. Their order matters, and a
// name may stand several times.
type MQTTUserProperty struct {
	Name  string
	Value string
}

// MQTTConnect is what an MQTT client put into its CONNECT packet.
type MQTTConnect struct {
	// ProtocolVersion (protocolVersion).
	ProtocolVersion MQTTVersion
	// Username (username); nil if the packet had none.
	Username *string
	// Password (password), decoded from the base64 of the wire; nil if the
	// packet had none. It prints and logs redacted.
	Password MQTTPassword
	// UserProperties (userProperties) of an MQTT 5.0 client, in order.
	UserProperties []MQTTUserProperty
	// CleanStart (cleanStart); nil if not told. Only one sample in the service's
	// documentation has it.
	CleanStart *bool
}

// MQTTPassword is a password that does not print itself. Convert it to []byte
// to compare it, in constant time.
type MQTTPassword []byte

// String hides the password.
func (MQTTPassword) String() string { return "REDACTED" }

// GoString hides the password.
func (MQTTPassword) GoString() string { return "REDACTED" }

// Format hides the password whatever the verb.
func (MQTTPassword) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("REDACTED")) }

// MarshalText keeps JSON and text encoders from writing the password.
func (MQTTPassword) MarshalText() ([]byte, error) { return []byte("REDACTED"), nil }

// LogValue hides the password.
func (MQTTPassword) LogValue() slog.Value { return slog.StringValue("REDACTED") }

// MQTTDisconnect says how an MQTT session ended.
type MQTTDisconnect struct {
	// InitiatedByClient (initiatedByClient) is true only if the client sent a
	// DISCONNECT packet.
	InitiatedByClient bool
	// Packet (disconnectPacket) is the DISCONNECT packet that either side sent;
	// nil if the network failed before one was.
	Packet *MQTTDisconnectPacket
}

// MQTTDisconnectPacket is a DISCONNECT packet.
type MQTTDisconnectPacket struct {
	// Code (code) is the MQTT 5.0 reason; always 0 for MQTT 3.1.1.
	Code MQTTDisconnectCode
	// UserProperties (userProperties), if the client sent any, in order.
	UserProperties []MQTTUserProperty
}

// MQTTUserProperties returns the user properties of an MQTT 5.0 client's message
// (mqtt-* headers): names in lower case, since HTTP does not keep their case,
// and sorted, since it does not keep their order; the values of one name stay
// in order. Nil if there are none.
func (ev *UserEvent) MQTTUserProperties() []MQTTUserProperty {
	if ev.MQTT == nil {
		return nil
	}
	var props []MQTTUserProperty
	for k, values := range ev.RequestHeader {
		name, ok := strings.CutPrefix(k, wire.PrefixMQTT)
		if !ok || name == "" {
			continue
		}
		for _, v := range values {
			props = append(props, MQTTUserProperty{Name: strings.ToLower(name), Value: v})
		}
	}
	slices.SortStableFunc(props, func(a, b MQTTUserProperty) int { return strings.Compare(a.Name, b.Name) })
	return props
}

func propertiesFromWire(in []wire.MQTTProperty) []MQTTUserProperty {
	if in == nil {
		return nil
	}
	out := make([]MQTTUserProperty, len(in))
	for i, p := range in {
		out[i] = MQTTUserProperty(p)
	}
	return out
}

func propertiesToWire(in []MQTTUserProperty) []wire.MQTTProperty {
	if in == nil {
		return nil
	}
	out := make([]wire.MQTTProperty, len(in))
	for i, p := range in {
		out[i] = wire.MQTTProperty(p)
	}
	return out
}
