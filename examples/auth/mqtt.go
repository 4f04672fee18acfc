package main

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/mqtt"
)

// byPassword lets MQTT devices in by the user name and password of their CONNECT
// packet. A refusal carries the code that the client's version of MQTT has for it.
func (d *Door) byPassword(ev *webpubsub.ConnectEvent) (*webpubsub.ConnectReply, error) {
	packet := ev.MQTTConnect
	if packet == nil || packet.Username == nil || !d.Passwords.Check(*packet.Username, packet.Password) {
		return nil, refuseMQTT(ev, mqtt.V311BadUsernameOrPassword, mqtt.V5BadUserNameOrPassword,
			"user name and password do not match")
	}
	device := *packet.Username
	if err := checkClientID(ev, device); err != nil {
		return nil, err
	}
	return &webpubsub.ConnectReply{
		UserID: device,
		Groups: []string{"devices/" + device + "/commands"}, // for MQTT a group is a topic
		Roles:  []string{webpubsub.RoleSendToGroup("devices/" + device + "/telemetry")},
	}, nil
}

// checkClientID holds MQTT clients to their own name. The connection id is the
// MQTT client id, which the client chooses, and under another's it would take
// over that client's session.
func checkClientID(ev *webpubsub.ConnectEvent, user string) error {
	if ev.MQTT == nil || ev.ConnectionID == user {
		return nil
	}
	return refuseMQTT(ev, mqtt.V311IdentifierRejected, mqtt.V5ClientIdentifierNotValid,
		"the client id must be the user's name")
}

func refuseMQTT(ev *webpubsub.ConnectEvent, v311, v5 mqtt.ConnectCode, reason string) error {
	if ev.MQTTConnect != nil && ev.MQTTConnect.ProtocolVersion == mqtt.Version311 {
		return webpubsub.MQTTError(v311, reason)
	}
	return webpubsub.MQTTError(v5, reason)
}

// Passwords holds the SHA-256 digests of passwords by name. That is enough for
// passwords that a machine has made from 16 random bytes or more; those that
// people choose need a slow hash, such as argon2id.
type Passwords map[string][sha256.Size]byte

// ParsePasswords reads a JSON object of names and hexadecimal digests.
func ParsePasswords(data []byte) (Passwords, error) {
	var digests map[string]string
	if err := json.Unmarshal(data, &digests); err != nil {
		return nil, fmt.Errorf("passwords: %w", err)
	}
	p := make(Passwords, len(digests))
	for name, digest := range digests {
		sum, err := hex.DecodeString(digest)
		if err != nil || len(sum) != sha256.Size || name == "" {
			return nil, fmt.Errorf("passwords: entry of %q is not a name and a SHA-256 digest in hexadecimal", name)
		}
		p[name] = [sha256.Size]byte(sum)
	}
	return p, nil
}

// Check compares in constant time, and does as much for a name that nobody has.
func (p Passwords) Check(name string, password []byte) bool {
	want, known := p[name]
	got := sha256.Sum256(password)
	return subtle.ConstantTimeCompare(got[:], want[:]) == 1 && known
}
