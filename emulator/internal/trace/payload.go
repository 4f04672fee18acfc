package trace

import "strings"

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

// Same reports whether two payloads are the same data in memory, as are those of a
// message for many clients.
func (p Payload) Same(other Payload) bool {
	return len(p.data) == len(other.data) && (len(p.data) == 0 || &p.data[0] == &other.data[0])
}

// Excerpt is what sinks can read of a payload.
type Excerpt struct {
	Text     string
	Cut      bool // the text is the beginning of the data
	Redacted bool // a secret was removed
}

// Excerpt returns the first 64 KiB of the data without secrets.
func (p Payload) Excerpt() Excerpt {
	if p.secrets == nil {
		return Excerpt{}
	}
	whole := string(p.data[:min(len(p.data), maxPayload+1)])
	out, found := p.secrets.cut(whole, maxPayload)
	if found&inMembers != 0 {
		out.Text = secretMembers.ReplaceAllString(out.Text, `$1["`+hidden+`"]`)
	}
	out.Redacted = !strings.HasPrefix(whole, out.Text)
	return out
}

// String returns the text of the [Excerpt], and … if it was cut.
func (p Payload) String() string {
	e := p.Excerpt()
	if e.Cut {
		e.Text += "…"
	}
	return e.Text
}

// GoString is String.
func (p Payload) GoString() string { return p.String() }

// Header returns a copy of the header without secrets. It is nil for a frame.
func (p Payload) Header() map[string][]string {
	if p.secrets == nil {
		return nil
	}
	return p.secrets.header(p.header)
}

// Decoded returns the result of a function of the data, without secrets: in an
// encoding that has lengths, they would be wrong after secrets are removed.
func (p Payload) Decoded(decode func(data []byte) string) string {
	if p.secrets == nil {
		return ""
	}
	out, _ := p.secrets.cut(decode(p.data), maxPayload)
	return out.Text
}
