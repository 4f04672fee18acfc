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

// byPassword accepts MQTT devices with the user name and password of their CONNECT
// packet. An error has the code of the client's version of MQTT.
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

// checkClientID rejects MQTT clients whose client id is not their user name. The
// client chooses the id, which is the connection id, and with the id of another
// client it would take over that client's session.
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

// Passwords maps names to SHA-256 digests of passwords. That is enough for generated
// passwords of 16 random bytes or more. Passwords chosen by people need a slow hash,
// such as argon2id.
type Passwords map[string][sha256.Size]byte

// ParsePasswords parses a JSON object of names and hexadecimal digests.
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

// Check compares passwords in constant time. An unknown name takes the same time.
func (p Passwords) Check(name string, password []byte) bool {
	want, known := p[name]
	got := sha256.Sum256(password)
	return subtle.ConstantTimeCompare(got[:], want[:]) == 1 && known
}
