package trace

// maxPayload is how many bytes of a payload sinks can read.
const maxPayload = 64 << 10

// Payload is the data of a frame, or the header and body of a request or an answer.
// It refers to the data that was sent, and removes secrets when it is read: a payload that
// no sink reads costs nothing. A sink that stores records should store the texts, since a
// payload keeps all of its data in memory.
type Payload struct {
	header  map[string][]string
	data    []byte
	secrets *secrets // set by Emit
}

// Data returns the payload of a frame. The data must not change.
func Data(data []byte) Payload { return Payload{data: data} }

// Message returns the payload of a request or an answer. Neither the header nor the
// body may change.
func Message(header map[string][]string, body []byte) Payload {
	return Payload{header: header, data: body}
}

// Len returns the length of the data, which may be more than can be read.
func (p Payload) Len() int { return len(p.data) }

// String returns the first 64 KiB of the data without secrets.
func (p Payload) String() string {
	if p.secrets == nil {
		return ""
	}
	text := p.secrets.text(string(p.data[:min(len(p.data), maxPayload+1)]), maxPayload)
	return secretMembers.ReplaceAllString(text, `$1["`+hidden+`"]`)
}

// GoString is String.
func (p Payload) GoString() string { return p.String() }

// Header returns a copy of the header without secrets. It is nil for a frame.
func (p Payload) Header() map[string][]string {
	if p.secrets == nil || p.header == nil {
		return nil
	}
	out := make(map[string][]string, len(p.header))
	for name, values := range p.header {
		for _, v := range values {
			if isSecret(name) {
				v = hidden
			}
			out[name] = append(out[name], p.secrets.text(v, maxText))
		}
	}
	return out
}
