package inbox

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/go-webpubsub/webpubsub/internal/wire"
)

const hidden = "(hidden)"

// isSecret reports whether the name of a header or parameter says that its value is a
// secret, as those of many services do.
func isSecret(name string) bool {
	name = strings.ToLower(name)
	for _, word := range []string{
		"authorization", "cookie", "signature", "credential", "token", "secret", "password", "apikey", "api-key", "api_key", "functions-key",
	} {
		if strings.Contains(name, word) {
			return true
		}
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
// they are asked for. A connect event that does not decode is hidden as a whole. Only the
// body of a user event is as it came, since strangers can leave out or change the type.
func (e *Entry) Redacted(claims bool) []byte {
	if strings.HasPrefix(e.Type, wire.TypePrefixUser) || len(e.Body.Data) == 0 {
		return e.Body.Data
	}
	var body map[string]any
	d := json.NewDecoder(bytes.NewReader(e.Body.Data))
	d.UseNumber()
	if d.Decode(&body) != nil || d.More() {
		if e.IsConnect() || bytes.Contains(bytes.ToLower(e.Body.Data), []byte("claims")) {
			return []byte(hidden)
		}
		return e.Body.Data
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
	case "query", "headers", "mqtt":
		return isSecret
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
