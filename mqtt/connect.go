package mqtt

import (
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
)

// Version is an MQTT protocol level.
type Version int

// The protocol levels that the service speaks.
const (
	Version311 Version = 4
	Version5   Version = 5
)

// String returns the version's name in the MQTT standard: "3.1.1" or "5.0".
func (v Version) String() string {
	switch v {
	case Version311:
		return "3.1.1"
	case Version5:
		return "5.0"
	}
	return fmt.Sprintf("Version(%d)", int(v))
}

// Connect is a CONNECT packet. Its JSON is the member mqtt of a connect event.
type Connect struct {
	// ProtocolVersion is the level of the protocol.
	ProtocolVersion Version `json:"protocolVersion"`
	// Username is nil if the packet has none.
	Username *string `json:"username"`
	// Password is nil if the packet has none. It prints, logs and encodes redacted.
	Password Password `json:"password"`
	// UserProperties of an MQTT 5.0 client, in order.
	UserProperties []UserProperty `json:"userProperties"`
	// CleanStart is nil if the event does not have it. Only one sample in the service's
	// documentation does.
	CleanStart *bool `json:"cleanStart,omitempty"`
}

// Password is a password that prints redacted. Convert it to []byte to compare
// it, in constant time.
type Password []byte

// String returns "REDACTED".
func (Password) String() string { return "REDACTED" }

// GoString returns "REDACTED".
func (Password) GoString() string { return "REDACTED" }

// Format writes "REDACTED" whatever the verb.
func (Password) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("REDACTED")) }

// MarshalText returns "[REDACTED]", so that JSON and other text does not contain the
// password. It is not base64: UnmarshalText rejects it.
func (Password) MarshalText() ([]byte, error) { return []byte("[REDACTED]"), nil }

// UnmarshalText decodes the base64 in which an event carries the password. Its
// error does not quote the text.
func (p *Password) UnmarshalText(text []byte) error {
	out := make([]byte, base64.StdEncoding.DecodedLen(len(text)))
	n, err := base64.StdEncoding.Decode(out, text)
	if err != nil {
		return errors.New("mqtt: password is not base64")
	}
	*p = out[:n]
	return nil
}

// LogValue returns "REDACTED".
func (Password) LogValue() slog.Value { return slog.StringValue("REDACTED") }

// Refusal is the content of a CONNACK packet that refuses a client. Its JSON is the
// member mqtt of the answer to a connect event.
type Refusal struct {
	Code ConnectCode `json:"code"`
	// Reason reaches only MQTT 5.0 clients.
	Reason string `json:"reason,omitempty"`
	// UserProperties reach only MQTT 5.0 clients.
	UserProperties []UserProperty `json:"userProperties,omitempty"`
}
