package upstream

import (
	"encoding/json"

	"github.com/go-webpubsub/webpubsub/mqtt"
)

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

// MQTTConnect is the mqtt member of [ConnectRequest]. Unlike [mqtt.Connect], it
// encodes its password. It prints redacted all the same.
type MQTTConnect mqtt.Connect

// MarshalJSON returns the packet with its password in base64.
func (c *MQTTConnect) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		mqtt.Connect
		Password []byte `json:"password"` // takes the place of Connect's
	}{mqtt.Connect(*c), c.Password})
}

// Encode returns the body as the service writes it: members without a value are
// empty, never null.
func (r ConnectRequest) Encode() ([]byte, error) {
	for _, m := range []*map[string][]string{&r.Claims, &r.Query, &r.Headers} {
		if *m == nil {
			*m = map[string][]string{}
		}
	}
	if r.Subprotocols == nil {
		r.Subprotocols = []string{}
	}
	if r.ClientCertificates == nil {
		r.ClientCertificates = []ClientCertificate{}
	}
	return json.Marshal(r)
}

// Disconnected is the body of a disconnected event.
type Disconnected struct {
	Reason *string          `json:"reason"`
	MQTT   *mqtt.Disconnect `json:"mqtt,omitempty"`
}

// GroupPresence is the body of the joined and left events.
type GroupPresence struct {
	Group string `json:"group"`
}

// GroupOf returns the group in the body of a joined or left event, or "".
func GroupOf(body []byte) string {
	var in GroupPresence
	_ = json.Unmarshal(body, &in) // an edited body can be anything
	return in.Group
}
