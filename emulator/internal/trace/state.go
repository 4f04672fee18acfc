package trace

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
)

// State is the state of a connection (ce-connectionState) in a record.
type State struct {
	// Text is the state without secrets. It is empty until Emit reads the header.
	Text string
	// JSON means that the header has the text in base64, as web-pubsub-express and this
	// module write it. The text would look like a token there.
	JSON bool
	// Redacted means that a secret was removed.
	Redacted bool

	header string
}

// StateOf returns the state in a header.
func StateOf(header string) State { return State{header: header} }

// read decodes the header and hides secrets.
func (s *State) read(x *secrets) {
	text := s.header
	data, err := base64.StdEncoding.DecodeString(text)
	if s.JSON = err == nil && bytes.HasPrefix(data, []byte("{")) && json.Valid(data); s.JSON {
		text = string(data)
	}
	s.Text, s.header = x.text(text, maxText), ""
	s.Redacted = s.Text != text
}
