package trigger

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
)

// EncodeState returns a connection state for the header: a JSON object is encoded as
// web-pubsub-express does, in base64. Any other text is a state that is encoded already.
func EncodeState(text string) string {
	if isObject([]byte(text)) {
		return base64.StdEncoding.EncodeToString([]byte(text))
	}
	return text
}

// DecodeState returns the JSON object of a state, or nil if the state is another text.
func DecodeState(state string) json.RawMessage {
	data, err := base64.StdEncoding.DecodeString(state)
	if err != nil || !isObject(data) {
		return nil
	}
	return data
}

func isObject(data []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(data, " \t\r\n"), []byte("{")) && json.Valid(data)
}
