package inbox

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/go-webpubsub/webpubsub/internal/wire"
)

const hidden = "(hidden)"

// isSecret reports whether the value of a header is a secret.
func isSecret(header string) bool {
	switch http.CanonicalHeaderKey(header) {
	case "Authorization", "Proxy-Authorization", "Cookie", "Set-Cookie", wire.HeaderSignature:
		return true
	}
	return false
}

// Headers returns a header without secrets.
func Headers(header http.Header) http.Header {
	out := make(http.Header, len(header))
	for name, values := range header {
		for _, v := range values {
			if isSecret(name) {
				v = hidden
			}
			out[name] = append(out[name], v)
		}
	}
	return out
}

// Redacted returns the body of the entry's event without secrets: in that of a connect
// event, tokens, secret headers and the password of MQTT are hidden, and claims unless
// they are asked for. A connect event that does not decode is hidden as a whole.
func (e *Entry) Redacted(claims bool) []byte {
	if e.Type != wire.TypeConnect || len(e.Body.Data) == 0 {
		return e.Body.Data
	}
	var body map[string]any
	d := json.NewDecoder(bytes.NewReader(e.Body.Data))
	d.UseNumber()
	if d.Decode(&body) != nil || d.More() {
		return []byte(hidden)
	}
	for name, member := range body {
		secret := secretIn(name, claims)
		if secret == nil || member == nil {
			continue
		}
		if values, ok := member.(map[string]any); ok {
			hide(values, secret)
		} else {
			body[name] = hidden
		}
	}
	out, err := json.Marshal(body)
	if err != nil {
		return []byte(hidden)
	}
	return out
}

// secretIn returns the function that reports which members of a member of a connect event
// are secret; nil if none are.
func secretIn(member string, claims bool) func(name string) bool {
	switch strings.ToLower(member) {
	case "claims":
		if claims {
			return nil
		}
		return func(string) bool { return true }
	case "query":
		return func(name string) bool {
			return strings.EqualFold(name, "access_token") || strings.EqualFold(name, "awps_reconnection_token")
		}
	case "headers":
		return isSecret
	case "mqtt":
		return func(name string) bool { return strings.EqualFold(name, "password") }
	}
	return nil
}

// hide replaces members that are not null.
func hide(members map[string]any, secret func(name string) bool) {
	for name, value := range members {
		if value != nil && secret(name) {
			members[name] = hidden
		}
	}
}
